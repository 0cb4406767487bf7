# All slow workers held and one fast worker stopped: every GET by id still
# succeeds.

use strict;
use warnings;
use lib 't/lib';

use Pace qw(within);
use Stack;
use Test::More;
use Time::HiRes qw(time);

my $stack = Stack->new;
my $res   = $stack->put('/Patient/pool-test', body => { resourceType => 'Patient', id => 'pool-test' });
like $res->{status}, qr/^20[01]$/, 'a record';

# Another session locks the record, so each transaction that wants to change
# it holds its worker.
open my $lock, '|-', 'psql', '-Xqo', '/dev/null', $stack->env('PG_URL') or die "psql: $!\n";
print {$lock} "begin; select 1 from res where id = 'pool-test' for update; select pg_sleep(8); rollback;\n";
$lock->flush;
sub sessions { my ($how) = @_; return `psql -XqAtc "select count(*) from pg_stat_activity where $how" "@{[ $stack->env('PG_URL') ]}"` }
ok within(5, sub { sessions("query like 'select pg_sleep(8)%' and state = 'active'") == 1 }), 'is locked';

my @holders;
for (1 .. 2) {
    defined(my $pid = fork) or die $!;
    if (!$pid) {
        my $own = Stack->new;
        my $answer = $own->post('', token => $stack->token, body => {
            resourceType => 'Bundle', type => 'transaction',
            entry => [ { resource => { resourceType => 'Patient', id => 'pool-test' }, request => { method => 'PUT', url => 'Patient/pool-test' } } ],
        });
        require POSIX;
        POSIX::_exit($answer->{status} == 200 ? 0 : 1);
    }
    push @holders, $pid;
}
ok within(5, sub { sessions("wait_event_type = 'Lock'") == 2 }), 'all slow workers wait for it';

my (undef, @workers) = $stack->pids('backend');
my ($fast) = grep { `tr '\\0' ' ' < /proc/$_/cmdline` =~ /fast/ } @workers;
ok $fast, 'a fast worker is found by its title' or $fast = $workers[0];
kill 'STOP', $fast;

my ($begin, %seen) = (time);
$seen{ $stack->get('/Patient/pool-test')->{status} }++ while time - $begin < 6;
kill 'CONT', $fast;
is_deeply [ keys %seen ], [200], 'every GET by id succeeds' or diag explain \%seen;
note "$seen{200} requests in 6 s";

close $lock;
waitpid $_, 0 for @holders;
is $?, 0, 'what was held goes through when the lock is gone';

done_testing;
