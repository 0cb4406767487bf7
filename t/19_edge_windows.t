# Windows close when they should, and a table that is full forgets nobody: keys
# share windows then, strictly or openly, and the log says so.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;

# A zone of the least size has windows for some 7,600 addresses.
my $MANY = 20_000;

my $edge = Edge->new(
    clock         => 1,
    clients       => [ 'app_a:10:4', 'app_etag:100:50', 'app_minute:0:3' ],
    limit_address => '9 5',
    workers       => 2,
    extra         => <<'END',
twocare_zone small:1m;
real_ip_header X-From; set_real_ip_from 127.0.0.1;
location /v3/gif/ { twocare_limit on; empty_gif; }
location /v3/gif/open { twocare_limit on; twocare_limit_overflow open; empty_gif;
    add_header X-Word $twocare_limit_status; }
location /v3/etag/ { twocare_auth on; twocare_limit on; twocare_limit_not_modified 10%; fastcgi_pass twocare_fast; }
location /v3/guard/ { twocare_auth on; twocare_limit off; twocare_limit_failures 2; fastcgi_pass twocare_fast; }
END
);

sub limits {
    my ($res) = @_;
    return join '/', map { $res->{headers}{"x-ratelimit-$_"} // '-' } qw(limit remaining);
}
sub from  { return (headers => [ 'X-From' => $_[0] ]) }
sub ipv4  { my ($net, $i) = @_; return sprintf '%d.%d.%d.%d', $net, $i >> 16, $i >> 8 & 255, $i & 255 }
sub ahead { my ($seconds) = @_; $edge->clock_ahead($seconds); select undef, undef, undef, 0.3; return }

# --- closing --------------------------------------------------------------------------

my $token = $edge->mint(client_id => 'app_a', exp => time + 100_000);
my $get   = sub { my $res = $edge->get('/v3/x', token => $token); return "$res->{status} " . limits($res) };
is $get->(), "200 10/$_", 'open' for 9, 8, 7, 6;
is $get->(), '429 4/0', 'the minute is full';
ahead(50);
is $get->(), '429 4/0', 'and still after 50 s';
ahead(61);
is $get->(), '200 10/5', 'a new minute after 61 s, the hour goes on';
is $get->(), "200 10/$_", 'on' for 4, 3, 2;
is $get->(), '429 4/0', 'the second minute is full';
ahead(130);
is $get->(), "200 10/$_", 'on' for 1, 0;
is $get->(), '429 10/0', 'the hour is full';
ahead(3550);
is $get->(), '429 10/0', 'and still after 3,550 s';
ahead(3601);
is $get->(), '200 10/9', 'a new hour after 3,601 s';
my $reset = $edge->get('/v3/x', token => $token)->{headers}{'x-ratelimit-reset'};
cmp_ok abs($reset - time - 3600), '<=', 2, 'whose reset is told by the wall clock';

$token = $edge->mint(client_id => 'app_minute', exp => time + 100_000);
is $get->(), "200 3/$_", 'a limit of the minute alone' for 2, 1, 0;
is $get->(), '429 3/0', 'refuses';
ahead(3670);
is $get->(), '200 3/2', 'and is open again a minute later';

# --- what is given back begins anew with a window -----------------------------------------

$token = $edge->mint(client_id => 'app_etag', exp => time + 100_000);
my $etag = sub { return limits($edge->get('/v3/etag/1?status=304', token => $token)) };
my @seen = map { $etag->() } 1 .. 13;
is_deeply [ @seen[ 0, 10, 11, 12 ] ], [ qw(100/99 100/99 100/98 100/97) ], 'ten of a hundred are given back';
ahead(7300);
@seen = map { $etag->() } 1 .. 13;
is_deeply [ @seen[ 0, 10, 11, 12 ] ], [ qw(100/99 100/99 100/98 100/97) ], 'and ten of the next window';

# --- the budget of bogus tokens -------------------------------------------------------------

my $bogus = sub { $edge->get('/v3/guard/1', token => $edge->mint('-sig' => 'garbage'), from('192.0.2.1'))->{status} };
is_deeply [ map { $bogus->() } 1 .. 4 ], [ 401, 401, 429, 429 ], 'a budget of two';
ahead(7361);
is_deeply [ map { $bogus->() } 1 .. 3 ], [ 401, 401, 429 ], 'is there again in the next minute';

# --- a full table ------------------------------------------------------------------------------

my $old = sub { return 'X-From: ' . ipv4(10, $_[0] % 50) };
is $edge->pour('/v3/gif/1', 100, $old)->{200}, 100, 'fifty addresses, two requests each';
my $count = $edge->pour('/v3/gif/1', $MANY, sub { 'X-From: ' . ipv4(11, $_[0]) });
cmp_ok $count->{200}, '>', 7000, "$MANY others: those that found room, $count->{200}";
cmp_ok $count->{429}, '>', 5000, "and those that had to share and were too many, $count->{429}";
is $count->{200} + $count->{429}, $MANY, 'nothing else';
is_deeply [ map { limits($edge->get('/v3/gif/1', from(ipv4(10, $_)))) } 0 .. 49 ], [ ('9/6') x 50 ],
  'none of the fifty was forgotten';
is $edge->get('/v3/gif/1', from('12.0.0.1'))->{status}, 429, 'a stranger is refused by the shared window';
my $res = $edge->get('/v3/gif/open', from('12.0.0.2'));
is "$res->{status} $res->{headers}{'x-word'}", '200 overflow', 'but let through where that is open';
is limits($res), '9/4', 'with the numbers of the shared window, whose minute is full';
$res = $edge->get('/v3/gif/open', from('10.0.0.7'));
is "$res->{status} $res->{headers}{'x-word'} " . limits($res), '200 passed 9/5', 'one with a slot notices nothing';
$edge->pour('/v3/gif/open', 4, sub { 'X-From: 10.0.0.7' });
is $edge->get('/v3/gif/open', from('10.0.0.7'))->{status}, 429, 'and is limited as ever';
my @lines = $edge->error_log =~ /(twocare_zone "small" is too small for its addresses: some share windows)/g;
ok @lines >= 1 && @lines <= 2, 'the log says so once a minute and worker';
is $edge->get('/v3/x', token => $edge->mint(client_id => 'app_new'))->{status}, 200, 'clients have a table of their own';

ahead(7430);
my @shared = grep { limits($edge->get('/v3/gif/1', from(ipv4(13, $_)))) eq '9/8' } 0 .. 9;
is scalar @shared, 0, 'a minute later the hours are still open, and nobody begins afresh';
ahead(11_000);
is_deeply [ map { limits($edge->get('/v3/gif/1', from(ipv4(14, $_)))) } 0 .. 9 ], [ ('9/8') x 10 ],
  'when they have closed there is room, and strangers begin with nothing';

# Slots become free while the shared windows are open: who may have counted
# there begins with what they have. The keys of a zone are random: of a few
# sets in a thousand the first fill is too large or too small to show it.
ahead(20_000);
$edge->pour('/v3/gif/1', 3500, sub { 'X-From: ' . ipv4(15, $_[0]) });
ahead(21_800);
$edge->pour('/v3/gif/1', $MANY, sub { 'X-From: ' . ipv4(16, $_[0]) });
ahead(23_700);
my $strict = grep { limits($edge->get('/v3/gif/1', from(ipv4(17, $_)))) eq '9/3' } 0 .. 9;
cmp_ok $strict, '>=', 8, "the shared count goes along into an own window, $strict of 10";
my $open = grep { limits($edge->get('/v3/gif/open', from(ipv4(18, $_)))) eq '9/8' } 0 .. 9;
cmp_ok $open, '>=', 8, "but not where that is open, $open of 10";

# --- kill -9 of workers while keys come and go -----------------------------------------------

my ($kills, $served) = (0, 0);
for my $round (1 .. 8) {
    ahead(24_000 + 4000 * $round) if $round % 4 == 0;
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        eval { $edge->pour('/v3/gif/1', 3000, sub { 'X-From: ' . ipv4(20 + $round, int rand 3000) }) };
        POSIX::_exit(0);
    }
    for (1 .. 3) {
        select undef, undef, undef, 0.05;
        my ($worker) = $edge->worker_pids;
        kill 'KILL', $worker and $kills++ if $worker;
    }
    waitpid $pid, 0;
    ok Edge::wait_for(5, sub { $edge->worker_pids == 2 }), "round $round: nginx has its workers again";
    $served += $edge->pour('/v3/gif/open', 50, sub { 'X-From: ' . ipv4(40 + $round, $_[0]) })->{200} // 0;
}
cmp_ok $kills, '>=', 16, "killed $kills workers while they gave slots away";
is $served, 400, 'and nobody hangs';

done_testing;
