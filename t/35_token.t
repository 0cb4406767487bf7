# POST /oauth/token: the client credentials grant, and every way to fail.

use strict;
use warnings;
use lib 't/lib';

use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);
use Pace qw(within);
use Stack;
use Test::More;

my $stack = Stack->new;
my $auth  = $stack->env('AUTH_URL');
my ($id, $secret) = map { $stack->env($_) } qw(CLIENT_ID CLIENT_SECRET);

sub ask {
    my ($form, %o) = @_;
    my $body = ref $form ? join '&', map { "$_=$form->{$_}" } sort keys %$form : $form;
    return $stack->post("$auth/oauth/token" . ($o{query} // ''), token => '', body => $body, type => $o{type} // 'application/x-www-form-urlencoded',
        headers => { $o{basic} ? (authorization => 'Basic ' . encode_base64($o{basic}, '')) : () });
}
my %grant = (grant_type => 'client_credentials');

my $res = ask({ %grant, client_id => $id, client_secret => $secret, scope => 'system:read%20system:write' });
is $res->{status}, 200, 'the printed request' or diag $res->{content};
is $res->{json}{token_type}, 'Bearer', 'token_type';
is $res->{json}{expires_in}, 3600, 'expires_in';
is $res->{json}{scope}, 'system:read system:write', 'scope';
is $res->{headers}{'cache-control'}, 'no-store', 'Cache-Control';
is $res->{headers}{pragma}, 'no-cache', 'Pragma';
ok !exists $res->{headers}{'x-edge-client'}, 'what the edge is told stays inside';

my ($head, $claims) = map { decode_json(decode_base64(tr{-_}{+/}r)) } (split /\./, $res->{json}{access_token})[ 0, 1 ];
is $head->{typ}, 'at+jwt', 'RFC 9068 typ';
is $head->{alg}, 'RS256', 'alg';
is $claims->{iss}, $auth, 'iss';
is $claims->{aud}, $stack->env('BASE_URL'), 'aud';
is $claims->{client_id}, $id, 'client_id';
is $claims->{sub}, $id, 'sub';
like $claims->{jti}, qr/^\S{22,}$/, 'jti';
is $claims->{exp} - $claims->{iat}, 3600, 'exp';

is ask(\%grant, basic => "$id:$secret")->{status}, 200, 'client_secret_basic';
my $keys = $stack->get("$auth/.well-known/jwks.json", token => '');
is $keys->{status}, 200, 'jwks.json';
ok((grep { $_->{kid} eq $head->{kid} } @{ $keys->{json}{keys} }), 'holds the key of the token');
ok !(grep { exists $_->{d} || exists $_->{p} } @{ $keys->{json}{keys} }), 'and nothing private';

my $meta = $stack->get("$auth/.well-known/oauth-authorization-server", token => '');
is $meta->{status}, 200, 'metadata';
is $meta->{json}{issuer}, $auth, 'issuer';
is_deeply $meta->{json}{grant_types_supported}, ['client_credentials'], 'says only what exists';

my @failures = (
    # what                    form                                                                      status error                    basic
    [ 'wrong secret',         { %grant, client_id => $id, client_secret => 'x' },                         401, 'invalid_client' ],
    [ 'wrong secret, Basic',  {%grant},                                                                   401, 'invalid_client', "$id:x" ],
    [ 'unknown client',       { %grant, client_id => 'nobody', client_secret => 'x' },                    401, 'invalid_client' ],
    [ 'no credentials',       {%grant},                                                                   400, 'invalid_request' ],
    [ 'no secret',            { %grant, client_id => $id },                                               401, 'invalid_client' ],
    [ 'both ways at once',    { %grant, client_secret => $secret },                                       400, 'invalid_request', "$id:$secret" ],
    [ 'two client ids',       { %grant, client_id => 'other' },                                           400, 'invalid_request', "$id:$secret" ],
    [ 'no grant_type',        { client_id => $id, client_secret => $secret },                             400, 'invalid_request' ],
    [ 'password grant',       { grant_type => 'password', client_id => $id, client_secret => $secret },   400, 'unsupported_grant_type' ],
    [ 'scope beyond',         { %grant, client_id => $id, client_secret => $secret, scope => 'nonsense' }, 400, 'invalid_scope' ],
    [ 'parameter twice',      "grant_type=client_credentials&grant_type=client_credentials&client_id=$id&client_secret=$secret", 400, 'invalid_request' ],
    [ 'bad percent',          'grant_type=%zz',                                                           400, 'invalid_request' ],
);
for my $row (@failures) {
    my ($what, $form, $status, $error, $basic) = @$row;
    $res = ask($form, basic => $basic);
    is $res->{status}, $status, "$what: $status" or diag $res->{content};
    is $res->{json}{error}, $error, "$what: $error";
    like $res->{headers}{'cache-control'}, qr/no-store/, "$what: not cached";
    like $res->{headers}{'www-authenticate'} // '', qr/^Basic/, "$what: WWW-Authenticate" if $basic && $status == 401;
}
is ask({%grant}, type => 'application/json', basic => "$id:$secret")->{status}, 400, 'another content type';
is ask({%grant}, query => "?client_id=$id&client_secret=$secret")->{status}, 400, 'credentials in the URL';
$res = $stack->get("$auth/oauth/token", token => '');
is $res->{status}, 405, 'GET is 405';
is $res->{headers}{allow}, 'POST, OPTIONS', 'with Allow' or diag explain $res->{headers};

# Administration: disabling, rotating, revoking.
my $name   = 'token-' . time;
$stack->tenant($name);
my $client = $stack->client(tenant => $name, name => 'one');
my $token  = $stack->token($client);
is $stack->get('/Patient', token => $token)->{status}, 200, 'a new client works at once';

my %rotated = $stack->admin(qw(client rotate --output env), $client->{CLIENT_ID}) =~ /^([A-Z_]+)='?([^'\n]*)'?$/mg;
isnt $rotated{CLIENT_SECRET}, $client->{CLIENT_SECRET}, 'a rotated secret is another';
ok $stack->new_token({ %$client, CLIENT_SECRET => $rotated{CLIENT_SECRET} }), 'it works';
ok $stack->new_token($client), 'the old one still does: rotation without a gap';

# Within a second everywhere: asked again and again.
sub refused_within {
    my ($seconds, $token_now) = @_;
    return within($seconds, sub { $stack->get('/Patient', token => $token_now)->{status} == 401 });
}
$stack->admin(qw(revoke --client), $client->{CLIENT_ID});
ok refused_within(1, $token), 'a revoked client is refused within a second';
sleep 1;
my $later = $stack->new_token($client);
is $stack->get('/Patient', token => $later)->{status}, 200, 'a token issued later is good' or diag 'revocation is by time of issue';
$stack->admin(qw(client disable), $client->{CLIENT_ID});
ok refused_within(1, $later), 'a disabled client is refused within a second';
is ask({ %grant, client_id => $client->{CLIENT_ID}, client_secret => $client->{CLIENT_SECRET} })->{status}, 401, 'and gets no token';

my $old = $stack->new_token;
$stack->admin(qw(key rotate --now));
is $stack->get('/Patient', token => $old)->{status}, 200, 'a token of the old key stays good after a rotation';
my $new = $stack->new_token;
isnt((split /\./, $new)[0], (split /\./, $old)[0], 'new tokens are signed by the new key');
ok within(1, sub { $stack->get('/Patient', token => $new)->{status} == 200 }), 'which the edge knows within a second';

done_testing;
