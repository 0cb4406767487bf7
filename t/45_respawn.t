# A worker that dies is started again at once; one that dies again and again
# waits longer each time, and the others go on meanwhile.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { DEATHS => 5, WITHIN_S => 10 };

my $stack = Stack->new;
my $res   = $stack->put('/Patient/respawn', body => { resourceType => 'Patient', id => 'respawn' });
like $res->{status}, qr/^20[01]$/, 'a record';

# The process of one worker, by its title, when it is younger than the one
# before: those that a reload left have the same title for a while.
my $youngest = 0;

sub worker {
    my (undef, @children) = $stack->pids('backend');
    for my $pid (@children) {
        my ($title, $stat) = map { open(my $fh, '<', "/proc/$pid/$_") ? scalar <$fh> // '' : '' } qw(cmdline stat);
        my $began = (split ' ', $stat =~ s/.*\)//r)[19] // 0;
        next if $title !~ /\bfast-0\b/ || $began <= $youngest;
        $youngest = $began;
        return $pid;
    }
    return;
}

my $died;
while (my $pid = worker()) { $died = $pid }
ok $died, 'a worker is found by its title';
my (@waited, %seen);
for (1 .. DEATHS) {
    my $begin = time;
    kill 'KILL', $died;
    my $now;
    while (time - $begin < WITHIN_S && !defined($now = worker())) {
        $seen{ $stack->get('/Patient/respawn')->{status} }++;
        sleep 0.01;
    }
    push @waited, time - $begin;
    $died = $now // last;
}
is scalar @waited, DEATHS, 'it comes back each time';
note 'waited ', join ' ', map { sprintf '%.2f s', $_ } @waited;
cmp_ok $waited[0], '<', 0.5, 'the first time at once';
cmp_ok $waited[$_], '>', 0.09 * 2 ** ($_ - 1), "death $_ of a young worker: it waits" for 1 .. DEATHS - 1;
is_deeply [ keys %seen ], [200], 'and reading goes on' or diag explain \%seen;

done_testing;
