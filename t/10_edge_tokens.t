# Bearer tokens at the edge: a good one passes with its claims, and each way to
# be wrong has its own refusal, challenge and word for the log.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use Test::More;

my $edge = Edge->new(
    clients => [ 'app_test:1000000:1000000', 'app_off:1000:100::disabled' ],
    http    => '', extra => 'location /v3/scoped { twocare_auth on; twocare_limit on;'
      . ' twocare_scope system:read patient:delete; fastcgi_pass twocare_fast; }',
);
$edge->keys(qw(RS256 ES256 RS384 PS256 ES384 EdDSA));
my $now = time;
Edge::wait_for(2, sub { 4 == grep { $edge->get('/v3/x', token => $edge->mint(-key => 'EdDSA'))->{status} == 200 } 1 .. 4 });

# --- good ones --------------------------------------------------------------------

my %good = (
    'RS256'                      => [],
    (map { $_ => [ -key => $_ ] } qw(ES256 RS384 PS256 ES384 EdDSA)),
    'typ application/at+jwt'     => [ -typ => 'application/at+jwt' ],
    'typ AT+JWT'                 => [ -typ => 'AT+JWT' ],
    'aud is a list'              => [ aud => [ 'https://other.test', Edge::audience() ] ],
    'expired within the leeway'  => [ exp => $now - 1 ],
    'issued within the leeway'   => [ iat => $now + 3 ],
    'no scope'                   => [ scope => undef ],
    'nbf in the past'            => [ nbf => $now - 60 ],
);
for my $what (sort keys %good) {
    my $token = $edge->mint(@{ $good{$what} });
    for my $round ('verified', 'cached') {
        my $res = $edge->get('/v3/x', token => $token);
        is $res->{status}, 200, "$what: accepted, $round" or diag $res->{body};
    }
}

my $res = $edge->get('/v3/x', token => $edge->mint(jti => 'jti_1', exp => $now + 500));
my %params = (
    EDGE_CLIENT_ID => 'app_test', EDGE_SUB => 'user_1', EDGE_TENANT => '1', EDGE_JTI => 'jti_1',
    EDGE_SCOPE => 'patient:read patient:write', EDGE_EXP => $now + 500, EDGE_ADDR => '127.0.0.1',
    EDGE_REQUEST_ID => $res->{headers}{'x-request-id'},
);
is $res->{json}{$_}, $params{$_}, "$_ is what the token says" for sort keys %params;
ok !length($res->{json}{HTTP_AUTHORIZATION} // ''), 'the token itself ends at the edge';

is $edge->request(GET => '/v3/x', headers => [ Authorization => 'bEARER ' . $edge->mint ])->{status},
  200, 'the scheme is read without regard to case';

# --- bad ones ---------------------------------------------------------------------

my $token = $edge->mint;
my ($head, $body, $sig) = split /\./, $token;
my $rs_kid = decode_json(decode_b64($head))->{kid};
my $claims = $edge->claims;

sub decode_b64 { return MIME::Base64::decode_base64url($_[0]) }
sub unsigned { return join '.', encode_base64url($_[0]), encode_base64url($claims), $_[1] // '' }

my @bad = (
    # what, token, word, status
    [ 'empty',                 '',                                                    'malformed' ],
    [ 'one part',              'abc',                                                 'malformed' ],
    [ 'two parts',             "$head.$body",                                         'malformed' ],
    [ 'four parts',            "$token.x",                                            'malformed' ],
    [ 'padding',               "$head.$body.$sig=",                                   'malformed' ],
    [ 'a blank inside',        "$head. $body.$sig",                                   'malformed' ],
    [ 'standard base64',       "$head.$body." . '+/' x 171,                           'malformed' ],
    [ 'header no JSON',        join('.', encode_base64url('{'), $body, $sig),         'malformed' ],
    [ 'header a list',         join('.', encode_base64url('[]'), $body, $sig),        'malformed' ],
    [ 'members twice',         $edge->mint(-claims => $claims =~ s/\}$/,"sub":"b"}/r), 'malformed' ],
    [ 'deep claims',           $edge->mint(x => eval('[' x 30 . '1' . ']' x 30)),     'malformed' ],
    [ 'above 7 KiB',           $edge->mint(x => 'x' x 5400),                          'token_too_large' ],
    [ 'alg none',              unsigned(qq({"alg":"none","typ":"at+jwt","kid":"$rs_kid"})), 'algorithm' ],
    [ 'alg nOnE',              unsigned(qq({"alg":"nOnE","typ":"at+jwt","kid":"$rs_kid"})), 'algorithm' ],
    [ 'alg HS256',             unsigned(qq({"alg":"HS256","typ":"at+jwt","kid":"$rs_kid"}), 'AAAA'), 'algorithm' ],
    (map { [ "alg $_, RS256 key", $edge->mint(-header => qq({"alg":"$_","typ":"at+jwt","kid":"%k"})), 'algorithm' ] } qw(RS384 PS256 ES384 EdDSA RS512 PS384)),
    [ 'alg ES256, RSA key',    unsigned(qq({"alg":"ES256","typ":"at+jwt","kid":"$rs_kid"}), 'A' x 86), 'algorithm' ],
    [ 'no alg',                unsigned(qq({"typ":"at+jwt","kid":"$rs_kid"}), 'AAAA'), 'algorithm' ],
    [ 'typ JWT',               $edge->mint(-typ => 'JWT'),                            'type' ],
    [ 'no typ',                $edge->mint(-header => '{"alg":"RS256","kid":"%k"}'),  'type' ],
    [ 'crit',                  $edge->mint(-header => '{"alg":"RS256","typ":"at+jwt","kid":"%k","crit":["exp"]}'), 'critical' ],
    [ 'no kid',                $edge->mint(-header => '{"alg":"RS256","typ":"at+jwt"}'), 'unknown_key' ],
    [ 'another kid',           $edge->mint(-header => '{"alg":"RS256","typ":"at+jwt","kid":"../x"}'), 'unknown_key' ],
    [ 'another key',           $edge->mint(-key => 'RS256-other'),                    'unknown_key' ],
    [ 'its own jwk',           $edge->mint(-key => 'RS256-other', -header => '{"alg":"RS256","typ":"at+jwt","kid":"x","jwk":{"kty":"RSA"}}'), 'unknown_key' ],
    [ 'no signature',          $edge->mint(-sig => 'none'),                           'bad_signature' ],
    [ 'garbage signature',     $edge->mint(-sig => 'garbage'),                        'bad_signature' ],
    [ 'ES256 r = s = 0',       (join '.', (split /\./, $edge->mint(-key => 'ES256'))[0, 1], 'A' x 86), 'bad_signature' ],
    [ 'changed claims',        join('.', $head, encode_base64url($claims), $sig),     'bad_signature' ],
    [ 'another issuer',        $edge->mint(iss => 'https://evil.test'),               'wrong_issuer' ],
    [ 'no issuer',             $edge->mint(iss => undef),                             'wrong_issuer' ],
    [ 'another audience',      $edge->mint(aud => 'https://edge.test/v4'),            'wrong_audience' ],
    [ 'no audience',           $edge->mint(aud => undef),                             'wrong_audience' ],
    [ 'audiences of others',   $edge->mint(aud => [ 'a', 'b' ]),                      'wrong_audience' ],
    [ 'expired',               $edge->mint(exp => $now - 60),                         'expired' ],
    [ 'issued in the future',  $edge->mint(iat => $now + 60),                         'not_yet' ],
    [ 'not before',            $edge->mint(nbf => $now + 60),                         'not_yet' ],
    (map { [ "no $_", $edge->mint($_ => undef), 'bad_claim' ] } qw(exp iat sub client_id jti)),
    [ 'exp a string',          $edge->mint(exp => 'never'),                           'bad_claim' ],
    [ 'exp negative',          $edge->mint(exp => -1),                                'bad_claim' ],
    [ 'exp enormous',          $edge->mint(-claims => $claims =~ s/"exp":\d+/"exp":1e300/r), 'bad_claim' ],
    [ 'nbf a string',          $edge->mint(nbf => 'x'),                               'bad_claim' ],
    [ 'scope a list',          $edge->mint(scope => ['a']),                           'bad_claim' ],
    [ 'tenant a number',       $edge->mint(tenant => 1),                              'bad_claim' ],
    [ 'client_id empty',       $edge->mint(client_id => ''),                          'bad_claim' ],
    [ 'client disabled',       $edge->mint(client_id => 'app_off'),                   'client_disabled' ],
);
for my $row (@bad) {
    my ($what, $bad, $word) = @$row;
    my $refused = $edge->get('/v3/x', token => $bad);
    refused($refused, $what, 401, 'invalid_token', $word, 'invalid_token');
}

refused($edge->get('/v3/x'), 'no token', 401, 'invalid_token', 'no_token', undef);
refused($edge->get("/v3/x?access_token=$token"), 'a token in the query alone',
    401, 'invalid_token', 'no_token', undef);
for my $scheme ('Basic eDp5', 'Bearerx', 'Bearer' . "\t" . $token, 'X', 'DPoP ' . $token) {
    refused($edge->get('/v3/x', headers => [ Authorization => $scheme ]),
        'scheme ' . substr($scheme, 0, 6), 401, 'invalid_credentials', 'other_scheme', undef);
}
refused($edge->get("/v3/x?a=b&access_token=$token", token => $token), 'a token in two places',
    400, 'invalid_request', 'two_tokens', undef);
like $edge->raw("GET /v3/x HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\n"
      . "Authorization: Bearer $token\r\nAuthorization: Bearer $token\r\n\r\n"),
  qr/^HTTP\/1.1 400 /, 'two Authorization headers: 400';

# --- scopes ------------------------------------------------------------------------

refused($edge->get('/v3/scoped', token => $token), 'none of the scopes', 403,
    'insufficient_scope', 'scope', 'insufficient_scope');
is $edge->get('/v3/scoped', token => $edge->mint(scope => 'a patient:delete b'))->{status}, 200,
  'one of the scopes suffices';
is $edge->get('/v3/scoped', token => $edge->mint(scope => 'patient:deleted'))->{status}, 403,
  'a longer word is another scope';

# --- never written down ---------------------------------------------------------------

for my $log ($edge->access_log, $edge->error_log) {
    unlike $log, qr/\Q$sig\E|access_token|Bearer/, 'no token in the logs';
}

sub refused {
    my ($res, $what, $status, $code, $word, $error) = @_;
    is $res->{status}, $status, "$what: $status" or diag $res->{line};
    is $res->{json}{error}{code}, $code, "$what: $code" or diag $res->{body};
    is $res->{json}{error}{requestId}, $res->{headers}{'x-request-id'}, "$what: requestId";
    my $challenge = $res->{headers}{'www-authenticate'} // '';
    if ($status != 400) {
        like $challenge, qr/^Bearer realm="2care"/, "$what: a challenge";
        is +($challenge =~ /error="([^"]*)"/)[0], $error, "$what: its error";
    }
    my $id = $res->{headers}{'x-request-id'} // 'none';
    ok Edge::wait_for(2, sub { $edge->access_log =~ /verdict=$word id=$id/ }),
      "$what: logged as $word" or diag +(grep { /$id/ } split /\n/, $edge->access_log)[0];
    return;
}

done_testing;
