# A token is good as it was issued or not at all: 700 changed ones, tokens of
# others, tokens in other places, and what a client may say about itself.

use strict;
use warnings;
use lib 't/lib';

use Hostile;
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);
use Stack;
use Test::More;

my $SEED = $ENV{BAD_INPUT_SEED} // 20260116;
srand $SEED;
note "seed $SEED";

my $stack = Stack->new;
my $enemy = Hostile->new($stack);
my $json  = JSON::PP->new->utf8->canonical;
my $n     = sprintf '%x%x', time, $$;
my $token = $stack->new_token;
my @parts = split /\./, $token;
my ($head, $claims) = map { $json->decode(decode_base64url($_)) } @parts[ 0, 1 ];

sub pick { return $_[ rand @_ ] }
sub bearer { my ($value, @more) = @_; return join "\r\n", 'GET /v3/fhir/Patient/none HTTP/1.1', 'Host: localhost', 'Connection: close', "Authorization: Bearer $value", @more, '', '' }
sub with_head   { my (%change) = @_; return join '.', encode_base64url($json->encode({ %$head, %change })), @parts[ 1, 2 ] }
sub with_claims { my (%change) = @_; return join '.', $parts[0], encode_base64url($json->encode({ %$claims, %change })), $parts[2] }

# --- changed tokens ------------------------------------------------------------------------

my @tokens;
for (1 .. 300) {
    my $t  = $token;
    my $at = int rand length $t;
    substr $t, $at, 1, pick(grep { $_ ne substr $t, $at, 1 } 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_', '.', '=', '+', '/');
    push @tokens, [ "character $at", $t ];
}
for (1 .. 100) {
    # The last character of the signature has bits that mean nothing: strict base64url.
    my ($p, $raw) = int rand 3;
    $raw = decode_base64url($parts[$p]);
    my $bit = int rand 8 * length $raw;
    substr $raw, $bit >> 3, 1, chr(ord(substr $raw, $bit >> 3, 1) ^ 1 << ($bit & 7));
    my @new = @parts;
    $new[$p] = encode_base64url($raw);
    push @tokens, [ "bit $bit of part $p", join '.', @new ];
}
push @tokens, [ "cut at $_",  substr $token, 0, $_ ] for map { int rand length $token } 1 .. 60;
push @tokens, [ 'cut in front', substr $token, 1 + rand(length($token) - 1) ] for 1 .. 20;
push @tokens, [ 'with a tail',  $token . pick('A', 'AAAA', '=', '==', '.', '.A', '.' . $token, "\xc3\xa9") ] for 1 .. 30;
push @tokens, map { [ "parts $_->[0]", join '.', @parts[ @$_ ] ] } [ 1, 0, 2 ], [ 2, 1, 0 ], [ 0, 0, 2 ], [ 0, 1, 1 ], [ 0, 2 ], [0], [ 0, 1, 2, 2 ], [ 0, 1, 2, 0, 1 ];
push @tokens, [ 'no signature', "$parts[0].$parts[1]." ], [ 'dots', '..' ], [ 'a dot', '.' ], [ 'more dots', '.' x 50 ], [ 'none', '' ], [ 'a blank', ' ' ];
for my $member (
    [ alg => 'none' ], [ alg => 'None' ], [ alg => 'nOnE' ], [ alg => '' ], [ alg => undef ], [ alg => 5 ], [ alg => ['RS256'] ], [ alg => 'HS256' ], [ alg => 'ES256' ], [ alg => 'RS384' ], [ alg => 'PS256' ], [ alg => 'EdDSA' ], [ alg => 'RS256 ' ],
    [ typ => 'JWT' ], [ typ => 'at+JWT ' ], [ typ => undef ], [ typ => 'logout+jwt' ], [ kid => '' ], [ kid => undef ], [ kid => '../../etc/passwd' ], [ kid => 'x' x 300 ], [ kid => "' or 1=1--" ], [ kid => { a => 1 } ], [ kid => "$head->{kid}\x{0}" ],
    [ crit => ['exp'] ], [ crit => [] ], [ b64 => JSON::PP::false ], [ jku => 'https://evil.example/jwks.json' ], [ x5u => 'https://evil.example' ], [ jwk => { kty => 'RSA', n => 'AQAB', e => 'AQAB' } ], [ x5c => ['MIIB'] ], [ zip => 'DEF' ], [ enc => 'A128GCM' ],
) {
    push @tokens, [ 'header ' . $json->encode([@$member]), with_head(@$member) ];
}
for my $member (
    [ exp => 99_999_999_999 ], [ exp => undef ], [ exp => '9999999999' ], [ exp => 1e300 ], [ exp => -1 ], [ iss => 'https://evil.example' ], [ aud => 'x' ], [ aud => [] ], [ tenant => '2' ], [ tenant => 2 ], [ tenant => '-1' ], [ tenant => '' ],
    [ scope => 'system:admin' ], [ scope => [] ], [ client_id => 'x' ], [ client_id => "a\r\nX: y" ], [ sub => undef ], [ nbf => 99_999_999_999 ], [ iat => 99_999_999_999 ], [ jti => 'x' ], [ env => 'production' ], [ nested => [ [ [ [ [ [ [ [ [ [1] ] ] ] ] ] ] ] ] ] ],
) {
    push @tokens, [ 'claim ' . $json->encode([@$member]), with_claims(@$member) ];
}
my $double = '{"alg":"none",' . substr(decode_base64url($parts[0]), 1);
push @tokens, [ 'two alg', join '.', encode_base64url($double), @parts[ 1, 2 ] ];
push @tokens, [ 'not JSON', join '.', encode_base64url(pick('', '{', '[]', 'null', '{}', "\xff", "{\"alg\":\"RS256\"}\0", '{"a":' x 500)), @parts[ 1, 2 ] ] for 1 .. 30;
push @tokens, [ 'none without a signature', encode_base64url($json->encode({ %$head, alg => 'none' })) . ".$parts[1]." ];
push @tokens, [ 'signed with the public key', join '.', encode_base64url($json->encode({ %$head, alg => 'HS256' })), $parts[1], encode_base64url('x' x 32) ];
push @tokens, [ "$_ bytes", $token . 'A' x ($_ - length $token) ] for 2048, 7167, 7168, 7169, 8000;
push @tokens, [ 'other bytes', join '', map { chr 33 + rand 223 } 1 .. 1 + rand 400 ] for 1 .. 80;
push @tokens, [ 'unicode', $_ ] for "\xe2\x80\x8b$token", "$token\xe2\x80\x8b", $token =~ s/\./\xe3\x80\x82/gr, $token =~ s/e/\xd0\xb5/r, uc $token;

my ($refused, %was) = (0);
for my $row (@tokens) {
    my ($what, $value) = @$row;
    my $answer = $enemy->send(bearer($value), secure => $refused % 10 == 0);
    my $status = $answer->{status} // 'closed';
    $was{$status}++;
    my @faults = $enemy->judge($answer, 'fhir');
    push @faults, 'no challenge' if $status eq '401' && ($answer->{headers}{'www-authenticate'} // '') !~ /^Bearer realm="2care"/;
    $refused++ if $status eq '401' && !@faults;
    fail "$what: $status @faults" and diag substr $value, 0, 200 if $status ne '401' || @faults;
}
is $refused, @tokens, 'each of ' . @tokens . ' is a 401 of its form';
note join ', ', map { "$_: $was{$_}" } sort keys %was;
is $enemy->send(bearer($token))->{status}, 404, 'the good one is good before and after';

# --- in another place, or twice ----------------------------------------------------------------

my $plain = "GET /v3/fhir/Patient/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
my @places = (
    [ 'twice',                        400, bearer($token, "Authorization: Bearer $token") ],
    [ 'a bad one and a good one',     400, bearer('x', "Authorization: Bearer $token") ],
    [ 'Basic and Bearer',             400, bearer($token, 'Authorization: Basic eDp5') ],
    [ 'in the query',                 401, $plain =~ s/none/none?access_token=$token/r . "\r\n" ],
    [ 'in the query and the header',  400, bearer($token) =~ s/none/none?access_token=$token/r ],
    [ 'in a form',                    401, "POST /v3/fhir/Patient HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " . length("access_token=$token") . "\r\n\r\naccess_token=$token" ],
    [ 'in a cookie',                  401, $plain . "Cookie: access_token=$token\r\n\r\n" ],
    [ 'in another header',            401, $plain . "X-Authorization: Bearer $token\r\nProxy-Authorization: Bearer $token\r\n\r\n" ],
    [ 'as Basic',                     401, bearer($token) =~ s/Bearer/Basic/r ],
    [ 'in another case',              404, bearer($token) =~ s/Bearer/bEaReR/r ],
    [ 'after a tab',                  401, bearer($token) =~ s/Bearer /Bearer\t/r ],
    [ 'folded',                       401, bearer($token) =~ s/Bearer /Bearer\r\n /r ],
);
for my $row (@places) {
    my ($what, $status, $bytes) = @$row;
    my $answer = $enemy->send($bytes);
    like $answer->{status}, qr/^(?:$status|400)$/, "$what: $status" or diag $answer->{text};
    is_deeply [ $enemy->judge($answer, 'fhir') ], [], "$what: in its form";
}

# --- what a client says about itself -------------------------------------------------------------

sub clinic { my ($name) = @_; $stack->tenant("$name-$n"); return $stack->token($stack->client(tenant => "$name-$n", name => $name, scopes => 'patient:read patient:write', tier => 'enterprise', hour => 1000, minute => 1000)) }
my ($north, $south) = map { clinic($_) } qw(attacked attacker);
is $stack->put('/Patient/mine', token => $north, body => { resourceType => 'Patient', id => 'mine' })->{status}, 201, 'a record of one tenant';
my $tenant = $json->decode(decode_base64url((split /\./, $north)[1]))->{tenant};
my @claim = map { ("EDGE_$_->[0]", $_->[1], 'Edge-' . lc($_->[0]) =~ tr/_/-/r, $_->[1]) } [ TENANT => $tenant ], [ SCOPE => 'system:admin' ], [ CLIENT_ID => 'x' ], [ SUB => 'x' ];
my $fields = '';
while (my ($name, $value) = splice @claim, 0, 2) { $fields .= "$name: $value\r\n" }
for my $more ($fields, "X-Edge-Client: $stack->{env}{CLIENT_ID}\r\n", "X-Tenant: $tenant\r\nX-Twocare-Tenant: $tenant\r\nHttp-Edge-Tenant: $tenant\r\n", "X-Accel-Redirect: /x\r\nX-Original-URL: /health\r\nX-Rewrite-URL: /health\r\n") {
    my $answer = $enemy->send(bearer($south) =~ s/none/mine/r =~ s/\r\n\r\n$/\r\n$more\r\n/r);
    is $answer->{status}, 404, 'another tenant by headers: ' . (split /:/, $more)[0];
    is $answer->{headers}{'x-ratelimit-limit'}, 1000, 'and the windows are those of the token';
}
like $stack->get("/Patient/mine?EDGE_TENANT=$tenant", token => $south)->{status}, qr/^40[04]$/, 'nor by the query';
is $stack->get('/Observation', token => $south)->{status}, 403, 'nor is a scope got';

# --- echoes ------------------------------------------------------------------------------------------

for my $host ('evil.example', 'localhost:1', "localhost\@evil.example", '127.0.0.1') {
    my $body   = '{"resourceType":"Patient"}';
    my $answer = $enemy->send("POST /v3/fhir/Patient HTTP/1.1\r\nHost: $host\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nConnection: close\r\nAuthorization: Bearer $token\r\n"
          . "Content-Type: application/fhir+json\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
    next if $answer->{status} == 400;
    like $answer->{headers}{location}, qr{^\Q$stack->{env}{FHIR_URL}\E/Patient/}, "Location is ours, whatever Host says ($host)";
    $answer = $enemy->send("GET /v3/fhir/Patient?_count=1 HTTP/1.1\r\nHost: $host\r\nConnection: close\r\nAuthorization: Bearer $token\r\n\r\n");
    unlike $answer->{body}, qr/evil/, 'and so are the links';
}
my $split = '%0d%0aX-Evil:%20yes%0d%0a%0d%0a<script>';
for my $path ("/v3/fhir/Patient?name=$split", "/v3/fhir/Patient?$split=1", "/v3/fhir/$split/1", "/v3/fhir/Patient/$split", "/v3/$split", "/oauth/$split", "/v3/fhir/Patient/1/_history/$split", "/v3/fhir/Patient?_cursor=$split") {
    my $answer = $enemy->send(bearer($token) =~ s{ /v3/fhir/Patient/none}{ $path}r);
    ok !exists $answer->{headers}{'x-evil'} && !defined $answer->{odd}, "$path splits no answer" or diag $answer->{text};
    unlike $answer->{headers}{'content-type'} // '', qr/html/, 'and is no page';
}
my $answer = $enemy->send(bearer($token, 'X-Request-Id: req_00000000000000000000000000'));
isnt $answer->{headers}{'x-request-id'}, 'req_00000000000000000000000000', 'the request id is ours';
is scalar(grep { /^x-request-id:/i } @{ $answer->{fields} }), 1, 'and sent once';

# The address is that of the connection: no header opens another window.
my @left = map { $enemy->send("GET /v3/patients HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.$_\r\nX-Real-IP: 192.0.2.$_\r\nForwarded: for=192.0.2.$_\r\n\r\n")->{headers}{'x-ratelimit-remaining'} } 1 .. 4;
is_deeply [ map { $left[0] - $_ } @left ], [ 0 .. 3 ], 'X-Forwarded-For opens no window of its own';

done_testing;
