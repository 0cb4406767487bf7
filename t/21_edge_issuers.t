# Several issuers at one place, each with its own audience and key files: no
# key speaks for another issuer, and secrets never lie beside public keys.

use strict;
use warnings;
use lib 't/lib';

use Digest::SHA qw(hmac_sha256);
use Edge;
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;

my ($A, $B, $C, $D) = map { "https://$_.test" } qw(a b c d);
my $api    = 'https://api.test';
my $secret = join '', map { chr } 0 .. 31;
my $edge   = Edge->new(no_state => 1, stopped => 1);
my $dir    = $edge->path('state');

sub jwks { my ($file, @names) = @_; return Edge::write_file("$dir/$file", Edge::run(Edge::tool('tool_edge'), 'jwks', map { $edge->key($_) } @names)) }
sub oct_set {
    my ($file, %secrets) = @_;
    my @keys = map { { kty => 'oct', kid => $_, alg => 'HS256', k => encode_base64url($secrets{$_}) } } sort keys %secrets;
    Edge::write_file("$dir/$file", encode_json({ keys => \@keys }));
    return chmod 0640, "$dir/$file";
}
sub hs256 {
    my ($kid, $key, %claims) = @_;
    my $input = join '.', map { encode_base64url($_) } qq({"alg":"HS256","typ":"at+jwt","kid":"$kid"}), $edge->claims(iss => $C, aud => $api, %claims);
    return "$input." . encode_base64url(hmac_sha256($input, $key));
}

jwks('a.json',  'RS256-a');
jwks('a2.json', 'EdDSA-a');
jwks('b.json',  'RS256-b', 'ES384-b');
oct_set('c.json', c1 => $secret);

sub conf {
    my ($issuers) = @_;
    return $edge->bare('twocare_zone issuers:1m;', <<"END");
twocare_auth on;
$issuers
location / { empty_gif; }
location /b { twocare_issuer $B keys=$dir/b.json audience=$api; empty_gif; }
location /plain { twocare_issuer $D keys=$dir/b.json audience=$api profile=jwt client=azp;
    add_header Client \$twocare_client_id always; empty_gif; }
location /strict { twocare_issuer $D keys=$dir/b.json audience=$api client=azp; empty_gif; }
END
}
my $issuers = <<"END";
twocare_audience $api;
twocare_issuer $A keys=$dir/a.json keys=$dir/a2.json;
twocare_issuer $B keys=$dir/b.json audience=https://b-api.test;
twocare_issuer $C secrets=$dir/c.json;
END
Edge::write_file($edge->path('nginx/nginx.conf'), conf($issuers));
$edge->start;

sub a_token { my (@how) = @_; return $edge->mint(-key => 'RS256-a', iss => $A, aud => $api, @how) }
sub b_token { my (@how) = @_; return $edge->mint(-key => 'RS256-b', iss => $B, aud => 'https://b-api.test', @how) }
sub kid { my ($token) = @_; return decode_json(decode_base64url((split /\./, $token)[0]))->{kid} }
sub head { my ($kid, $alg) = @_; return (-header => qq({"alg":"$alg","typ":"at+jwt","kid":"$kid"})) }

# --- each by its own ------------------------------------------------------------------

my %good = (
    'A by its first file'      => a_token(),
    'A by its second file'     => a_token(-key => 'EdDSA-a'),
    'B with its own audience'  => b_token(),
    'B by another algorithm'   => b_token(-key => 'ES384-b'),
    'C by a shared secret'     => hs256('c1', $secret),
    'A, two audiences'         => a_token(aud => [ 'x', $api ]),
);
for my $what (sort keys %good) {
    is $edge->get('/', token => $good{$what})->{status}, 200, "$what: $_" for 'verified', 'remembered';
}
my ($ka, $kb) = map { kid($_) } a_token(), b_token();
my %bad = (
    "B's key under A's name"           => b_token(iss => $A, aud => $api),
    "A's key under B's name"           => a_token(iss => $B, aud => 'https://b-api.test'),
    "A's key, A's kid, B's name"       => a_token(iss => $B, aud => 'https://b-api.test', head($ka, 'RS256')),
    "B's key, A's kid, A's name"       => b_token(iss => $A, aud => $api, head($ka, 'RS256')),
    "A's audience for B"               => b_token(aud => $api),
    "B's audience for A"               => a_token(aud => 'https://b-api.test'),
    'an issuer that is none of them'   => a_token(iss => $D),
    'a longer name'                    => a_token(iss => "$A/"),
    'no issuer'                        => a_token(iss => undef),
    'issuers in a list'                => a_token(iss => [ $A, $B ]),
    "C's name, A's key"                => a_token(iss => $C),
    "C's name and kid, A's key"        => a_token(iss => $C, head('c1', 'RS256')),
    'another secret'                   => hs256('c1', 'x' x 32),
    'another kid'                      => hs256('c2', $secret),
    "C's secret, A's name"             => hs256('c1', $secret, iss => $A),
    "A's public key as the secret"     => hs256($ka, Edge::read_file("$dir/a.json"), iss => $A),
    "A's file as the secret of C"      => hs256('c1', Edge::read_file("$dir/a.json")),
);
for my $what (sort keys %bad) {
    is $edge->get('/', token => $bad{$what})->{status}, 401, "$what: refused";
}

# --- places differ ----------------------------------------------------------------------

is $edge->get('/b', token => $good{'A by its first file'})->{status}, 401, 'a place with issuers of its own has none of those above';
is $edge->get('/b', token => b_token(aud => $api))->{status}, 200, 'but its own';
is $edge->get('/b', token => b_token())->{status}, 401, 'with its own audience';
is $edge->get('/',  token => b_token())->{status}, 200, 'what one worker remembers of a token says nothing for another place';

# --- plain tokens of others ---------------------------------------------------------------

my @others = (-key => 'RS256-b', iss => $D, aud => $api, client_id => undef, jti => undef, iat => undef, tenant => { name => 'x' });
my $plain = $edge->mint(-typ => 'JWT', @others, azp => 'app_d');
my $res   = $edge->get('/plain', token => $plain);
is $res->{status}, 200, 'profile=jwt: any typ, and no more claims than RFC 7519 asks for';
is $res->{headers}{client}, 'app_d', 'client= names the claim with the client';
is $edge->get('/plain', token => $edge->mint(-header => '{"alg":"RS256","kid":"%k"}', @others))->{headers}{client}, 'user_1', 'without it the subject is the client';
is $edge->get('/plain', token => $edge->mint(-typ => 'JWT', @others, sub => undef))->{status}, 401, 'somebody it must be';
is $edge->get('/plain', token => $edge->mint(-typ => 'JWT', @others, exp => undef))->{status}, 401, 'and it must expire';
is $edge->get('/strict', token => $plain)->{status}, 401, 'profile=at+jwt (the default): refused, though a neighbour remembers it';


# --- changed files ------------------------------------------------------------------------------

sub becomes { my ($token, $status, $what) = @_; return ok Edge::wait_for(5, sub { $edge->get('/', token => $token)->{status} == $status }), $what }
jwks('a2.json', 'ES256-a2');
becomes($good{'A by its second file'}, 401, 'a key taken out of a file: its tokens are refused, remembered or not');
is $edge->get('/', token => a_token(-key => 'ES256-a2'))->{status}, 200, 'its new key is good';
is $edge->get('/', token => a_token())->{status}, 200, 'the other file goes on';
for my $text ('[]', '{"keys":[', '{"keys":[{"kty":"oct","kid":"x","k":"' . encode_base64url($secret) . '"}]}') {
    my $before = length $edge->error_log;
    Edge::write_file("$dir/a2.json", $text);
    ok Edge::wait_for(2, sub { substr($edge->error_log, $before) =~ /keys ".*a2\.json": [^;]+; what was read before stays/ }), 'a bad file is complained of';
    is $edge->get('/', token => a_token(-key => 'ES256-a2'))->{status}, 200, 'and what was read before stays';
}
jwks('a2.json', 'RS256-a');
becomes(a_token(), 401, 'a kid that two files of an issuer have names no key');
jwks('a2.json', 'EdDSA-a');
becomes($good{'A by its second file'}, 200, 'all is well again');
oct_set('c.json', c1 => 'y' x 32);
becomes(hs256('c1', 'y' x 32), 200, 'a secret changed');
is $edge->get('/', token => $good{'C by a shared secret'})->{status}, 401, 'the old one is worth nothing';
ok $edge->reload, 'reload';
is $edge->get('/', token => $good{'A by its first file'})->{status}, 200, 'and on';

# --- refused with file and line ---------------------------------------------------------------------

jwks('pub.json', 'RS256-a');
oct_set('oct.json', c1 => $secret);
oct_set('short.json', c1 => 'x' x 31);
Edge::write_file("$dir/broken.json", '{');
my @wrong = (
    [ "twocare_issuer $A keys=$dir/pub.json secrets=$dir/oct.json",  'an issuer has either "keys=" or "secrets="' ],
    [ "twocare_issuer $A secrets=$dir/oct.json keys=$dir/pub.json",  'an issuer has either "keys=" or "secrets="' ],
    [ "twocare_issuer $A keys=$dir/oct.json",                        'a key has private members' ],
    [ "twocare_issuer $A secrets=$dir/pub.json",                     'a set of secrets has a key that is none' ],
    [ "twocare_issuer $A secrets=$dir/short.json",                   'not of 32 to 512 bytes' ],
    [ "twocare_issuer $A keys=$dir/none.json",                       'cannot be read' ],
    [ "twocare_issuer $A keys=$dir/broken.json",                     'ends' ],
    [ "twocare_issuer $A keys=$dir/a.json keys=$dir/pub.json",       'is in ' ],
    [ "twocare_issuer $A keys=",                                     'invalid parameter "keys="' ],
    [ "twocare_issuer $A leys=$dir/a.json",                          'invalid parameter "leys=' ],
    [ "twocare_issuer $A keys=$dir/a.json profile=jws",              'invalid profile "jws"' ],
    [ "twocare_issuer $A keys=$dir/a.json; twocare_issuer $A keys=$dir/a.json", 'is duplicate' ],
    [ 'twocare_issuer ""',                                           'must be the "iss"' ],
    [ 'twocare_issuer',                                              'invalid number of arguments' ],
    [ "twocare_issuer $A",                                           'needs "keys=", "secrets=" or "twocare_state"' ],
);
for my $row (@wrong) {
    my ($lines, $why) = @$row;
    Edge::write_file($edge->path('nginx/nginx.conf'), conf("twocare_audience $api; $lines;"));
    my $out = qx(@{[ join ' ', $edge->command('-t') ]} 2>&1);
    isnt $?, 0, "$lines: refused" =~ s/\Q$dir\E//gr;
    like $out, qr/\Q$why\E.* in \S+:\d+/, "  because: $why";
}
Edge::write_file($edge->path('nginx/nginx.conf'), conf("twocare_issuer $A keys=$dir/a.json;"));
like qx(@{[ join ' ', $edge->command('-t') ]} 2>&1), qr/needs "audience=" or "twocare_audience" in \S+:\d+/, 'no audience at all: refused';
chmod 0644, "$dir/oct.json";
Edge::write_file($edge->path('nginx/nginx.conf'), conf("twocare_audience $api; twocare_issuer $C secrets=$dir/oct.json;"));
like qx(@{[ join ' ', $edge->command('-t') ]} 2>&1), qr/can be used by everybody.* in \S+:\d+/, 'secrets that everybody may read: a warning';

done_testing;
