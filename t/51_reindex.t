# Search keys are made again while others write, search, and kill -9 the one
# who does it: nothing that is written meanwhile is lost or not found.

use strict;
use warnings;
use lib 't/lib';

use Pace qw(within);
use Stack;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { RECORDS => 600, WRITERS => 3, SECONDS => 6 };

my $code  = "re-$$";
my $stack = Stack->new;
$stack->token;
my ($conf)    = $stack->env('ADMIN') =~ /TWOCARE_CONF=(\S+)/;
my ($program) = $stack->env('ADMIN') =~ /(\S+) admin$/;

sub sql {
    my ($text) = @_;
    open my $psql, '-|', 'psql', '-XqAtc', $text, $stack->env('PG_URL') or die "psql: $!\n";
    local $/ = undef;
    my $out = <$psql>;
    close $psql or die "psql: $text\n";
    chomp $out;
    return $out;
}

sub twocare {
    my ($command) = @_;
    my $out = qx(TWOCARE_CONF=$conf $program $command 2>&1);
    return wantarray ? ($? >> 8, $out) : $out;
}

# An observation that is found by its code and its value.
sub observation {
    my ($id, $n) = @_;
    return {
        resourceType => 'Observation', id => $id, status => 'final',
        code => { coding => [ { system => 'http://loinc.org', code => "$code-$n" } ] },
        valueQuantity => { value => $n, unit => 'mg', system => 'http://unitsofmeasure.org', code => 'mg' },
    };
}

sub found {
    my ($id, $n) = @_;
    my $res = $stack->get("/Observation?_id=$id&code=http://loinc.org%7C$code-$n");
    return $res->{status} == 200 && @{ $res->{json}{entry} // [] } == 1;
}

my @ids = map { "reindex-$$-$_" } 1 .. RECORDS;
my @left = @ids;
while (my @some = splice @left, 0, 200) {
    my $res = $stack->post('', body => { resourceType => 'Bundle', type => 'transaction',
        entry => [ map { { resource => observation($_, 0), request => { method => 'PUT', url => "Observation/$_" } } } @some ] });
    is $res->{status}, 200, 'records are written' or diag $res->{content};
}
my ($status, $out) = twocare('check --keys');
is $status, 0, 'check --keys finds nothing' or diag $out;

# As if an older program had written them: other rules, fewer keys.
my $mine = "id like 'reindex-$$-%'";
sql("delete from post where rid in (select rid from res where $mine)");
sql("update res set keys = '{}', auxs = '{}', rules = 1 where $mine");
ok !found($ids[0], 0), 'keys that are missing make a search incomplete';
($status, $out) = twocare('check --keys');
is $status, 1, 'check --keys says so by its status';
like $out, qr{^tenant \d+ Observation/reindex-$$-\d+: rules: 1 stale$}m, 'and by the ids';
like $out, qr/^rules: @{[ RECORDS ]} stale$/m, 'and how many there are';
like $out, qr/^tenant \d+: \d+ records, \d+ differences$/m, 'by tenant';
unlike $out, qr/loinc/, 'but nothing of what they say';

# Writers change, delete and bring back records of their own, and know what
# each of them was last.
sub writer {
    my ($n) = @_;
    my $own = Stack->new;
    $own->{tokens} = { %{ $stack->{tokens} } };
    my @mine = @ids[ grep { $_ % WRITERS == $n } 0 .. $#ids ];
    my (%last, $failed);
    my $until = time + SECONDS;
    while (time < $until) {
        my $id = $mine[ rand @mine ];
        my $v  = 1 + int rand 50;
        my $res = rand() < 0.1 ? $own->delete("/Observation/$id") : $own->put("/Observation/$id", body => observation($id, $v));
        $failed++ if $res->{status} !~ /^20[014]$/;
        $last{$id} = $res->{status} == 204 ? 'gone' : $v;
    }
    return join "\n", "failed " . ($failed // 0), map { "$_ $last{$_}" } keys %last;
}

my @pipes = map {
    my $n = $_;
    pipe my $from, my $to or die $!;
    defined(my $pid = fork) or die $!;
    if (!$pid) {
        srand $n;
        syswrite $to, writer($n);
        require POSIX;
        POSIX::_exit(0);
    }
    close $to;
    [ $from, $pid ];
} 0 .. WRITERS - 1;

sub records_done { return sql(q(select coalesce(max(records), 0) from reindex where what = 'Observation')) || 0 }

# One that is killed twice, then to its end.
for (1 .. 2) {
    defined(my $pid = fork) or die $!;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        $ENV{TWOCARE_CONF} = $conf;
        exec $program, qw(reindex Observation.code --rate 200) or die $!;
    }
    my $before = records_done();
    ok within(5, sub { records_done() != $before }), 'a reindex works';
    ok kill('KILL', $pid), 'and is killed';
    waitpid $pid, 0;
}
my $at = records_done();
cmp_ok $at, '>', 0, "it had come to record $at";
($status, $out) = twocare('reindex Observation.code');
is $status, 0, 'the next one ends' or diag $out;
like $out, qr/from where the last one ended/, 'having gone on from there';
($status, $out) = twocare('reindex Observation.none');
is $status, 2, 'an unknown parameter is refused';

my (%last, $failed);
for my $pipe (@pipes) {
    my ($from, $pid) = @$pipe;
    while (<$from>) {
        /^failed (\d+)/ ? ($failed += $1) : /^(\S+) (\S+)/ && ($last{$1} = $2);
    }
    waitpid $pid, 0;
}
is $failed, 0, 'no write failed';
cmp_ok scalar keys %last, '>', 20, 'many were written meanwhile';
my @lost = grep { $last{$_} eq 'gone' ? $stack->get("/Observation/$_")->{status} != 410 : !found($_, $last{$_}) } keys %last;
is "@lost", '', 'each is found as it was written last';
my @missing = grep { !exists $last{$_} && !found($_, 0) } @ids;
is "@missing", '', 'and the others are found again';
($status, $out) = twocare('check --keys');
is $status, 0, 'check --keys finds nothing' or diag $out;
is twocare('reindex --stale'), "0 records, 0 changed\n", 'and nothing of other rules is left';

done_testing;
