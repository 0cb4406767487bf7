#!/usr/bin/perl
# /health, /ready and /metrics: what supervisors and Prometheus are told.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use Pace qw(within);
use Stack;

my $stack = Stack->new;
my $plain = $stack->env('HTTP_URL');

sub get { return $stack->request(GET => "$_[0]") }

# The samples by name and labels; dies on a line that Prometheus would not read.
sub samples {
    my ($text) = @_;
    my (%value, %type);
    for my $line (split /\n/, $text) {
        next if $line =~ /^# HELP [a-z_]+ \S/;
        if ($line =~ /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/) {
            die "$1 is typed twice\n" if $type{$1};
            $type{$1} = $2;
            next;
        }
        my ($name, $labels, $value) =
          $line =~ /^([a-z_]+)(\{(?:[a-z]+="[^"\\\n]*",?)+\})? (-?[\d.]+(?:e[+-]?\d+)?)$/
          or die "not a sample: $line\n";
        my $family = $name =~ s/_(?:bucket|sum|count)$//r;
        my $type = $type{$name} // $type{$family} or die "$name has no type\n";
        die "$name is a counter without _total\n" if $type eq 'counter' && $name !~ /_total$/;
        die "$line is there twice\n" if exists $value{ $name . ($labels // '') };
        $value{ $name . ($labels // '') } = $value;
    }
    return \%value;
}

sub metrics {
    my $res = get("$plain/metrics");
    is $res->{status}, 200, 'metrics are told';
    return samples($res->{content});
}

for my $path ('/health', '/ready') {
    my $res = get($stack->env('AUTH_URL') . $path);
    is $res->{status}, 200, "$path is well";
    is $res->{json}{status}, 'ok', 'and says so';
    is $res->{headers}{'cache-control'}, 'no-store', 'to nobody but who asked';
}

is get($stack->env('AUTH_URL') . '/metrics')->{status}, 404, 'there are no metrics for the public';

my $read = 'route="/v3/fhir/{type}/{id}",method="GET"';
my $token  = $stack->token;
my $before = metrics();
for (1 .. 20) { $stack->get('/Patient/metrics-nobody', token => $token) }
my $after = metrics();

is $after->{"twocare_http_requests_total{$read,status=\"4xx\"}"}
  - ($before->{"twocare_http_requests_total{$read,status=\"4xx\"}"} // 0), 20, 'each request counts';
is $after->{"twocare_http_request_seconds_count{$read}"},
  $after->{"twocare_http_request_seconds_bucket{$read,le=\"+Inf\"}"}, 'a histogram adds up';
cmp_ok $after->{"twocare_http_request_seconds_sum{$read}"}, '>', 0, 'requests take time';
for my $pool (qw(fast slow)) {
    cmp_ok $after->{"twocare_workers{pool=\"$pool\"}"}, '>', 0, "$pool workers run";
}
# One that a reload made old may tell, who is no longer counted.
ok within(10, sub { samples(get("$plain/metrics")->{content})->{'twocare_workers_busy{pool="fast"}'} >= 1 }), 'the worker that tells is busy';
is $after->{twocare_database_up}, 1, 'the database is there';
cmp_ok $after->{'twocare_job_runs_total{kind="key_rotate"}'}, '>=', 1, 'periodic work has run';
cmp_ok time - $after->{twocare_jobs_last_turn_timestamp_seconds}, '<', 60, 'and the state is kept up';
unlike join("\n", keys %$after), qr/metrics-nobody|Patient|cli_/, 'no label tells of records or clients';

done_testing;
