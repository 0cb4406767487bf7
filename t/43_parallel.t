# 64 parallel updates of one record: each is a version, none is lost, and the
# keys in the database are those of the last one.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

use constant { CLIENTS => 64 };

my $stack = Stack->new;
my $id    = "parallel-$$";
$stack->token;
is $stack->put("/Patient/$id", body => { resourceType => 'Patient', id => $id })->{status}, 201, 'a record';

pipe my $from, my $to or die $!;
my @pids;
for my $n (1 .. CLIENTS) {
    defined(my $pid = fork) or die $!;
    if (!$pid) {
        close $from;
        my $own = Stack->new;
        $own->{tokens} = { %{ $stack->{tokens} } };
        my $res = $own->put("/Patient/$id", body => { resourceType => 'Patient', id => $id, name => [ { family => "Writer$n" } ], birthDate => sprintf '19%02d-01-01', $n });
        syswrite $to, "$res->{status} " . ($res->{json}{meta}{versionId} // '') . "\n";
        require POSIX;
        POSIX::_exit(0);
    }
    push @pids, $pid;
}
close $to;
my @lines = <$from>;
waitpid $_, 0 for @pids;
my @good = grep { /^200/ } @lines;
is scalar @good, CLIENTS, 'all succeed' or diag @lines;
my %version = map { /(\d+)$/ ? ($1 => 1) : () } @good;
is_deeply [ sort { $a <=> $b } keys %version ], [ 2 .. CLIENTS + 1 ], 'each as a version of its own';
is $stack->get("/Patient/$id/_history?_count=100")->{json}{total}, CLIENTS + 1, 'all in the history';

my $last = $stack->get("/Patient/$id")->{json};
my $found = $stack->get("/Patient?_id=$id&family=$last->{name}[0]{family}&birthdate=$last->{birthDate}");
is scalar @{ $found->{json}{entry} // [] }, 1, 'found by the keys of the last one';

my ($conf)    = $stack->env('ADMIN') =~ /TWOCARE_CONF=(\S+)/;
my ($program) = $stack->env('ADMIN') =~ /(\S+) admin$/;
my $out = `TWOCARE_CONF=$conf $program check --keys 2>&1`;
is $?, 0, 'check --keys finds no difference' or diag $out;
note $out;

done_testing;
