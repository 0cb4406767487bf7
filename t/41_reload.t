# Reload of nginx and of the backend under load: no failed request, no lost
# count. A request sent on a kept connection that nginx closed unread is
# repeated once (RFC 9112 9.3.1); the number of repeats is printed.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { CLIENTS => 4, SECONDS => 6 };

my $stack = Stack->new;
$stack->token;

# Statuses that a client saw, one a line.
sub client {
    my ($file, $until) = @_;
    my $own = Stack->new;
    $own->{tokens} = { %{ $stack->{tokens} } };
    open my $out, '>', $file or die $!;
    while (time < $until) {
        my $res = $own->post('/Patient', body => { resourceType => 'Patient' });
        if ($res->{status} == 599) {
            print {$out} "repeat\n";
            $res = $own->post('/Patient', body => { resourceType => 'Patient' });
        }
        print {$out} "$res->{status}\n";
    }
    close $out;
    require POSIX;
    POSIX::_exit(0);
}

for my $service (qw(nginx backend)) {
    my (@pids, %seen);
    my %before = map { ($_ => 1) } $stack->pids($service);
    for my $n (1 .. CLIENTS) {
        defined(my $pid = fork) or die $!;
        client("$ENV{BUILD}/t/reload-$n", time + SECONDS) if !$pid;
        push @pids, $pid;
    }
    for (1 .. 4) {
        sleep 1;
        my ($master) = $stack->pids($service);
        ok kill('HUP', $master), "$service is reloaded";
    }
    waitpid $_, 0 for @pids;
    for my $n (1 .. CLIENTS) {
        open my $fh, '<', "$ENV{BUILD}/t/reload-$n" or die $!;
        chomp, $seen{$_}++ while <$fh>;
        unlink "$ENV{BUILD}/t/reload-$n";
    }
    my $repeats = delete $seen{repeat} // 0;
    diag "$service: $repeats repeats of ", $seen{201} // 0, ' requests';
    cmp_ok scalar(grep { !$before{$_} } $stack->pids($service)), '>=', 2, "$service: by new processes";
    is_deeply [ keys %seen ], [201], "$service: no request failed" or diag explain \%seen;
}

done_testing;
