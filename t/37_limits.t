# The tiers of the specification over the running stack: headers on every
# answer, and the 429 as printed.

use strict;
use warnings;
use lib 't/lib';

use Pace qw(stretched within);
use Stack;
use Test::More;
use Time::HiRes qw(time);

my $stack  = Stack->new;
my $tenant = $stack->tenant('limits-' . time =~ s/\..*//r);

# tier => [ an hour, a minute ]
my %tiers  = (standard => [ 1000, 100 ], professional => [ 5000, 500 ]);
my %client = map { ($_ => $stack->client(tenant => $tenant, name => $_, tier => $_)) } keys %tiers;
my %own    = (tenant => $tenant, tier => 'enterprise', hour => 7, minute => 5);
my $single = $stack->client(%own, name => 'single');
my @pool   = map { $stack->client(%own, name => "pool$_", pool => 'shared') } 1, 2;

# A client that the edge does not know yet has the standard tier.
$stack->settle;

for my $tier (sort keys %tiers) {
    my ($hour, $minute) = @{ $tiers{$tier} };
    my $begin = time;
    my $token = $stack->new_token($client{$tier});
    my $res    = $stack->get('/Patient', token => $token);
    is $res->{headers}{'x-ratelimit-limit'}, $hour, "$tier: the hourly limit is shown";
    is $res->{headers}{'x-ratelimit-remaining'}, $hour - 2, "$tier: the token request counted to the client, too";
    cmp_ok abs($res->{headers}{'x-ratelimit-reset'} - $begin - 3600), '<=', stretched(2), "$tier: Reset is the end of the hour's window";

    my ($accepted, $errors) = (2, 0);
    while ($accepted < $minute + 50) {
        $res = $stack->get($accepted % 10 ? '/Patient?_id=none' : '/Patient/none', token => $token);
        last if $res->{status} == 429;
        $accepted++;
        $errors++ if !defined $res->{headers}{'x-ratelimit-remaining'};
    }
    is $accepted, $minute, "$tier: exactly $minute in the minute";
    is $errors, 0, "$tier: the headers are on every answer, errors included";
    is $res->{status}, 429, "$tier: then 429";
    is $res->{headers}{'x-ratelimit-limit'}, $minute, "$tier: with the minute's limit";
    is $res->{headers}{'x-ratelimit-remaining'}, 0, "$tier: nothing remaining";
    my $wait = $res->{headers}{'retry-after'};
    like $wait, qr/^[1-9]\d?$/, "$tier: Retry-After in seconds";
    cmp_ok abs($begin + 60 - time - $wait), '<=', stretched(2), "$tier: until the minute's window closes";
    is $res->{json}{resourceType}, 'OperationOutcome', "$tier: below /fhir an OperationOutcome";

    $res = $stack->get($stack->env('BASE_URL') . '/patients', token => $token);
    is $res->{status}, 429, "$tier: elsewhere, too";
    is $res->{json}{error}{code}, 'rate_limit_exceeded', "$tier: in the printed form";
    cmp_ok $res->{json}{error}{retryAfter}, '>=', 1, "$tier: with retryAfter";
    like $res->{json}{error}{message}, qr/^API rate limit exceeded\. Please retry after \d+ seconds?\.$/, "$tier: and the printed message";
}

# Own numbers for enterprise, and a window that clients of a pool share.
my $token = $stack->new_token($single);
my @seen  = map { $stack->get('/Patient', token => $token)->{status} } 1 .. 6;
is "@seen", '200 200 200 200 429 429', 'enterprise: its own numbers, the token counted';
my @tokens = map { $stack->new_token($_) } @pool;
@seen = map { $stack->get('/Patient', token => $tokens[ $_ % 2 ])->{status} } 1 .. 5;
is "@seen", '200 200 200 429 429', 'a pool shares its windows';

# A pool is the tenant's: another tenant's of the same name is another.
my $foreign = $stack->tenant('limits-other-' . time =~ s/\..*//r);
my $far     = $stack->client(%own, tenant => $foreign, name => 'far', pool => 'shared');

# All clients of a tenant share windows when it is told so, new ones, too.
my @pal = map { $stack->client(%own, tenant => $foreign, hour => 20, minute => 10, name => "pal$_") } 1 .. 2;
$stack->admin(qw(tenant change), $foreign, qw(--pool on));
like $stack->admin(qw(tenant list)), qr/\b\Q$foreign\E\t.*\bon\b/, 'a pooled tenant is listed as such';
push @pal, $stack->client(%own, tenant => $foreign, hour => 20, minute => 10, name => 'pal3');
$stack->settle;
@tokens = map { $stack->new_token($_) } @pal, $far;
@seen = map { $stack->get('/Patient', token => $tokens[ $_ % 3 ])->{status} } 1 .. 9;
is "@seen", '200 200 200 200 200 200 200 429 429', 'three clients of a pooled tenant have one window of ten';
is $stack->get('/Patient', token => $tokens[3])->{headers}{'x-ratelimit-remaining'}, 5,
  'one with a pool of its own is not among them, nor in the pool of that name elsewhere';

# Both windows are named beside the printed fields.
my $res = $stack->get('/Patient', token => $stack->new_token($client{standard}));
like $res->{headers}{'ratelimit-policy'}, qr/^"hour";q=1000;w=3600, "minute";q=100;w=60$/, 'RateLimit-Policy';
like $res->{headers}{ratelimit}, qr/^"hour";r=\d+;t=\d+, "minute";r=0;t=\d+$/, 'RateLimit';

# A changed tier holds within a second, for tokens that were issued before.
sub limit_becomes {
    my ($limit, $seconds) = @_;
    return within($seconds, sub { ($stack->get('/Patient', token => $token)->{headers}{'x-ratelimit-limit'} // '') eq $limit });
}
my $changing = $stack->client(tenant => $tenant, name => 'changing');
$token = $stack->new_token($changing);
my @change = (qw(client change), $changing->{CLIENT_ID});
$stack->admin(@change, qw(--tier professional));
ok limit_becomes(5000, 1), 'a changed tier holds within a second';
$stack->admin(@change, qw(--tier enterprise --hour 77 --minute 70));
ok limit_becomes(77, 1), 'so do own numbers';
$stack->admin(@change, qw(--minute 60 --pool together --ttl 60));
like $stack->admin(qw(client list --tenant), $tenant), qr/\benterprise\s+77\s+60\s+together\b/, 'the list shows them';
$stack->admin(@change, qw(--tier standard --pool - --ttl -));
ok limit_becomes(1000, 1), 'and back';

# Free of charge.
for my $free ('/health', '/.well-known/jwks.json', '/.well-known/oauth-authorization-server') {
    my $res = $stack->get($stack->env('AUTH_URL') . $free, token => '');
    is $res->{status}, 200, "$free answers";
    ok !defined $res->{headers}{'x-ratelimit-limit'}, "$free is not limited";
}

done_testing;
