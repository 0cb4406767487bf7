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
use Instance;
use Load;
use MemoryRows;
use ReadRows;
use RemoteRows;
use Report;
use Rows;
use Statements;

$Load::SECONDS = $ENV{SECONDS_PER_RUN} // 2;
$| = 1;

sub prepare {
    my $instance = Instance->new(dir => "$DIR/run", port => $ENV{BENCH_PORT} // 28443, build => $BUILD);
    my $stack = $instance->stack;
    my $log   = Statements->new($instance);
    $stack->tenant('bench');
    my $client = $stack->client(tenant => 'bench', name => 'load', tier => 'enterprise', hour => 60_000_000, minute => 60_000_000);
    my $token = $stack->token($client);
    for (1 .. 50) {
        last if $stack->get('/Patient/none', token => $token)->{status} == 404;
        select undef, undef, undef, 0.2;
    }
    fill($stack, $token);
    $instance->sql('vacuum analyze', 'checkpoint');
    return {
        instance => $instance, log => $log, token => $token,
        tokens => write_lines('tokens', $token),
        http   => $stack->env('HTTP_URL'),
        https  => $stack->env('AUTH_URL'),
        ca_file => $stack->env('CA_FILE'),
    };
}

sub local_rows {
    EdgeRows::run();
    GatewayRows::run();
    my @groups = grep { wanted($_->rows) } qw(ReadRows CreateRows ImportRows ConnectionRows MemoryRows);
    return if !@groups;
    my $x = prepare();
    $_->can('run')->($x) for @groups;
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
