package MemoryRows;

# What the processes of an instance hold: proportional set sizes, without the
# memory that PostgreSQL shares.

use strict;
use warnings;

use POSIX ();

use Records;
use Rows;
use Time::HiRes qw(sleep);

my $ENTRIES    = 8_000;
my $IDLE_MB    = 150;
my $WORKER_MB  = 32;
my $PER_BODY   = 5;
my $REQUESTS   = 10;

my @ROWS = ('memory: whole stack', 'memory: worker with a large body', 'memory: the same afterwards');

sub rows { return @ROWS }

sub run {
    my ($x) = @_;
    return if !wanted(@ROWS);
    against($ROWS[0], whole($x->{instance}), $IDLE_MB);
    large_body($x);
    return;
}

sub against {
    my ($name, $mb, $most) = @_;
    my ($ours, $theirs) = map { { mb => $_, cpu_us => 0, bad => 0 } } $mb, $most;
    compare({ ours => [$ours], bound => [$theirs] }, $name, 'ours', 'bound', of => 'mb', unit => ' MB', ceiling => 1);
    return;
}

# Proportional set size of a process in MB; 0 of one that has ended.
sub pss {
    my ($pid, $shared) = @_;
    open my $fh, '<', "/proc/$pid/smaps_rollup" or return 0;
    my %kb = map { /^(\w+):\s+(\d+) kB/ ? ($1 => $2) : () } <$fh>;
    return (($kb{Pss} // 0) - ($shared ? 0 : $kb{Pss_Shmem} // 0)) / 1024;
}

sub children {
    my ($pid) = @_;
    open my $fh, '<', "/proc/$pid/task/$pid/children" or return;
    return map { ($_, children($_)) } split ' ', <$fh> // '';
}

sub whole {
    my ($instance) = @_;
    my $mb = 0;
    for my $service (qw(nginx backend jobs postgres)) {
        my $master = $instance->master($service);
        $mb += pss($_, $service ne 'postgres') for $master, children($master);
    }
    return $mb;
}

sub largest_worker {
    my ($instance) = @_;
    my ($most) = sort { $b <=> $a } map { pss($_, 1) } children($instance->master('backend'));
    return $most;
}

# A bundle of some megabytes, and the largest worker while it is written.
sub large_body {
    my ($x) = @_;
    my $stack = $x->{instance}->stack;
    my $body  = Records::puts(map { [ "Observation/large-$_", Records::blood_pressure($_, 'Patient/1') ] } 1 .. $ENTRIES);
    my $pid   = fork // die "fork: $!\n";
    if (!$pid) {
        my $res = $stack->post('', token => $x->{token}, body => $body);
        POSIX::_exit($res->{status} == 200 ? 0 : 1);
    }
    my $peak = 0;
    until (waitpid $pid, POSIX::WNOHANG()) {
        my $now = largest_worker($x->{instance});
        $peak = $now if $now > $peak;
        sleep 0.02;
    }
    die "the large bundle was refused\n" if $?;
    my $mb = length($body) / (1 << 20);
    printf "  a bundle of %.1f MB\n", $mb;
    against($ROWS[1], $peak, $WORKER_MB + $PER_BODY * $mb);
    small_bodies($x);
    against($ROWS[2], largest_worker($x->{instance}), $WORKER_MB);
    return;
}

# Every worker of the slow pool answers some.
sub small_bodies {
    my ($x) = @_;
    my $stack = $x->{instance}->stack;
    for my $i (1 .. $REQUESTS * $x->{instance}->workers('slow')) {
        my $res = $stack->post('', token => $x->{token},
            body => Records::puts([ "Observation/small-$i", Records::blood_pressure($i, 'Patient/1') ]));
        die "a bundle was refused: $res->{status}\n" if $res->{status} != 200;
    }
    return;
}

1;
