# `admin revoke` of each kind: refused at the edge within a second, and nothing
# but what was named.

use strict;
use warnings;
use lib 't/lib';

use JSON::PP;
use MIME::Base64 qw(decode_base64url);
use Pace qw(within);
use Stack;
use Test::More;
use Time::HiRes qw(sleep);

use constant WITHIN_S => 1;

my $stack  = Stack->new;
my $tenant = $stack->tenant('revocation-' . int time);
my %client = map { ($_ => $stack->client(tenant => $tenant, name => $_, tier => 'enterprise', hour => 100000, minute => 100000)) } qw(one two);

sub status { return $stack->get('/Patient', token => $_[0])->{status} }

# Asked again and again on one kept connection, so of one nginx worker.
sub refused_in_time {
    my ($token) = @_;
    return within(WITHIN_S, sub { status($token) == 401 });
}

sub part { return decode_json(decode_base64url((split /\./, $_[0])[ $_[1] ])) }

# kind => what names it in the token
my %named = (
    token  => sub { part($_[0], 1)->{jti} },
    sub    => sub { part($_[0], 1)->{sub} },
    client => sub { part($_[0], 1)->{client_id} },
    kid    => sub { part($_[0], 0)->{kid} },
);
for my $kind (qw(token sub client kid)) {
    my ($token, $same) = map { $stack->new_token($client{one}) } 1, 2;
    my $other = $stack->new_token($client{two});
    is_deeply [ map { status($_) } $token, $same, $other ], [ 200, 200, 200 ], "$kind: good before";

    $stack->admin(revoke => "--$kind", $named{$kind}->($token), '--reason', 'a test');
    ok refused_in_time($token), "$kind: refused within a second";
    is status($same), $kind eq 'token' ? 200 : 401, "$kind: the client's other token";
    is status($other), $kind eq 'kid' ? 401 : 200, "$kind: that of another client";

    # By time of issue, in whole seconds.
    sleep 1.1;
    my $new = $stack->new_token($client{one});
    ok within(WITHIN_S, sub { status($new) == 200 }), "$kind: one issued later is good";
}

done_testing;
