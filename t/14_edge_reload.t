# SIGHUP and kill -9 under load: no 5xx, no answer cut off, no lost count, and
# a worker that dies takes nothing along that the others wait for.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;
use Time::HiRes qw(time);

my $edge = Edge->new(
    clients => [ 'app_reload:1000000:1000000', 'app_kill:1000000:1000000' ],
    workers => 2,
);

# --- reload -------------------------------------------------------------------------

my $token   = $edge->mint(client_id => 'app_reload');
my $total   = 6000;
my $reloads = 0;
my $count   = $edge->flood(
    requests => $total, connections => 20, token => $token, repeat => 1,
    each => sub { kill 'HUP', $edge->{master} and $reloads++ if $_[0] % 1500 == 700 },
);
cmp_ok $reloads, '>=', 3, "reloaded $reloads times under load";
is $count->{200}, $total, 'every request was answered with 200' or diag explain $count;
ok !$count->{cut}, 'no answer was cut off';
is_deeply [ grep { /^5/ } keys %$count ], [], 'no 5xx';
note 'requests repeated on a connection closed unread: ' . ($count->{closed} // 0);

my $res = $edge->get('/v3/x', token => $token);
my $used = 1_000_000 - $res->{headers}{'x-ratelimit-remaining'};
is $used, $total + 1, 'no count was lost, none was added';

# --- kill -9 ------------------------------------------------------------------------

$token = $edge->mint(client_id => 'app_kill');
my @pids  = $edge->worker_pids;
my $kills = 0;
my $begin = time;
$count = $edge->flood(
    requests => 4000, connections => 20, token => $token, repeat => 1, timeout => 40,
    each => sub {
        my ($done) = @_;
        return if $done % 800 != 400;
        my ($pid) = $edge->worker_pids;
        kill 'KILL', $pid and $kills++ if $pid;
    },
);
cmp_ok $kills, '>=', 3, "killed $kills workers under load";
is $count->{200}, 4000, 'all others went on' or diag explain $count;
cmp_ok time - $begin, '<', 30, 'and nobody hung';

ok Edge::wait_for(5, sub { $edge->worker_pids == 2 }), 'nginx has its workers again';
for my $name (map { "app_after_$_" } 1 .. 20) {
    my $fresh = $edge->mint(client_id => $name);
    is $edge->get('/v3/x', token => $fresh)->{status}, 200, "$name: a new token and a new window";
}

# --- a backend worker dies ----------------------------------------------------------

my ($child) = split ' ', Edge::read_file("/proc/$edge->{echo}/task/$edge->{echo}/children");
$count = $edge->flood(
    requests => 1000, connections => 10, token => $token,
    each     => sub { kill 'KILL', $child if $_[0] == 300 },
);
is $count->{200}, 1000, 'a dead backend worker costs reading requests nothing' or diag explain $count;
is $edge->post('/v3/x', token => $token, body => '{}')->{status}, 200,
  "nor a write that it never got, try $_" for 1 .. 4;

done_testing;
