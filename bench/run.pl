#!/usr/bin/perl
# The load, its peers, and the table (bench/run.sh says how to call it). Each
# group of rows is a module of bench/lib; a missed ratio does not end the run.

use strict;
use warnings;

use ConnectionRows;
use CreateRows;
use EdgeRows;
use Fill;
use GatewayRows;
use ImportRows;
use Load;
use MemoryRows;
use ReadRows;
use RemoteRows;
use Report;
use Rows;
use ScaleRows;
use Setup;

$Load::SECONDS = $ENV{SECONDS_PER_RUN} // 2;
$| = 1;

sub local_rows {
    EdgeRows::run();
    GatewayRows::run();
    my @groups = grep { wanted($_->rows) } qw(ReadRows CreateRows ImportRows ConnectionRows MemoryRows);
    if (@groups) {
        my $x = Setup::instance('run', $ENV{BENCH_PORT} // 28443);
        fill($x->{instance}->stack, $x->{token});
        $x->{instance}->sql('vacuum analyze', 'checkpoint');
        $_->can('run')->($x) for @groups;
    }
    ScaleRows::run();
    return;
}

sub main {
    print Report::head();
    my $done = eval { $ENV{TARGET} ? RemoteRows::run($ENV{TARGET} =~ s{/+$}{}r) : local_rows(); 1 };
    print "\nfailed: $@" if !$done;
    print "\n", Report::table();
    my @misses = Report::misses();
    print "missed: ", join('; ', @misses), "\n" if @misses;
    Report::write_json("$DIR/result.json", rounds => $ROUNDS + 0, seconds => $Load::SECONDS + 0,
        ($done ? () : (failed => "$@")));
    return $done ? 0 : 1;
}

exit main();
