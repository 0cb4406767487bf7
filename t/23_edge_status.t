# The status page: what it counts is what happened, in both of its forms, over
# all workers and over a reload; and it tells of no client.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Exposition;
use Test::More;
use Time::HiRes qw(sleep);

my $edge = Edge->new(
    workers       => 2,
    limit_address => '1000 3',
    clients       => [ 'app_small:1000:4', 'app_hour:2:1000' ],
    extra         => "location = /status { twocare_status; }\n"
      . "location = /prometheus { twocare_status prometheus; }\n",
);

sub page { return Exposition->new($edge->get('/prometheus')->{body}) }

# A request is counted when it has ended: the client may be faster.
sub settled {
    my ($wanted, $name, @labels) = @_;
    my $value;
    Edge::wait_for(5, sub { ($value = page()->sum($name, @labels)) == $wanted });
    return $value;
}

# --- the judge can say no -----------------------------------------------------------

my $head = "# HELP a_total b\n# TYPE a_total counter\n";
ok eval { Exposition->new("${head}a_total{b=\"c\"} 1\n") }, 'a good page is read';
for my $bad (
    'a_total 1', "a_total 1\n", "${head}a_total{b=\"c} 1\n", "${head}a_total{b=c} 1\n", "${head}a_total{b=\"c\",} 1\n",
    "${head}a_total x\n", "${head}a_total -1\n", "${head}a_total 1\na_total 1\n", "${head}b_total 1\n", "${head}${head}",
    "# HELP a b\n# TYPE a counter\n", "# HELP a_ms b\n# TYPE a_ms gauge\n", "${head}a_total{b=\"c\",b=\"d\"} 1\n", "${head}a_total\n",
) {
    ok !eval { Exposition->new($bad) }, 'refused: ' . $bad =~ s/\n/|/gr;
}

# --- requests -----------------------------------------------------------------------

my %requests = (verdict => 'passed', reason => 'ok');
is page()->sum('twocare_edge_requests_total', %requests), 0, 'nothing has passed yet';

my @good = map { $edge->mint(client_id => "app_$_") } 1 .. 3;
$edge->get('/v3/x', token => $good[ $_ % 3 ]) for 1 .. 12;
is settled(12, 'twocare_edge_requests_total', %requests), 12, 'twelve good requests';

my @refused = (
    [ no_token      => sub { $edge->get('/v3/x') } ],
    [ malformed     => sub { $edge->get('/v3/x', token => 'a.b') } ],
    [ bad_signature => sub { $edge->get('/v3/x', token => $edge->mint(-key => 'RS256', -sig => 'AAAA')) } ],
);
for my $row (@refused) {
    my ($reason, $do) = @$row;
    is $do->()->{status}, 401, "$reason: refused";
    is settled(1, 'twocare_edge_requests_total', verdict => 'refused', reason => $reason), 1, '  and counted as that';
}

my $page = page();
is $page->sum('twocare_edge_requests_total', %requests), 12, 'what was refused did not pass';
my @lookups = map { $page->value('twocare_edge_token_lookups_total', result => $_) } qw(remembered hit miss);
is $lookups[2], 4, 'three new tokens and one bogus one were known to nobody';
is $lookups[0] + $lookups[1] + $lookups[2], 13, 'a look each for every token of good shape';
cmp_ok $lookups[1], '<=', 3, 'another worker finds a digest in the zone once';
is $page->value('twocare_edge_verifications_total', algorithm => 'RS256', result => 'good'),  3, 'three good signatures';
is $page->value('twocare_edge_verifications_total', algorithm => 'RS256', result => 'wrong'), 1, 'one wrong one';
cmp_ok $page->value('twocare_edge_verification_seconds_total', algorithm => 'RS256'), '>', 0, 'they took time';
cmp_ok $page->value('twocare_edge_verification_seconds_total', algorithm => 'RS256'), '<', 1, 'which is in seconds';
is $page->value('twocare_edge_verification_seconds_total', algorithm => 'ES256'), '0.000000000', 'others took none';

$edge->get('/v3/x', token => $edge->mint(-key => 'ES256'));
is settled(1, 'twocare_edge_verifications_total', algorithm => 'ES256', result => 'good'), 1, 'ES256 is counted by its name';

# --- limits -------------------------------------------------------------------------

my $small = $edge->mint(client_id => 'app_small');
my %status;
$status{ $edge->get('/v3/x', token => $small)->{status} }++ for 1 .. 7;
is_deeply \%status, { 200 => 4, 429 => 3 }, 'four of seven fit into the minute';
is settled(3, 'twocare_edge_limited_total', key => 'client', window => 'minute'), 3, 'three were refused by it';
my $hour = $edge->mint(client_id => 'app_hour');
$edge->get('/v3/x', token => $hour) for 1 .. 3;
is settled(1, 'twocare_edge_limited_total', key => 'client', window => 'hour'), 1, 'one by an hour';
$edge->get('/v3/x') for 1 .. 2;
is settled(2, 'twocare_edge_limited_total', key => 'address', window => 'minute'), 2,
  'two by the minute of the address, which had three before';
is page()->value('twocare_edge_requests_total', verdict => 'refused', reason => 'limited'), 6, 'all of them are limited';
cmp_ok page()->value('twocare_edge_limit_slots', key => 'client'), '>', 200_000, 'the zone has room';

# --- two forms ----------------------------------------------------------------------

my $res = $edge->get('/status');
is $res->{headers}{'content-type'}, 'application/json', 'JSON is what the directive says';
ok $res->{json}, 'and it is JSON' or diag $res->{body};
$page = page();
is_deeply [ sort keys %{ $res->{json} } ], [ sort $page->names ], 'both forms have the same metrics';
# What moves between two looks is compared above.
my $flat = sub { join "\n", sort map { my ($v, %l) = @$_; join(' ', map { "$_=$l{$_}" } sort keys %l) . ' ' . (0 + $v) } @_ };
for my $name (grep { !/requests_total|age_seconds/ } $page->names) {
    my $json = $flat->(map { my %s = %$_; [ delete $s{value}, %s ] } @{ $res->{json}{$name} });
    is $json, $flat->(map { [ $_->{value}, %{ $_->{labels} } ] } $page->samples($name)), "$name: the same in both";
}

my @forms = (
    [ '/status',                                    undef,                          'application/json' ],
    [ '/status?format=prometheus',                  undef,                          'text/plain; version=0.0.4; charset=utf-8' ],
    [ '/prometheus?format=json',                    'text/plain',                   'application/json' ],
    [ '/status',                                    'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'text/plain; version=0.0.4; charset=utf-8' ],
    [ '/prometheus',                                'application/json, text/plain, */*', 'application/json' ],
    [ '/prometheus',                                '*/*',                          'text/plain; version=0.0.4; charset=utf-8' ],
);
for (@forms) {
    my ($path, $accept, $type) = @$_;
    $res = $edge->get($path, defined $accept ? (headers => [ Accept => $accept ]) : ());
    is $res->{headers}{'content-type'}, $type, "$path, Accept: " . ($accept // '-');
}
is $edge->get('/status?format=xml')->{status}, 400, 'there is no third form';
is $edge->post('/status')->{status}, 405, 'it is read only';
is length $edge->request('HEAD', '/status')->{body}, 0, 'HEAD has no body';
ok !exists $edge->get('/status')->{headers}{'x-ratelimit-limit'}, 'and it counts to nobody';

# --- it tells of nobody -------------------------------------------------------------

my $text = $edge->get('/status')->{body} . $edge->get('/prometheus')->{body};
unlike $text, qr/app_|user_1|jti_|patient|edge\.test|127\.0\.0\.1/, 'no client, no claim, no address';
is_deeply [ $page->label_names ], [ qw(algorithm file key reason result state verdict window zone) ], 'the labels are these';

# --- the state ----------------------------------------------------------------------

is $page->value('twocare_edge_state_ready'), 1, 'the state is ready';
cmp_ok $page->value('twocare_edge_state_age_seconds'), '<', 60, 'and young';
is $page->value('twocare_edge_state_records', file => 'jwks.json'), 2, 'two keys';
is $page->value('twocare_edge_state_records', file => 'clients.map'), 2, 'two clients';
Edge::write_file($edge->path('state/clients.map'), 'torn');
ok Edge::wait_for(5, sub { (page()->value('twocare_edge_state_bad', file => 'clients.map') // 0) == 1 }), 'a torn file shows';
is page()->value('twocare_edge_state_records', file => 'clients.map'), 2, 'what was read before stays';
$edge->clients('app_small:1000:4', 'app_hour:2:1000');
my $old = time - 30;
utime $old, $old, $edge->path('state/alive');
ok Edge::wait_for(5, sub { page()->value('twocare_edge_state_age_seconds') >= 29 }), 'an old state shows its age';
sleep 0.5;
my $was = page()->sum('twocare_edge_old_state_requests_total');
is $edge->get('/v3/x', token => $good[0])->{status}, 200, 'a request is judged by it';
is settled($was + 1, 'twocare_edge_old_state_requests_total'), $was + 1, 'and counted';
$edge->touch;

# --- reload -------------------------------------------------------------------------

$was = page()->sum('twocare_edge_requests_total', %requests);
ok $edge->reload, 'reload';
is settled($was, 'twocare_edge_requests_total', %requests), $was, 'counters outlive it';
my $count = $edge->flood(
    requests => 3000, connections => 10, token => $good[1], repeat => 1,
    each => sub { kill 'HUP', $edge->{master} if $_[0] % 1000 == 500 },
);
my ($passed, $limited);
Edge::wait_for(5, sub {
    my $page = page();
    $passed  = $page->sum('twocare_edge_requests_total', %requests);
    $limited = $page->sum('twocare_edge_requests_total', verdict => 'refused', reason => 'limited') - 6;
    return $passed - $was + $limited == 3000;
});
is $passed - $was + $limited, 3000, 'and none is lost or added when workers change under load'
  or diag explain $count;
is $limited, $count->{429}, 'those refused are those that clients saw refused';
my @timers = page()->sum('twocare_edge_timeouts_total');
is_deeply \@timers, [0], 'nobody was too slow';

done_testing;
