# A worker that dies is started again; one that dies young again and again
# waits longer each time, and the others go on meanwhile.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { DEATHS => 4, WITHIN_S => 10 };

my $stack = Stack->new;
my $res   = $stack->put('/Patient/respawn', body => { resourceType => 'Patient', id => 'respawn' });
like $res->{status}, qr/^20[01]$/, 'a record';

sub first_line {
    my ($file) = @_;
    open my $fh, '<', $file or return '';
    return scalar <$fh> // '';
}

# The process of one worker, by its title, when it is younger than the one
# before: those that a reload left have the same title for a while.
my $youngest = 0;

sub worker {
    my (undef, @children) = $stack->pids('backend');
    for my $pid (@children) {
        my ($title, $stat) = map { first_line("/proc/$pid/$_") } qw(cmdline stat);
        my $began = (split ' ', $stat =~ s/.*\)//r)[19] // 0;
        next if $title !~ /\bfast-0\b/ || $began <= $youngest;
        $youngest = $began;
        return $pid;
    }
    return;
}

# Workers of a master that has just been reloaded have not died yet.
while (worker()) { }
kill 'HUP', ($stack->pids('backend'))[0];
my ($died, $until) = (undef, time + WITHIN_S);
sleep 0.05 while !defined($died = worker()) && time < $until;
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
cmp_ok $waited[$_], '>', 0.09 * 2**$_, sprintf 'death %d: it waits %.1f s', $_ + 1, 0.1 * 2**$_ for 0 .. DEATHS - 1;
is_deeply [ keys %seen ], [200], 'and reading goes on' or diag explain \%seen;

done_testing;
