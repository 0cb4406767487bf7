# Limits: exact over workers and connections, minute and hour together, kept
# over reload, told truthfully, charged to whom they belong.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;
use Time::HiRes qw(sleep time);

my @clients = (
    'app_flood:7000:1000000', 'app_reload:3000:1000000', 'app_hour:5:3', 'app_minute:1000:2',
    'app_pool_a:4:4:shared', 'app_pool_b:4:4:shared', 'app_free:0:0', 'app_login:10:10',
    'app_empty:1:1', 'app_accel:10:10', 'app_error:10:10', 'app_window:1000:2',
);
my $edge = Edge->new(
    clients       => \@clients,
    limit_address => '9 5',
    workers       => 2,
    extra         => <<'END',
real_ip_header X-From; set_real_ip_from 127.0.0.1;
location /v3/inside { internal; twocare_auth on; twocare_limit on; fastcgi_pass twocare_fast; }
location /v3/try { twocare_auth on; twocare_limit on; root /nonexistent; try_files /a /b @backend; }
location @backend { twocare_auth on; twocare_limit on; fastcgi_pass twocare_fast; }
END
);

sub limits {
    my ($res) = @_;
    return join '/', map { $res->{headers}{"x-ratelimit-$_"} // '-' } qw(limit remaining);
}
sub from { return (headers => [ 'X-From' => $_[0] ]) }

# --- exact ---------------------------------------------------------------------------

my $token = $edge->mint(client_id => 'app_flood');
my $count = $edge->flood(requests => 10_000, connections => 50, token => $token);
is $count->{200}, 7000, '10,000 requests, 50 connections, 2 workers: accepted = the limit';
is $count->{429}, 3000, 'and all others refused';

# --- two windows ------------------------------------------------------------------------

$token = $edge->mint(client_id => 'app_hour');
my $before = time;
my @res = map { $edge->get('/v3/x', token => $token) } 1 .. 4;
is_deeply [ map { $_->{status} } @res ], [ 200, 200, 200, 429 ], 'the minute refuses the fourth';
is_deeply [ map { limits($_) } @res ], [ '5/4', '5/3', '5/2', '3/0' ],
  'answers show the hour, the refusal the minute that refused';
my ($hour, $minute) = map { $res[$_]{headers}{'x-ratelimit-reset'} } 0, 3;
ok $hour - $before >= 3600 && $hour - $before < 3602, 'the hour closes 3,600 s after the first request';
ok $minute - $before >= 60 && $minute - $before < 62, 'the minute 60 s after';
is $res[1]{headers}{'x-ratelimit-reset'}, $hour, 'the reset does not move';
my $retry = $res[3]{headers}{'retry-after'};
ok $retry >= 1 && $retry <= 60, 'Retry-After within the minute';
is $res[3]{json}{error}{retryAfter}, $retry, 'retryAfter in the body is the same number';
is $res[3]{json}{error}{message}, "API rate limit exceeded. Please retry after $retry seconds.",
  'and the sentence of the specification';
is $res[3]{json}{error}{code}, 'rate_limit_exceeded', 'and its code';

$edge->clients('app_hour:3:100', @clients[ grep { $_ != 2 } 0 .. $#clients ]);
ok Edge::wait_for(1, sub {
    my $res = $edge->get('/v3/x', token => $token);
    $res->{status} == 429 && limits($res) eq '3/0';
}), 'changed numbers hold within a second, and the hour refuses now';
$edge->clients(@clients);

$token = $edge->mint(client_id => 'app_window');
$edge->get('/v3/x', token => $token) for 1 .. 2;
is $edge->get('/v3/x', token => $token)->{status}, 429, 'refused by the minute';
is limits($edge->get('/v3/x', token => $token)), '2/0', 'more refusals';
$edge->clients('app_window:1000:100', grep { !/app_window/ } @clients);
ok Edge::wait_for(1, sub { $edge->get('/v3/x', token => $token)->{status} == 200 }), 'after a rise';
is limits($edge->get('/v3/x', token => $token)), '1000/996', 'refused requests were not counted';

# --- whose windows ----------------------------------------------------------------------------

my ($one, $two) = map { $edge->mint(client_id => "app_pool_$_") } 'a', 'b';
is limits($edge->get('/v3/x', token => $one)), '4/3', 'one of a pool';
is limits($edge->get('/v3/x', token => $two)), '4/2', 'and the other share windows';

is limits($edge->get('/v3/x', token => $edge->mint(client_id => 'app_new'))), '1000/999',
  'a client not listed has the standard tier';
is limits($edge->get('/v3/x', token => $edge->mint(client_id => 'app_new'))), '1000/998',
  'by client id, whatever the token';
is limits($edge->get('/v3/x', token => $edge->mint(client_id => 'app_free'))), '-/-',
  'a limit of 0 is none';

is limits($edge->get('/v3/x', from('192.0.2.1'))), '9/8', 'no token: the address';
is limits($edge->get('/v3/x', token => 'bad', from('192.0.2.1'))), '9/7', 'a bad one: the address';
is limits($edge->get('/v3/x', token => $edge->mint(client_id => 'app_new'), from('192.0.2.1'))),
  '1000/997', 'a good one: the client';
is limits($edge->get('/v3/x', from('192.0.2.2'))), '9/8', 'another address';
is limits($edge->get('/v3/x', from('2001:db8::1'))), '9/8', 'an IPv6 address';
is limits($edge->get('/v3/x', from('2001:db8::ffff:1'))), '9/7', 'another of the same /64';
is limits($edge->get('/v3/x', from('2001:db8:0:1::1'))), '9/8', 'another /64';

my @tries = map { $edge->get('/v3/x', from('192.0.2.3')) } 1 .. 6;
is_deeply [ map { $_->{status} } @tries ], [ (401) x 5, 429 ], 'guessing tokens: 429 after the limit';
is $edge->get('/v3/x', token => $edge->mint, from('192.0.2.3'))->{status}, 200,
  'a good token from there passes';

# --- counted once ------------------------------------------------------------------------

$token = $edge->mint(client_id => 'app_accel');
my $res = $edge->get('/v3/x?accel=/v3/inside', token => $token);
is $res->{json}{DOCUMENT_URI}, '/v3/inside', 'X-Accel-Redirect inside';
is limits($res), '10/9', 'counts once';
$res = $edge->get('/v3/try', token => $token);
is $res->{status}, 200, 'try_files and a named location';
is limits($res), '10/8', 'count once';

$token = $edge->mint(client_id => 'app_error');
is limits($edge->raw_parsed("POST /v3/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer $token\r\n"
      . "Connection: close\r\nContent-Length: 2000000\r\n\r\n")), '10/9', 'a body too large counts';
is limits($edge->get('/v3/x?cut=1', token => $token)), '10/8', 'a failing backend counts';

# --- free of charge, and charged elsewhere ------------------------------------------------

for my $path ('/health', '/.well-known/jwks.json', '/.well-known/oauth-authorization-server') {
    $res = $edge->get($path, from('192.0.2.4'));
    is $res->{status}, 200, "$path is open";
    is limits($res), '-/-', 'and free';
}
$res = $edge->request(OPTIONS => '/v3/x', headers => [ Origin => 'https://app.test',
    'Access-Control-Request-Method' => 'GET' ]);
is $res->{status} . limits($res), '200-/-', 'a preflight is open and free';
is $edge->request(OPTIONS => '/v3/x')->{status}, 401, 'another OPTIONS is not';

$res = $edge->get('/oauth/token', from('192.0.2.5'));
is limits($res), '9/8', 'a token request counts to the address';
$res = $edge->get('/oauth/token?client=app_login', from('192.0.2.5'));
is limits($res), '10/9', 'with good credentials to the client';
ok !exists $res->{headers}{'x-edge-client'}, 'and nobody sees how';
is limits($edge->get('/oauth/token', from('192.0.2.5'))), '9/7', 'the address was given it back';
$edge->get('/oauth/token?client=app_empty', from('192.0.2.6'));
is limits($edge->get('/oauth/token?client=app_empty', from('192.0.2.6'))), '9/8',
  'a client that has used up its own leaves it with the address';
$token = $edge->mint(client_id => 'app_login');
is limits($edge->get('/v3/x?client=app_empty', token => $token)), '10/8',
  'behind a token the backend moves nothing';

# --- kept over reload --------------------------------------------------------------------

$token = $edge->mint(client_id => 'app_reload');
$count = $edge->flood(requests => 1000, connections => 10, token => $token);
is $count->{200}, 1000, 'before the reload';
ok $edge->reload, 'reload';
$count = $edge->flood(requests => 3000, connections => 10, token => $token);
is $count->{200}, 2000, 'after it: what was left, exactly';

done_testing;
