# One record through the whole path: create, read, versions, update, delete,
# history, conditional headers.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;

sub patient {
    my (%more) = @_;
    return { resourceType => 'Patient', name => [ { family => 'Record', given => ['Test'] } ], %more };
}

my $res = $stack->post('/Patient', body => patient());
is $res->{status}, 201, 'create answers 201';
my $id = $res->{json}{id};
like $id, qr/^[a-z0-9]{16,64}$/, 'the server makes an id';
my $fhir = $stack->env('FHIR_URL');
is $res->{headers}{location}, "$fhir/Patient/$id/_history/1", 'Location names the version';
is $res->{headers}{etag}, 'W/"1"', 'ETag is the version';
like $res->{headers}{'last-modified'}, qr/^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/, 'Last-Modified';
like $res->{headers}{'x-request-id'}, qr/^req_[a-z0-9]{26}$/, 'X-Request-Id';
is $res->{json}{meta}{versionId}, '1', 'the record comes back';
is $res->{headers}{'cache-control'}, 'private, no-store', 'no cache keeps it';

$res = $stack->get("/Patient/$id");
is $res->{status}, 200, 'read';
is $res->{headers}{'content-type'}, 'application/fhir+json', 'FHIR media type' or diag explain $res->{headers};
is $res->{json}{name}[0]{family}, 'Record', 'what was written';
is $stack->request('HEAD', "/Patient/$id")->{status}, 200, 'HEAD wherever GET is';
is $stack->get("/Patient/$id", headers => { 'if-none-match' => 'W/"1"' })->{status}, 304, '304 for the same version';
is $stack->get("/Patient/$id", headers => { 'if-none-match' => 'W/"2"' })->{status}, 200, '200 for another';
is $stack->get("/Patient/$id", headers => { 'if-none-match' => 'W/"7", W/"1"' })->{status}, 304, 'a list of versions';

# RFC 9110 13.1.3; If-None-Match goes before it, what is no date is ignored.
my $modified = $stack->get("/Patient/$id")->{headers}{'last-modified'};
for my $row (
    [ 304, 'not modified since then',      { 'if-modified-since' => $modified } ],
    [ 200, 'modified since 1994',          { 'if-modified-since' => 'Sun, 06 Nov 1994 08:49:37 GMT' } ],
    [ 200, 'a date of another form',       { 'if-modified-since' => '2026-01-01' } ],
    [ 200, 'another version, same second', { 'if-modified-since' => $modified, 'if-none-match' => 'W/"9"' } ],
) {
    my ($status, $what, $headers) = @$row;
    $res = $stack->get("/Patient/$id", headers => $headers);
    is $res->{status}, $status, "$what: $status";
    next if $status == 200;
    is $res->{content} // '', '', "$what: without a body";
    is $res->{headers}{etag}, 'W/"1"', "$what: with its ETag";
    is $res->{headers}{'last-modified'}, $modified, "$what: and Last-Modified";
}
my $head = $stack->request('HEAD', "/Patient/$id");
my $whole = $stack->get("/Patient/$id");
is $head->{content} // '', '', 'HEAD has no body';
is $head->{headers}{$_}, $whole->{headers}{$_}, "HEAD: the $_ of GET" for qw(etag last-modified content-type content-length);
is $stack->request('HEAD', "/Patient/$id", headers => { 'if-none-match' => 'W/"1"' })->{status}, 304, 'HEAD may be 304, too';

$res = $stack->put("/Patient/$id", body => patient(id => $id, active => JSON::PP::true), headers => { 'if-match' => 'W/"1"' });
is $res->{status}, 200, 'update';
is $res->{json}{meta}{versionId}, '2', 'the version grows';
$res = $stack->put("/Patient/$id", body => patient(id => $id), headers => { 'if-match' => 'W/"1"' });
is $res->{status}, 412, 'an old If-Match is 412';
is $res->{json}{resourceType}, 'OperationOutcome', 'said as an OperationOutcome';
is $stack->put("/Patient/$id", body => patient(id => $id), headers => { 'if-match' => 'abc' })->{status}, 400, 'a malformed one is 400';
is $stack->put("/Patient/$id", body => patient(id => $id), headers => { 'if-none-match' => '*' })->{status}, 412,
  'If-None-Match: * overwrites nothing';
is $stack->put("/Patient/none.$id", body => patient(id => "none.$id"), headers => { 'if-match' => '*' })->{status}, 412,
  'If-Match: * creates nothing';
is $stack->put("/Patient/$id", body => patient(id => $id), headers => { 'if-none-match' => 'W/"1"' })->{status}, 400,
  'another If-None-Match of a write is 400';
is $stack->put("/Patient/$id", body => patient(id => $id), headers => { 'if-match' => '*', 'if-none-match' => '*' })->{status}, 400,
  'both at once, too';
is $stack->delete("/Patient/$id", headers => { 'if-match' => 'W/"1"' })->{status}, 412, 'If-Match guards a delete';
is $stack->put("/Patient/$id", body => patient(id => 'other'))->{status}, 400, 'another id in the body is 400';

$res = $stack->get("/Patient/$id/_history/1");
is $res->{status}, 200, 'vread of the old version';
ok !exists $res->{json}{active}, 'as it was then';
is $stack->get("/Patient/$id/_history/1", headers => { 'if-none-match' => 'W/"1"' })->{status}, 304, 'which a client may have already';
is $stack->get("/Patient/$id/_history/9")->{status}, 404, 'a version that never was is 404';

is $stack->delete("/Patient/$id", headers => { 'if-match' => '*' })->{status}, 204, 'delete';
is $stack->get("/Patient/$id")->{status}, 410, 'then 410';
is $stack->delete("/Patient/$id")->{status}, 204, 'deleting again is fine';
is $stack->get("/Patient/$id/_history/2")->{status}, 200, 'versions stay';
is $stack->get("/Patient/$id/_history/3")->{status}, 410, 'the deletion is a version';

$res = $stack->get("/Patient/$id/_history");
is $res->{status}, 200, 'history';
is $res->{json}{type}, 'history', 'is a history bundle';
is $res->{json}{total}, 3, 'of all versions';
is_deeply [ map { $_->{request}{method} } @{ $res->{json}{entry} } ], [qw(DELETE PUT POST)], 'newest first';

is_deeply [ map { $_->{response}{status} } @{ $res->{json}{entry} } ], [ '204 No Content', '200 OK', '201 Created' ], 'with what each was answered';

my ($where, @pages) = ("/Patient/$id/_history?_count=2");
while ($where) {
    $res = $stack->get($where);
    my %link = map { $_->{relation} => $_->{url} } @{ $res->{json}{link} };
    is $link{self}, $where =~ s/^(?=\/)/$fhir/r, 'self is what was asked';
    push @pages, join ' ', map { $_->{response}{etag} =~ /(\d+)/ } @{ $res->{json}{entry} };
    $where = $link{next};
}
is_deeply \@pages, [ '3 2', '1' ], 'next walks all versions, once';

$res = $stack->put("/Patient/$id", body => patient(id => $id));
is $res->{status}, 201, 'an update after the deletion creates it again' or diag $res->{content};
is $res->{json}{meta}{versionId}, '4', 'with the next version';
for my $page ('', '?_count=1') {
    my $newest = $stack->get("/Patient/$id/_history$page")->{json}{entry}[0];
    is "$newest->{request}{method} $newest->{response}{status}", 'PUT 201 Created', "as the history$page says";
}

my $own = 'own.' . time;
$res = $stack->put("/Patient/$own", body => patient(id => $own), headers => { 'if-none-match' => '*' });
is $res->{status}, 201, 'update-as-create';
is $res->{json}{id}, $own, 'under the id of the client';

# Byte-exact: digits, order and blanks of the client.
my $body = '{"resourceType":"Observation","status":"final", "code" : {"text":"\u00e9"},"valueQuantity":{"value":1.10,"unit":"mg"},'
  . '"_status":{"extension":[{"url":"http://example.org/x","valueDecimal":0.500}]}}';
$res = $stack->post('/Observation', body => $body);
is $res->{status}, 201, 'an observation with decimals';
for my $exact ('"value":1.10,', '0.500', '"\u00e9"') {
    like $res->{content}, qr/\Q$exact\E/, "keeps $exact";
}

# R4 http.html#ops, RFC 7240: what a write shows, and that Prefer was heard.
my $there = "/Patient/$id";
for my $row (
    # Prefer                                            method     body               Preference-Applied
    [ '',                                               POST   => 'Patient',          '' ],
    [ 'return=representation',                          POST   => 'Patient',          'return=representation' ],
    [ 'return=minimal',                                 POST   => '',                 'return=minimal' ],
    [ 'return=OperationOutcome',                        POST   => 'OperationOutcome', 'return=OperationOutcome' ],
    [ 'return=minimal, return=representation',          POST   => '',                 'return=minimal' ],
    [ 'return=nonsense, respond-async',                 POST   => 'Patient',          '' ],
    [ 'return=minimal',                                 PUT    => '',                 'return=minimal' ],
    [ 'handling=strict; return=OperationOutcome',       PUT    => 'OperationOutcome', 'return=OperationOutcome, handling=strict' ],
    [ 'return=minimal, handling=lenient',               GET    => 'Patient',          'handling=lenient' ],
    [ 'return=representation',                          DELETE => '',                 '' ],
    [ 'return=OperationOutcome',                        DELETE => 'OperationOutcome', 'return=OperationOutcome' ],
    [ 'return=minimal',                                 DELETE => '',                 'return=minimal' ],
) {
    my ($prefer, $method, $type, $applied) = @$row;
    my @body = $method =~ /^P/ ? (body => patient($method eq 'PUT' ? (id => $id) : ())) : ();
    $res = $stack->request($method, $method eq 'POST' ? '/Patient' : $there, @body, headers => { prefer => $prefer });
    like $res->{status}, qr/^20[014]$/, "$method, Prefer '$prefer'" or diag $res->{content};
    is $res->{json}{resourceType} // '', $type, "$method, Prefer '$prefer': " . ($type || 'no body');
    is $res->{headers}{'preference-applied'} // '', $applied, "$method, Prefer '$prefer': Preference-Applied";
}
is $stack->post('/Patient', body => patient(nam => 1), headers => { prefer => 'return=minimal' })->{json}{resourceType}, 'OperationOutcome',
  'a refusal is explained, whatever Prefer says';

# Every R4 type, not only those of the platform's own specification.
$res = $stack->post('/Basic', body => { resourceType => 'Basic', code => { text => 'x' } });
is $res->{status}, 201, 'a type that it does not name works too';
is $stack->get('/Nonsense/1')->{status}, 404, 'a type that R4 lacks is 404';

done_testing;
