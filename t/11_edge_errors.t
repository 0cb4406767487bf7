# Errors of the edge: nginx's own and ours have one form, decided by the place,
# with the id of the request; the backend's pass untouched.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;

my $edge = Edge->new(
    clients => ['app_test:1000000:1000000'],
    http    => 'upstream gone { server unix:/nonexistent/gone.sock; }',
    extra   => <<'END',
client_body_timeout 1s;
location /v3/gone      { twocare_auth on; twocare_limit on; fastcgi_pass gone; }
location /v3/fhir/gone { twocare_answers fhir; twocare_auth on; twocare_limit on; fastcgi_pass gone; }
location /v3/slow      { twocare_limit on; fastcgi_pass unix:/nonexistent/x; return 504; }
location /v3/broken    { twocare_limit on; return 500; }
location /v3/closed    { twocare_limit on; return 503; }
END
);
my $token = $edge->mint;
my $auth  = "Authorization: Bearer $token\r\n";
my $big   = 'x' x 40_000;

my %form = (
    json => sub {
        my ($json) = @_;
        return ($json->{error}{code}, $json->{error}{requestId});
    },
    fhir => sub {
        my ($json) = @_;
        my $issue = $json->{issue}[0];
        is $json->{resourceType}, 'OperationOutcome', '  an OperationOutcome';
        is $issue->{severity}, 'error', '  of severity error';
        like $issue->{details}{text} // '', qr/^[A-Z].* /, '  with a text for people';
        return ($issue->{code}, ($issue->{diagnostics} // '') =~ /(req_\w{26})/);
    },
    oauth => sub {
        my ($json) = @_;
        ok length $json->{error_description}, '  a description';
        return ($json->{error}, undef);
    },
);
my %type = (json => 'application/json', fhir => 'application/fhir+json', oauth => 'application/json');

sub head { return "$_[0] HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\n" }
sub chunked { return sprintf "%x\r\n%s\r\n", length $_[0], $_[0] }

my @errors = (
    # form, bytes, status, code, limited
    [ 'json',  "\x16\x03\x01\r\n\r\n",                                 400, 'invalid_request', 1 ],
    [ 'json',  "GET\r\n\r\n",                                          400, 'invalid_request', 1 ],
    [ 'json',  "GET /v3/x HTTP/1.1\r\n\r\n",                           400, 'invalid_request', 1 ],
    [ 'json',  "GET /v3/\0x HTTP/1.1\r\nHost: a\r\n\r\n",              400, 'invalid_request', 1 ],
    [ 'fhir',  "GET /v3/fhir/Patient?x=\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 'invalid', 1 ],
    [ 'oauth', "GET /oauth/token\x1b HTTP/1.1\r\nHost: a\r\n\r\n", 400, 'invalid_request', 1 ],
    [ 'json',  "GET /v3/x HTTP/3.0\r\nHost: a\r\n\r\n",                400, 'invalid_request', 1 ],
    [ 'json',  head('GET /v3/%zz') . "\r\n",                           400, 'invalid_request', 1 ],
    [ 'json',  head('GET /v3/../../x') . "\r\n",                       400, 'invalid_request', 1 ],
    [ 'fhir',  "GET /v3/fhir/Patient HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, 'invalid', 1 ],
    [ 'json',  head('POST /v3/x') . "Content-Length: x\r\n\r\n",       400, 'invalid_request', 1 ],
    [ 'json',  head('POST /v3/x') . "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 'invalid_request', 1 ],
    [ 'json',  head('POST /v3/x') . "Transfer-Encoding: gzip\r\n\r\n", 400, 'invalid_request', 1 ],
    [ 'json',  head('POST /v3/x') . "${auth}Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, 'invalid_request', 1 ],
    [ 'json',  head('GET /nothing') . "\r\n",                          404, 'resource_not_found', 1 ],
    [ 'json',  head('GET /twocare_error/v3/x') . "\r\n",               404, 'resource_not_found', 1 ],
    [ 'json',  head('GET /twocare_error') . "\r\n",                    404, 'resource_not_found', 1 ],
    [ 'json',  head('GET /v3') . "\r\n",                               404, 'resource_not_found', 1 ],
    [ 'fhir',  head('GET /v3/fhir/.well-known') . "\r\n",              404, 'not-found', 1 ],
    [ 'oauth', head('GET /oauth') . "\r\n",                            404, 'invalid_request', 1 ],
    [ 'json',  head('GET /.well-known') . "\r\n",                      404, 'resource_not_found', 0 ],
    [ 'json',  head('POST /.well-known/jwks.json') . "Content-Length: 0\r\n\r\n", 405, 'method_not_allowed', 0 ],
    [ 'json',  head('TRACE /v3/x') . "\r\n",                           405, 'method_not_allowed', 1 ],
    [ 'json',  head('POST /v3/x') . "${auth}Content-Length: 2000000\r\n\r\n" . 'x' x 1000, 413, 'payload_too_large', 1 ],
    [ 'json',  head('POST /v3/x') . "${auth}Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n", 413, 'payload_too_large', 1 ],
    [ 'json',  head('POST /v3/x') . "${auth}Transfer-Encoding: chunked\r\n\r\n" . chunked('x' x 1_200_000), 413, 'payload_too_large', 1 ],
    [ 'fhir',  head('POST /v3/fhir') . "${auth}Content-Length: 40000000\r\n\r\n", 413, 'too-long', 1 ],
    [ 'fhir',  head('POST /v3/fhir/Patient') . "${auth}Content-Length: 2000000\r\n\r\n", 413, 'too-long', 1 ],
    [ 'oauth', head('POST /oauth/token') . "Content-Length: 2000000\r\n\r\n", 413, 'invalid_request', 1 ],
    [ 'json',  head("GET /v3/$big") . "\r\n",                          414, 'uri_too_long', 1 ],
    [ 'fhir',  head("GET /v3/fhir/Patient?_id=$big") . "\r\n",         414, 'too-long', 1 ],
    [ 'oauth', head("GET /oauth/$big") . "\r\n",                       414, 'invalid_request', 1 ],
    [ 'json',  head('GET /v3/x') . "X: $big\r\n\r\n",                  431, 'headers_too_large', 1 ],
    [ 'fhir',  head('GET /v3/fhir/Patient') . "X: $big\r\n\r\n",       431, 'too-long', 1 ],
    [ 'fhir',  head('GET /v3/fhir/Patient/1') . "\r\n",                401, 'login', 1 ],
    [ 'fhir',  head('POST /v3/fhir') . "Content-Length: 3\r\n\r\nabc", 401, 'login', 1 ],
    [ 'json',  head('GET /v3/broken') . "\r\n",                        500, 'server_error', 1 ],
    [ 'json',  head('GET /v3/gone') . "$auth\r\n",                     502, 'server_error', 1 ],
    [ 'fhir',  head('GET /v3/fhir/gone') . "$auth\r\n",                502, 'transient', 1 ],
    [ 'json',  head('GET /v3/closed') . "\r\n",                        503, 'service_unavailable', 1 ],
    [ 'json',  head('GET /v3/slow') . "\r\n",                          504, 'server_error', 1 ],
);
for my $row (@errors) {
    my ($form, $bytes, $status, $code, $limited) = @$row;
    my $what = substr($bytes, 0, 40) =~ s/[^ -~].*//sr;
    my $res  = $edge->parse($edge->raw($bytes));
    is $res->{status}, $status, "$what: $status" or diag $res->{line};
    is $res->{headers}{'content-type'}, $type{$form}, "  as $form" or next;
    my ($got, $id) = $form{$form}->($res->{json} // {});
    is $got, $code, "  $code" or diag $res->{body};
    like $res->{headers}{'x-request-id'}, qr/^req_[0-9a-hjkmnp-tv-z]{26}$/, '  X-Request-Id';
    is $id, $res->{headers}{'x-request-id'}, '  the same in the body' unless $form eq 'oauth';
    is length $res->{body}, $res->{headers}{'content-length'}, '  whole';
    is exists $res->{headers}{'x-ratelimit-reset'} ? 1 : 0, $limited, "  limited: $limited";
    cmp_ok $res->{headers}{'retry-after'} // 0, '>=', 1, '  Retry-After' if $status == 503;
    like $res->{headers}{allow}, qr/^GET, HEAD/, '  Allow' if $status == 405;
    like $res->{line}, qr/^HTTP\/1.1 \d+ [A-Z]/, '  a reason';
}

# --- one by one ---------------------------------------------------------------------

my $res = $edge->request(HEAD => '/v3/x');
is $res->{status}, 401, 'HEAD is refused as GET is';
is $res->{body}, '', 'and has no body';
cmp_ok $res->{headers}{'content-length'}, '>', 0, 'but the length of one';

my $in = $edge->raw("POST /v3/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
      . "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
is +(() = $in =~ /HTTP\/1\.1 (?:401|200) /g), 2,
  'the body of a refused request is read away: the connection lives on';

$res = $edge->get('/v3/x?status=418', token => $token);
is $res->{status}, 418, 'an error of the backend passes';
is $res->{json}{DOCUMENT_URI}, '/v3/x', 'with its own body';
for my $status (404, 409, 422, 500, 503) {
    is $edge->get("/v3/x?status=$status", token => $token)->{json}{DOCUMENT_URI}, '/v3/x',
      "its $status too";
}

$res = $edge->get('/v3/x', token => $token, headers => [ 'X-Request-Id' => 'req_mine' ]);
isnt $res->{headers}{'x-request-id'}, 'req_mine', 'a request id from outside is not trusted';
is $res->{json}{EDGE_REQUEST_ID}, $res->{headers}{'x-request-id'}, 'the backend gets ours';

$in = $edge->raw(head('POST /v3/x') . "${auth}Content-Length: 10\r\n\r\nabc", 5);
is $in, '', 'a body that does not come: the connection is closed without an answer';

$res = $edge->get('/v3/x?cut=1', token => $token);
is $res->{status}, 502, 'a backend that hangs up: 502';
is $res->{json}{error}{code}, 'server_error', 'in our form';

unlike $edge->error_log . $edge->access_log, qr/_id=|referer|host: "|a=b|cut=1/i,
  'no query, referer or host in the logs';
unlike $edge->error_log, qr/\[(?:alert|emerg|crit)\](?!.*gone\.sock)/, 'and nothing alarming';

done_testing;
