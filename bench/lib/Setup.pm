package Setup;

# An instance to be measured: a tenant, a client that no limit stops, and its
# token.

use strict;
use warnings;

use Instance;
use Rows;
use Statements;

# The current records of that tenant, for a FROM clause.
use constant RECORDS => 'res join ver using (rid, ver)'
  . q( join tenant on tenant.tn = res.tn and tenant.name = 'bench' );

sub instance {
    my ($name, $port) = @_;
    my $instance = Instance->new(dir => "$DIR/$name", port => $port, build => $BUILD);
    $instance->allow_replays('twocare');
    my $stack = $instance->stack;
    my $log   = Statements->new($instance);
    $stack->tenant('bench');
    my $client = $stack->client(tenant => 'bench', name => 'load', tier => 'enterprise', hour => 60_000_000, minute => 60_000_000);
    my $token = $stack->token($client);
    for (1 .. 50) {
        last if $stack->get('/Patient/none', token => $token)->{status} == 404;
        select undef, undef, undef, 0.2;
    }
    return {
        name => $name, instance => $instance, log => $log, token => $token,
        tokens  => write_lines("tokens-$name", $token),
        http    => $stack->env('HTTP_URL'),
        https   => $stack->env('AUTH_URL'),
        ca_file => $stack->env('CA_FILE'),
    };
}

1;
