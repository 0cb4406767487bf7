# Beyond plain limits: groups of locations, dry run, the RateLimit fields, 304
# given back, addresses behind a proxy, and the budget of bogus tokens.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;

my @clients = (
    'app_a:100:50', 'app_b:100:50', 'app_flood:9000:1000000:pool', 'app_pal:9000:1000000:pool',
    'app_dry:1000:2', 'app_dry_hour:2:1000', 'app_etag:100:50', 'app_etag_few:9:9', 'app_file:20:20',
    'app_hour:10:0', 'app_minute:0:10', 'app_free:0:0', 'app_small:2:9', 'app_login:10:10',
);
my $edge = Edge->new(
    clients       => \@clients,
    limit_address => '9 5',
    workers       => 2,
    http          => <<'END',
twocare_limit_group reports client=8/4 address=3/2;
twocare_limit_group search client=4000/1000000;
twocare_limit_group same;
END
    extra => <<'END',
real_ip_header X-From; set_real_ip_from 127.0.0.1; real_ip_recursive on; set_real_ip_from 198.51.100.0/24;
location /v3/reports/ { twocare_auth on; twocare_limit group=reports; fastcgi_pass twocare_fast; }
location /v3/reports/open { twocare_auth optional; twocare_limit group=reports; fastcgi_pass twocare_fast; }
location /v3/search/ { twocare_auth on; twocare_limit group=search; fastcgi_pass twocare_fast; }
location /v3/search/all { twocare_auth on; twocare_limit group=search; fastcgi_pass twocare_fast; }
location /v3/same/ { twocare_auth on; twocare_limit group=same; fastcgi_pass twocare_fast; }
location /v3/same/plain { twocare_auth on; twocare_limit on; fastcgi_pass twocare_fast; }
location /v3/fields/ { twocare_auth optional; twocare_limit on; twocare_limit_fields on; fastcgi_pass twocare_fast; }
location /v3/fields/reports { twocare_auth on; twocare_limit group=reports; twocare_limit_fields on; fastcgi_pass twocare_fast; }
location /v3/plain/ { twocare_auth on; twocare_limit on; twocare_limit_fields off; fastcgi_pass twocare_fast; }
location /v3/up/ { twocare_limit on; twocare_limit_fields on; proxy_pass http://127.0.0.1:$server_port/foreign; }
location /v3/up/plain { twocare_limit on; twocare_limit_fields off; proxy_pass http://127.0.0.1:$server_port/foreign; }
location /foreign { twocare_answers off; add_header RateLimit foreign; add_header RateLimit-Policy foreign; return 200 x; }
location /v3/dry/ { twocare_auth optional; twocare_limit on; twocare_limit_dry_run on; fastcgi_pass twocare_fast;
    add_header X-Word $twocare_limit_status always; }
location /v3/etag/ { twocare_auth on; twocare_limit on; twocare_limit_not_modified 10%; fastcgi_pass twocare_fast; }
location /v3/file { twocare_auth on; twocare_limit on; twocare_limit_not_modified 5%; alias file; }
location /v3/guard/ { twocare_auth on; twocare_limit off; twocare_limit_failures 4; fastcgi_pass twocare_fast; }
location /v3/guard/optional { twocare_auth optional; twocare_limit off; twocare_limit_failures 4; fastcgi_pass twocare_fast; }
location /v3/guard/dry { twocare_auth on; twocare_limit off; twocare_limit_failures 4; twocare_limit_dry_run on; fastcgi_pass twocare_fast; }
END
);

sub limits {
    my ($res) = @_;
    return join '/', map { $res->{headers}{"x-ratelimit-$_"} // '-' } qw(limit remaining);
}
sub from { return (headers => [ 'X-From' => $_[0] ]) }
sub several { my ($n, $path, @how) = @_; return map { $edge->get($path, @how) } 1 .. $n }

# --- groups ----------------------------------------------------------------------------

my ($one, $two) = map { $edge->mint(client_id => "app_$_") } 'a', 'b';
is limits($edge->get('/v3/x', token => $one)), '100/99', 'the general windows';
my @res = several(5, '/v3/reports/1', token => $one);
is_deeply [ map { limits($_) } @res ], [ '8/7', '8/6', '8/5', '8/4', '4/0' ], 'a group has its own windows and numbers';
is $res[4]{status}, 429, 'its minute refuses';
is limits($edge->get('/v3/x', token => $one)), '100/98', 'the general windows did not notice';
is limits($edge->get('/v3/reports/1', token => $two)), '8/7', 'each client has its own in a group';
is limits($edge->get('/v3/reports/open', from('192.0.2.1'))), '3/2', 'addresses have other numbers there';
is limits($edge->get('/v3/x', from('192.0.2.1'))), '9/8', 'and their own windows, too';
is limits($edge->get('/v3/reports/open', from('192.0.2.2'))), '3/2', 'each address';
is limits($edge->get('/v3/same/1', token => $two)), '100/99', 'without numbers the client keeps its own';
is limits($edge->get('/v3/same/plain', token => $two)), '100/99', 'a location below may leave the group';
is limits($edge->get('/v3/search/1', token => $two)), '4000/3999', 'one location of a group';
is limits($edge->get('/v3/search/all', token => $two)), '4000/3998', 'and another share windows';

# --- exact, with a pool and a group --------------------------------------------------

my ($flood, $pal) = map { $edge->mint(client_id => $_) } 'app_flood', 'app_pal';
my $count = $edge->flood(requests => 5000, connections => 50, token => $flood);
is $count->{200}, 5000, 'one client of a pool';
$count = $edge->flood(requests => 5000, connections => 50, token => $pal);
is $count->{200}, 4000, 'and another: 10,000 requests, 50 connections, 2 workers: exact';
is $count->{429}, 1000, 'all others refused';
$count = $edge->flood(requests => 2500, connections => 50, token => $flood, path => '/v3/search/1');
is $count->{200}, 2500, 'the same pool in a group';
$count = $edge->flood(requests => 2500, connections => 50, token => $pal, path => '/v3/search/all');
is $count->{200}, 1500, 'exact there, too';

# --- the fields -------------------------------------------------------------------------

my %field = map { my $name = $_; ($name => sub { $_[0]{headers}{ lc $name } // '' }) } 'RateLimit', 'RateLimit-Policy';
my $res = $edge->get('/v3/fields/1', token => $edge->mint(client_id => 'app_small'));
is $field{'RateLimit-Policy'}->($res), '"hour";q=2;w=3600, "minute";q=9;w=60', 'the policies name both windows';
like $field{RateLimit}->($res), qr/^"hour";r=1;t=3600, "minute";r=8;t=60$/, 'so does RateLimit';
is limits($res), '2/1', 'beside X-RateLimit-*';
$edge->get('/v3/fields/1', token => $edge->mint(client_id => 'app_small'));
$res = $edge->get('/v3/fields/1', token => $edge->mint(client_id => 'app_small'));
is $res->{status}, 429, 'the hour refuses';
like $field{RateLimit}->($res), qr/^"hour";r=0;t=(3600|359\d), "minute";r=7;t=(60|5\d)$/, 'and the minute was not counted';
is $field{'RateLimit-Policy'}->($res), '"hour";q=2;w=3600, "minute";q=9;w=60', 'on refusals, too';
$res = $edge->get('/v3/fields/1', from('192.0.2.7'));
is $field{'RateLimit-Policy'}->($res), '"hour";q=9;w=3600, "minute";q=5;w=60', 'and for addresses';
$res = (several(6, '/v3/fields/1', from('192.0.2.8')))[5];
is $res->{status}, 429, 'the minute refuses';
like $field{RateLimit}->($res), qr/^"hour";r=4;t=(3600|359\d), "minute";r=0;t=(60|5\d)$/, 'and the hour is shown as it is';
is $field{'RateLimit-Policy'}->($edge->get('/v3/fields/1', token => $edge->mint(client_id => 'app_hour'))),
  '"hour";q=10;w=3600', 'a window without limit is not named';
is $field{'RateLimit-Policy'}->($edge->get('/v3/fields/1', token => $edge->mint(client_id => 'app_minute'))),
  '"minute";q=10;w=60', 'nor this one';
ok !exists $edge->get('/v3/fields/1', token => $edge->mint(client_id => 'app_free'))->{headers}{ratelimit},
  'without limits there is nothing to name';
$res = $edge->get('/v3/fields/reports', token => $two);
is $field{'RateLimit-Policy'}->($res), '"reports-hour";q=8;w=3600, "reports-minute";q=4;w=60', 'groups by their names';
like $field{RateLimit}->($res), qr/^"reports-hour";r=6;t=\d+, "reports-minute";r=2;t=\d+$/, 'there, too';
ok !exists $edge->get('/v3/plain/1', token => $two)->{headers}{'ratelimit-policy'}, 'and none where they are off';

$res = $edge->get('/v3/up/1', from('192.0.2.9'));
is scalar(grep { /^ratelimit/ } @{ $res->{all} }), 2, 'those of an upstream are not passed on';
like $field{RateLimit}->($res), qr/^"hour";r=8/, 'but ours are';
is $field{RateLimit}->($edge->get('/v3/up/plain', from('192.0.2.9'))), 'foreign', 'unless ours are off';

# --- dry run --------------------------------------------------------------------------

my $token = $edge->mint(client_id => 'app_dry');
@res = several(4, '/v3/dry/1', token => $token);
is_deeply [ map { $_->{status} } @res ], [ (200) x 4 ], 'a dry run refuses nothing';
is_deeply [ map { $_->{headers}{'x-ratelimit-dry-run'} // '-' } @res ], [ '-', '-', 'minute', 'minute' ], 'and says what would have';
is_deeply [ map { $_->{headers}{'x-word'} } @res ], [ 'passed', 'passed', ('minute_dry_run') x 2 ], 'so does the variable';
is limits($res[3]), '2/0', 'the numbers are those of the refusal';
like $edge->access_log, qr{/v3/dry/1 \S+ 200 .* limit=minute_dry_run}, 'the log has it';
is $edge->get('/v3/x', token => $token)->{status}, 429, 'elsewhere the same windows refuse';
@res = several(3, '/v3/dry/1', token => $edge->mint(client_id => 'app_dry_hour'));
is $res[2]{headers}{'x-ratelimit-dry-run'}, 'hour', 'the hour, too';
@res = several(7, '/v3/dry/1', from('192.0.2.20'));
is "$res[6]{status} $res[6]{headers}{'x-word'}", '200 minute_dry_run', 'and addresses';

# --- 304 --------------------------------------------------------------------------------

sub tagged { my ($token, $tag) = @_; return $edge->get('/v3/etag/1?status=304', token => $token) }
$token = $edge->mint(client_id => 'app_etag');
@res = map { tagged($token) } 1 .. 8;
is_deeply [ map { $_->{status} } @res ], [ (304) x 8 ], '304 from the backend';
is_deeply [ map { limits($_) } @res ], [ ('100/99') x 8 ], 'costs nothing at first but the one that opened the window';
@res = map { tagged($token) } 1 .. 6;
is_deeply [ map { limits($_) } @res ], [ ('100/99') x 3, '100/98', '100/97', '100/96' ],
  'at most a tenth of the limit is given back';
is limits($edge->get('/v3/etag/1', token => $token)), '100/95', 'another answer always counts';
$token = $edge->mint(client_id => 'app_etag_few');
is limits(tagged($token)), '9/8', 'a tenth of a small limit is nothing';
is limits($edge->get('/v3/x?status=304', token => $edge->mint(client_id => 'app_etag'))), '100/94', 'off by default';

Edge::write_file($edge->path('nginx/file'), "content\n");
$token = $edge->mint(client_id => 'app_file');
$res = $edge->get('/v3/file', token => $token);
is "$res->{status} " . limits($res), '200 20/19', 'a file';
my @tag = ('If-None-Match' => $res->{headers}{etag});
$res = $edge->get('/v3/file', token => $token, headers => \@tag);
is "$res->{status} " . limits($res), '304 20/18', "nginx's own 304 is known later";
is limits($edge->get('/v3/file', token => $token)), '20/18', 'but given back as well';
$edge->get('/v3/file', token => $token, headers => \@tag);
is limits($edge->get('/v3/file', token => $token)), '20/16', 'once, which is 5 % of 20';

# --- changed by reload --------------------------------------------------------------------

my $text = Edge::read_file($edge->path('nginx/nginx.conf'));
Edge::write_file($edge->path('nginx/nginx.conf'), $text =~ s{client=8/4}{client=20/10}r);
ok $edge->reload, 'reload with other numbers of a group';
is limits($edge->get('/v3/reports/1', token => $two)), '20/17', 'they hold, and the counts stay';
is limits($edge->get('/v3/search/1', token => $flood)), '4000/0', 'the counts of a full window, too';
is $edge->get('/v3/x', token => $pal)->{status}, 429, 'and those of a pool';

# --- addresses behind proxies ----------------------------------------------------------------

is limits($edge->get('/v3/x', from('203.0.113.9, 198.51.100.7'))), '9/8', 'behind two trusted proxies';
is limits($edge->get('/v3/x', from('203.0.113.9'))), '9/7', 'it is the same address';
is limits($edge->get('/v3/x', from('203.0.113.1, 192.0.2.30, 198.51.100.7'))), '9/8', 'what stands before an untrusted one';
is limits($edge->get('/v3/x', from('203.0.113.2, 192.0.2.30'))), '9/7', 'is not believed';
is limits($edge->raw_parsed("GET /v3/x HTTP/1.1\r\nHost: a\r\nX-From: 203.0.113.9\r\nConnection: close\r\n\r\n")), '9/6', 'by hand';
is limits($edge->raw_parsed("POST /v3/x HTTP/1.1\r\nHost: a\r\nX-From: 203.0.113.9\r\nConnection: close\r\n"
      . "Content-Length: 2000000\r\n\r\n")), '9/5', 'a request refused before the access phase, too';
is limits($edge->get('/v3/x', from('::ffff:203.0.113.9'))), '5/0', 'IPv4 mapped into IPv6 is that IPv4'
  if limits($edge->get('/v3/x', from('203.0.113.9'))) eq '9/4';

# --- the budget of bogus tokens ----------------------------------------------------------

my $known = $edge->mint(client_id => 'app_a');
my $guard = sub { $edge->get($_[1] // '/v3/guard/1', token => $_[0], from($_[2] // '192.0.2.40')) };
is $guard->($known)->{status}, 200, 'a good token, known from now on';
my @bogus = map { $edge->mint(jti => "bogus$_", '-sig' => 'garbage') } 1 .. 12;
is_deeply [ map { $guard->($_)->{status} } @bogus[ 0 .. 3 ] ], [ (401) x 4 ], 'so many wrong signatures are computed';
$res = $guard->($bogus[4]);
is $res->{status}, 429, 'then no more';
is $res->{json}{error}{code}, 'rate_limit_exceeded', 'in the form of limits';
like $res->{json}{error}{message}, qr/^Too many access tokens with a wrong signature\. Please retry after \d+ seconds\.$/, 'saying why';
my $retry = $res->{headers}{'retry-after'};
ok $retry >= 1 && $retry <= 60, 'Retry-After within the minute';
is $guard->($known)->{status}, 200, 'a token that was good before is not looked at anew';
is $guard->($edge->mint(client_id => 'app_b'))->{status}, 429, 'an unknown one waits, good or not';
is $guard->($bogus[0])->{status}, 429, 'a bogus one is not remembered';
is $guard->('a.b.c')->{status}, 401, 'what is no token costs nothing and is told so';
is $guard->($edge->mint(client_id => 'app_b'), undef, '192.0.2.41')->{status}, 200, 'other addresses do not notice';
is $guard->($bogus[5], '/v3/guard/optional')->{status}, 200, 'where tokens are optional a bad one is as none';
is $guard->($bogus[6], '/v3/guard/dry')->{status}, 401, 'a dry run goes on computing';
is_deeply [ map { $guard->($edge->mint(jti => "good$_"), undef, '192.0.2.42')->{status} } 1 .. 8 ], [ (200) x 8 ],
  'good signatures cost nothing of the budget';
is_deeply [ map { $guard->($bogus[$_], undef, "2001:db8:1::$_")->{status} } 1 .. 5 ], [ (401) x 4, 429 ],
  'IPv6 addresses of one /64 have one budget';
is $guard->($bogus[7], undef, '2001:db8:2::1')->{status}, 401, 'and another /64 another';
like $edge->access_log, qr/ 429 .* limit=failures verdict=failures /, 'the log tells them apart';

done_testing;
