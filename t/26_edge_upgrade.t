# What an administrator does to an nginx that works: many reloads, another file
# of the module, another binary (USR2, WINCH, QUIT) and back again. No 5xx, no
# answer cut off, no leak; and what begins empty is what README says.
#
# SOAK_RELOADS=200 is the long run (make soak); with a module built with
# sanitizers (TWOCARE_MODULE, NGINX_PRELOAD) these look on.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Exposition;
use File::Copy qw(copy);
use Test::More;
use Time::HiRes qw(sleep);

my $RELOADS = $ENV{SOAK_RELOADS} // 20;

# Requests between two reloads; and what the master may grow by each.
my $BETWEEN    = 150;
my $GROWTH_KIB = 16;

# A process with a sanitizer looks for leaks before it ends.
my $PATIENCE_S = $ENV{NGINX_PRELOAD} ? 90 : 20;

my $LIMIT = 1_000_000;

my $edge = Edge->new(
    workers => 2, stopped => 1,
    clients => [ map { "app_$_:$LIMIT:$LIMIT" } qw(reload module upgrade back) ],
    extra   => 'location = /status { twocare_status; }',
);
# A file of its own: it is replaced below.
my $file = $edge->path('module.so');
copy(Edge::module(), $file) or die "$file: $!\n";
$edge->{module} = $file;
$edge->write_conf;
$edge->start_daemon;

sub page { return Exposition->new($edge->get('/status?format=prometheus')->{body}) }
sub used { my ($token) = @_; return $LIMIT - $edge->get('/v3/x', token => $token)->{headers}{'x-ratelimit-remaining'} }

sub unharmed {
    my ($count, $n, $what) = @_;
    is $count->{200}, $n, "$what: every request was answered with 200" or diag explain $count;
    ok !$count->{cut}, "$what: no answer was cut off";
    is_deeply [ grep { /^5/ } keys %$count ], [], "$what: no 5xx";
    note "$what: repeated on a connection closed unread: " . ($count->{closed} // 0);
    return;
}

sub pss  { my ($pid) = @_; my ($kib) = Edge::read_file("/proc/$pid/smaps_rollup") =~ /^Pss_Anon:\s+(\d+)/m; return $kib }
sub fds  { my ($pid) = @_; return scalar(() = glob "/proc/$pid/fd/*") }
sub maps { my ($pid) = @_; return scalar(() = Edge::read_file("/proc/$pid/maps") =~ /\n/g) }

# --- reloads ------------------------------------------------------------------------

# Hundred reloads in a second are one to nginx: each waits for new workers.
# Two workers that see a new token at once verify it both: one sees it before.
my $token   = $edge->mint(client_id => 'app_reload');
my $served  = used($token);
my $reloads = 0;
my (%sum, @begin);
while ($reloads < $RELOADS) {
    my %old = map { $_ => 1 } $edge->worker_pids;
    my $count = $edge->flood(
        requests => $BETWEEN, connections => 10, token => $token, repeat => 1,
        each => sub { kill 'HUP', $edge->{master} if $_[0] == $BETWEEN / 3 },
    );
    $sum{$_} += $count->{$_} for keys %$count;
    $served += $BETWEEN;
    last if !Edge::wait_for($PATIENCE_S, sub { my @now = $edge->worker_pids; @now == 2 && !grep { $old{$_} } @now });
    $reloads++;
    # The first ones fill caches of the C library and of OpenSSL.
    @begin = (pss($edge->{master}), fds($edge->{master}), maps($edge->{master})) if $reloads == int $RELOADS / 4;
}
is $reloads, $RELOADS, "$reloads reloads under load, each with workers of its own";
unharmed(\%sum, $served - 1, 'reloads');
is used($token), $served + 1, 'no count was lost, none was added';
is page()->sum('twocare_edge_requests_total', verdict => 'passed', reason => 'ok'), $served + 1, 'nor one of the status page';
is page()->sum('twocare_edge_verifications_total'), 1, 'the one token was verified once in all that time';
ok Edge::wait_for($PATIENCE_S, sub { fds($edge->{master}) <= $begin[1] }), 'the master has no more files open' or diag fds($edge->{master}) . " $begin[1]";
my $grown = pss($edge->{master}) - $begin[0];
my $after = $RELOADS - int $RELOADS / 4;
note "the master grew by $grown KiB in $after reloads, and by " . (maps($edge->{master}) - $begin[2]) . ' mappings';
SKIP: {
    skip 'a sanitizer keeps what was freed', 1 if $ENV{NGINX_PRELOAD};
    cmp_ok $grown, '<', $GROWTH_KIB * $after, 'the master is as small as before';
}
cmp_ok maps($edge->{master}) - $begin[2], '<', $after, 'and maps no module twice';

# --- another file of the module -----------------------------------------------------

$token = $edge->mint(client_id => 'app_module');
used($token);
my $replace = sub {
    copy(Edge::module(), "$file.new") or die $!;
    rename "$file.new", $file or die $!;    # as dpkg does: a new inode
};
my $count = $edge->flood(
    requests => 2000, connections => 10, token => $token, repeat => 1,
    each => sub { $replace->() if $_[0] == 300; kill 'HUP', $edge->{master} if $_[0] == 600 },
);
unharmed($count, 2000, 'another module');
my $inode = (stat $file)[1];
sub runs_new_file { my ($pid) = @_; return Edge::read_file("/proc/$pid/maps") =~ / $inode +\Q$file\E$/m ? 1 : 0 }
# The loader knows a module by its name, and the old configuration still has it.
Edge::wait_for($PATIENCE_S, sub { $edge->worker_pids == 2 });
is_deeply [ map { runs_new_file($_) } $edge->{master}, $edge->worker_pids ], [ 0, 0, 0 ], 'a reload goes on with the old one';
is used($token), 2002, 'the windows are those of before';

# --- another binary -----------------------------------------------------------------

sub new_binary {
    my $old = $edge->{master};
    kill 'USR2', $old;
    return if !Edge::wait_for($PATIENCE_S, sub { (Edge::read_file($edge->path('nginx.pid')) || $old) != $old });
    $edge->{master} = 0 + Edge::read_file($edge->path('nginx.pid'));
    return if !Edge::wait_for($PATIENCE_S, sub { $edge->worker_pids == 2 });
    return $old;
}

sub workers_of { my ($pid) = @_; local $edge->{master} = $pid; return scalar $edge->worker_pids }

$token = $edge->mint(client_id => 'app_back');
used($token) for 1 .. 5;
my $old;
$count = $edge->flood(
    requests => 3000, connections => 10, token => $edge->mint(client_id => 'app_upgrade'), repeat => 1, timeout => 120,
    each => sub {
        $old = new_binary() if $_[0] == 500;
        kill 'WINCH', $old if $_[0] == 1500 && $old;
    },
);
ok $old, 'USR2 starts another binary beside the old one';
unharmed($count, 3000, 'another binary');
ok Edge::wait_for($PATIENCE_S, sub { workers_of($old) == 0 }), 'WINCH ends the old workers';
Edge::wait_for($PATIENCE_S, sub { $edge->worker_pids == 2 });
is_deeply [ map { runs_new_file($_) } $edge->worker_pids ], [ 1, 1 ], 'the new workers run the new file of the module';
my $page = page();
my $verified = $page->sum('twocare_edge_verifications_total', result => 'good');
ok $verified == 1 || $verified == 2, 'the new workers verified the token anew';
cmp_ok $page->sum('twocare_edge_requests_total', reason => 'ok'), '<', 3000, 'and its counters began empty';
is used($token), 1, 'so did its windows';

# Back: HUP gives the old master its workers again, QUIT ends the new one.
my $new = $edge->{master};
$edge->{master} = $old;
$count = $edge->flood(
    requests => 2000, connections => 10, token => $edge->mint(client_id => 'app_upgrade'), repeat => 1, timeout => 120,
    each => sub {
        if ($_[0] == 300) { kill 'HUP', $old; Edge::wait_for($PATIENCE_S, sub { workers_of($old) == 2 }) }
        kill 'QUIT', $new if $_[0] == 600;
    },
);
unharmed($count, 2000, 'back to the old binary');
ok Edge::wait_for($PATIENCE_S, sub { !kill 0, $new }), 'the new one has gone';
is used($token), 6, 'the old windows were never lost';

# And once more, for good.
my $last;
$count = $edge->flood(
    requests => 2000, connections => 10, token => $edge->mint(client_id => 'app_upgrade'), repeat => 1, timeout => 120,
    each => sub {
        $last = new_binary() if $_[0] == 300;
        kill 'QUIT', $last if $_[0] == 800 && $last;
    },
);
ok $last, 'USR2 again';
unharmed($count, 2000, 'QUIT of the old binary');
ok Edge::wait_for($PATIENCE_S, sub { !kill 0, $last }), 'the old one has gone';
is $edge->get('/v3/x', token => $token)->{status}, 200, 'the new one serves';

# --- another zone -------------------------------------------------------------------

used($token) for 1 .. 3;
my $http = $edge->path('nginx/twocare_http.conf');
Edge::write_file($http, Edge::read_file($http) =~ s/twocare:32m/twocare:16m/r);
ok $edge->reload, 'a reload with another size of the zone';
is used($token), 1, 'begins with empty windows';
is page()->sum('twocare_edge_verifications_total'), 1, 'and empty counters';

# --- the end ------------------------------------------------------------------------

kill 'QUIT', $edge->{master};
ok Edge::wait_for($PATIENCE_S, sub { !kill 0, $edge->{master} }), 'the last one ends';
is_deeply [ $edge->complaints ], [], 'nginx had nothing to complain of';

done_testing;
END { kill 'KILL', grep { $_ } $last, $old, $edge->{master} if $edge && $? }
