# kill -9 of any process in the middle of writes: no acknowledged write is
# lost, none is half there, and the service heals by itself.

use strict;
use warnings;
use lib 't/lib';

use IO::Handle;
use Stack;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { WRITERS => 4, HEALED_WITHIN_S => 30 };

my $stack = Stack->new;
$stack->token;

# A writer makes transactions of two records that refer to each other and
# notes each acknowledged pair.
sub writer {
    my ($n, $ledger, $until) = @_;
    my $own = Stack->new;
    $own->{tokens} = { %{ $stack->{tokens} } };
    my $i = 0;
    while (time < $until) {
        my $pair = sprintf 'kill-%d-%d-%d', $$, $n, $i++;
        my @entry = map {
            { resource => $_, request => { method => 'PUT', url => "$_->{resourceType}/$pair" } }
        } { resourceType => 'Patient', id => $pair },
          { resourceType => 'Observation', id => $pair, status => 'final', code => { text => 'x' }, subject => { reference => "Patient/$pair" } };
        my $res = eval { $own->post('', body => { resourceType => 'Bundle', type => 'transaction', entry => \@entry }) } // { status => 0 };
        print {$ledger} "$res->{status} $pair\n" or die $!;
        $ledger->flush;
        sleep 0.05 if $res->{status} != 200;
    }
    return;
}

sub write_during {
    my ($seconds, $meanwhile) = @_;
    my (@pids, @files);
    for my $n (1 .. WRITERS) {
        my $file = "$ENV{BUILD}/t/ledger-$$-$n";
        push @files, $file;
        defined(my $pid = fork) or die $!;
        if (!$pid) {
            open my $ledger, '>', $file or die $!;
            writer($n, $ledger, time + $seconds);
            close $ledger;
            require POSIX;
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    $meanwhile->();
    waitpid $_, 0 for @pids;
    my @lines = map { open my $fh, '<', $_ or die $!; my @l = <$fh>; chomp @l; @l } @files;
    unlink @files;
    return @lines;
}

sub healed {
    my $until = time + HEALED_WITHIN_S;
    while (time < $until) {
        my $res = eval { $stack->post('/Patient', body => { resourceType => 'Patient' }) };
        return 1 if $res && $res->{status} == 201;
        sleep 0.2;
    }
    return 0;
}

my @victims = (
    # what                      which process
    [ 'a worker',      backend  => sub { $_[1] } ],
    [ 'the master',    backend  => sub { $_[0] } ],
    [ 'jobs',          jobs     => sub { $_[0] } ],
    [ 'PostgreSQL',    postgres => sub { $_[0] } ],
    [ 'an nginx worker', nginx  => sub { $_[1] } ],
);
for my $row (@victims) {
    my ($what, $service, $choose) = @$row;
    my $before;
    my @lines = write_during(4, sub {
        sleep 1.5;
        my $pid = $before = $choose->($stack->pids($service));
        ok $pid && kill('KILL', $pid), "$what is killed";
    });
    ok healed(), "$what: the service heals by itself";
    my %by;
    push @{ $by{ (split)[0] == 200 ? 'acknowledged' : 'failed' } }, (split)[1] for @lines;
    cmp_ok scalar @{ $by{acknowledged} // [] }, '>', 10, "$what: writes were acknowledged";
    my @lost = grep { $stack->get("/Patient/$_")->{status} != 200 || $stack->get("/Observation/$_")->{status} != 200 } @{ $by{acknowledged} };
    is "@lost", '', "$what: none of them is lost";
    my @half = grep { $stack->get("/Patient/$_")->{status} != $stack->get("/Observation/$_")->{status} } @{ $by{failed} // [] };
    is "@half", '', "$what: none of the others is half there";
    note sprintf '%s: %d acknowledged, %d not', $what, scalar @{ $by{acknowledged} }, scalar @{ $by{failed} // [] };
}

done_testing;
