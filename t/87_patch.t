# PATCH: JSON Patch and FHIRPath Patch, by id, by criteria and in batches; what
# is refused; digits; and 64 at once.

use strict;
use warnings;
use lib 't/lib';

use MIME::Base64 qw(encode_base64);
use Stack;
use Test::More;

use constant { CLIENTS => 64 };

my $JSON = 'application/json-patch+json';
my $stack = Stack->new;
my $own = "patch-$$";

sub patch {
    my ($where, $body, %o) = @_;
    return $stack->request('PATCH', $where, body => $body, type => ref $body eq 'HASH' ? 'application/fhir+json' : $JSON, %o);
}

sub part { my ($name, $type, $value) = @_; return { name => $name, "value$type" => $value } }

sub operation {
    my ($type, $path, @more) = @_;
    return { name => 'operation', part => [ part(type => Code => $type), part(path => String => $path), @more ] };
}

sub parameters { return { resourceType => 'Parameters', parameter => [@_] } }

# --- JSON Patch -----------------------------------------------------------------

my $body = qq({"resourceType":"Observation","id":"$own","status":"final","code":{"text" : "x"},)
  . qq("valueQuantity":{"value":1.10,"unit":"g"},"component":[{"code":{"text":"a"},"valueQuantity":{"value":2.500}}]});
is $stack->put("/Observation/$own", body => $body)->{status}, 201, 'a record';

my $res = patch("/Observation/$own", [ { op => 'replace', path => '/status', value => 'amended' } ]);
is $res->{status}, 200, 'a JSON Patch' or diag $res->{content};
is $res->{headers}{etag}, 'W/"2"', 'is a new version';
is $res->{headers}{location}, $stack->env('FHIR_URL') . "/Observation/$own/_history/2", 'with its Location';
like $res->{content}, qr/"status":"amended","code":\{"text" : "x"\},"valueQuantity":\{"value":1\.10,"unit":"g"\}/, 'and every other byte is as it was';
$res = patch("/Observation/$own", '[{"op":"test","path":"/valueQuantity/value","value":1.1},{"op":"add","path":"/component/-","value":{"code":{"text":"b"},"valueQuantity":{"value":0.30}}}]');
is $res->{status}, 200, 'a test that passes' or diag $res->{content};
like $res->{content}, qr/"value":2\.500.*"value":0\.30/, 'digits are kept, in what is there and in what comes';
is $stack->get("/Observation/$own")->{content}, $res->{content}, 'GET gives the same';

for my $row (
    [ 422, 'a test that fails',       [ { op => 'replace', path => '/status', value => 'final' }, { op => 'test', path => '/status', value => 'x' } ] ],
    [ 422, 'a member that is absent', [ { op => 'remove',  path => '/issued' } ] ],
    [ 422, 'a result that is wrong',  [ { op => 'remove',  path => '/status' } ] ],
    [ 422, 'a code that is none',     [ { op => 'replace', path => '/status', value => 'nonsense' } ] ],
    [ 422, 'another id',              [ { op => 'replace', path => '/id', value => 'x' } ] ],
    [ 422, 'another version',         [ { op => 'replace', path => '/meta/versionId', value => '9' } ] ],
    [ 400, 'no operation',            [ { op => 'spam',    path => '/id' } ] ],
    [ 400, 'no array',                '{"op":"add"}' ],
    [ 400, 'no JSON',                 '[' ],
    [ 400, 'an empty body',           '' ],
) {
    my ($status, $what, $patch) = @$row;
    $res = patch("/Observation/$own", $patch);
    is $res->{status}, $status, "$what: $status" or diag $res->{content};
    is $res->{json}{resourceType}, 'OperationOutcome', "$what: said";
}
is $stack->get("/Observation/$own")->{json}{meta}{versionId}, 3, 'nothing was changed by these';
is patch("/Observation/$own", [ { op => 'remove', path => '/issued' } ])->{json}{issue}[0]{expression}[0], '[0]', 'the operation is named';

# --- conditions, preferences, addresses -----------------------------------------

is patch("/Observation/$own", [], headers => { 'if-match' => 'W/"2"' })->{status}, 412, 'an old If-Match';
is patch("/Observation/$own", [ { op => 'spam' } ], headers => { 'if-match' => 'W/"2"' })->{status}, 412, 'comes before what is wrong with the patch';
$res = patch("/Observation/$own", [ { op => 'replace', path => '/status', value => 'final' } ], headers => { 'if-match' => 'W/"3"', prefer => 'return=minimal' });
is $res->{status}, 200, 'the current one';
is $res->{content} // '', '', 'return=minimal';
is $res->{headers}{etag}, 'W/"4"', 'with its ETag';
is patch("/Observation/$own", [], headers => { prefer => 'return=OperationOutcome' })->{json}{resourceType}, 'OperationOutcome', 'return=OperationOutcome';
is $stack->get("/Observation/$own")->{json}{meta}{versionId}, 4, 'what changes nothing makes no version';
is patch('/Observation/none', [])->{status}, 404, 'of nothing';
is patch("/Observation/$own.x", [])->{status}, 404, 'of another id';
is patch('/Observation/a_b', [])->{status}, 404, 'of no id';
is $stack->put("/Basic/$own", body => { resourceType => 'Basic', id => $own, code => { text => 'x' } })->{status}, 201, 'a record';
$stack->delete("/Basic/$own");
is patch("/Basic/$own", [])->{status}, 410, 'of a deleted record';
is patch("/Observation/$own", [], headers => { 'if-none-match' => '*' })->{status}, 412, 'If-None-Match: *';

for my $type ('application/merge-patch+json', 'application/xml-patch+xml', 'text/plain', "$JSON; charset=latin1") {
    $res = patch("/Observation/$own", [], type => $type);
    is $res->{status}, 415, "$type: 415";
    is $res->{headers}{'accept-patch'}, "$JSON, application/fhir+json", "$type: Accept-Patch";
}
$res = $stack->request('OPTIONS', "/Observation/$own");
like $res->{headers}{allow}, qr/\bPATCH\b/, 'OPTIONS allows PATCH';
is $res->{headers}{'accept-patch'}, "$JSON, application/fhir+json", 'and says its forms';

# Who patches sees what is there.
my $writer = $stack->client(tenant => 'sandbox', name => 'patcher', scopes => 'system:write');
$res = patch("/Observation/$own", [], token => $stack->token($writer));
is $res->{status}, 403, 'who may not read may not patch';
like $res->{headers}{'www-authenticate'}, qr/scope="/, 'and learns the scope';
is patch("/AuditEvent/$own", [])->{status}, 403, 'what nobody may change';

# --- FHIRPath Patch -------------------------------------------------------------

my $patient = {
    resourceType => 'Patient', id => $own, identifier => [ { system => 'urn:x', value => $own }, { system => 'urn:y', value => '2' } ],
    name => [ { family => 'Patch', given => [ 'A', 'B' ] } ], birthDate => '1970-01-01',
};
$stack->put("/Patient/$own", body => $patient);
$res = patch("/Patient/$own", parameters(
    operation(add     => 'Patient', part(name => String => 'gender'), part(value => Code => 'female')),
    operation(replace => "Patient.identifier.where(system = 'urn:y').value", part(value => String => '3')),
    operation(insert  => 'Patient.name[0].given', part(index => Integer => 1), part(value => String => 'C')),
    operation(delete  => 'Patient.birthDate'),
    operation(move    => 'Patient.identifier', part(source => Integer => 1), part(destination => Integer => 0)),
));
is $res->{status}, 200, 'a FHIRPath Patch' or diag $res->{content};
is $res->{json}{gender}, 'female', 'add';
is join(' ', map { $_->{value} } @{ $res->{json}{identifier} }), "3 $own", 'replace and move';
is join(' ', @{ $res->{json}{name}[0]{given} }), 'A C B', 'insert';
ok !exists $res->{json}{birthDate}, 'delete';
is scalar @{ $stack->get("/Patient?_id=$own&given=C&gender=female")->{json}{entry} // [] }, 1, 'it is found by what is new';
is $stack->get("/Patient?_id=$own&birthdate=1970-01-01&_total=accurate")->{json}{total}, 0, 'and not by what was';

for my $row (
    [ 422, 'an element that is none', operation(delete => 'Patient.nonsense') ],
    [ 422, 'several elements',        operation(delete => 'Patient.identifier') ],
    [ 422, 'a wrong type',            operation(add    => 'Patient', part(name => String => 'name'), part(value => String => 'x')) ],
    [ 422, 'a wrong code',            operation(replace => 'Patient.gender', part(value => Code => 'x')) ],
    [ 422, 'another id',              operation(replace => 'Patient.id', part(value => Id => 'x')) ],
    [ 400, 'a path that is not read', operation(delete => 'Patient.name.select(given)') ],
    [ 400, 'no operation',            operation(spam   => 'Patient') ],
) {
    my ($status, $what, $operation) = @$row;
    $res = patch("/Patient/$own", parameters($operation));
    is $res->{status}, $status, "$what: $status" or diag $res->{content};
    like $res->{json}{issue}[0]{expression}[0] // '', qr/\w/, "$what: where";
}
is patch("/Patient/$own", { resourceType => 'Patient' })->{status}, 400, 'another resource is no patch';
is patch("/Patient/$own", [], type => 'application/fhir+json')->{status}, 400, 'nor is an array as FHIR';

# --- by criteria, and in batches ------------------------------------------------

$res = patch("/Patient?identifier=urn:x|$own", [ { op => 'add', path => '/active', value => JSON::PP::true } ]);
is $res->{status}, 200, 'by criteria' or diag $res->{content};
is $res->{json}{id}, $own, 'the one that meets them';
is patch("/Patient?identifier=urn:x|$own.none", [])->{status}, 404, 'none meets them';
is patch('/Patient?nonsense=1', [])->{status}, 400, 'criteria that are none';
is patch('/Patient', [])->{status}, 400, 'no criteria';
$stack->put("/Patient/$own.2", body => { %$patient, id => "$own.2" });
is patch("/Patient?identifier=urn:x|$own", [])->{status}, 412, 'several meet them';

sub entry { my ($url, $resource) = @_; return { request => { method => 'PATCH', url => $url }, resource => $resource } }

sub binary { my ($patch) = @_; return { resourceType => 'Binary', contentType => $JSON, data => encode_base64($patch, '') } }

my @rows = (
    [ entry("Patient/$own", binary('[{"op":"replace","path":"/active","value":false}]')), 200, 'a Binary' ],
    [ entry("Patient/$own", parameters(operation(delete => 'Patient.gender'))),           200, 'a Parameters' ],
    [ entry("Patient/$own", binary('[{"op":"remove","path":"/birthDate"}]')),             422, 'what is not there' ],
    [ entry("Patient/$own", binary('x')),                                                 400, 'no JSON' ],
    [ entry("Patient/$own", { resourceType => 'Patient' }),                               400, 'no patch' ],
    [ entry('Patient/none', binary('[]')),                                                404, 'no record' ],
    [ entry("Patient?identifier=urn:x|$own", binary('[]')),                               412, 'several' ],
);
$res = $stack->post('', body => { resourceType => 'Bundle', type => 'batch', entry => [ map { $_->[0] } @rows ] });
is $res->{status}, 200, 'a batch' or diag $res->{content};
for my $i (0 .. $#rows) {
    like $res->{json}{entry}[$i]{response}{status}, qr/^$rows[$i][1]/, "in a batch: $rows[$i][2]" or diag explain $res->{json}{entry}[$i];
}
is $stack->post('', body => { resourceType => 'Bundle', type => 'transaction', entry => [ $rows[0][0] ] }, token => $stack->token($writer))->{status}, 403,
  'who may not read may not patch in a transaction either';
my $now = $stack->get("/Patient/$own")->{json};
ok !$now->{active} && !exists $now->{gender}, 'both were done';

# --- labels ---------------------------------------------------------------------

my $meta = { profile => ['http://example.org/p'], tag => [ { system => 'urn:t', code => 'a' }, { system => 'urn:t', code => 'b' } ], security => [ { system => 'urn:s', code => 'x' } ] };
$res = $stack->post('/Basic', body => { resourceType => 'Basic', meta => { %$meta, versionId => '7', lastUpdated => '2001-01-01T00:00:00Z', source => 'urn:from' }, code => { text => 'x' } });
is $res->{status}, 201, 'a record with labels';
my $basic = $res->{json}{id};
is_deeply { map { $_ => $res->{json}{meta}{$_} } keys %$meta }, $meta, "the client's labels are kept";
is $res->{json}{meta}{source}, 'urn:from', 'and its source';
is $res->{json}{meta}{versionId}, '1', 'its version is not';

sub labels { my ($what, $labels, %o) = @_; return $stack->post("/Basic/$basic/\$meta-$what", body => parameters({ name => 'meta', valueMeta => $labels }), %o) }

sub returned { return $_[0]{json}{parameter}[0]{valueMeta} }

$res = $stack->get("/Basic/$basic/\$meta");
is $res->{status}, 200, '$meta';
is_deeply returned($res), $stack->get("/Basic/$basic")->{json}{meta}, 'is the meta of the record';
$res = labels(add => { tag => [ { system => 'urn:t', code => 'a', display => 'again' }, { system => 'urn:t', code => 'c' } ] });
is $res->{status}, 200, '$meta-add' or diag $res->{content};
is join(' ', map { $_->{code} } @{ returned($res)->{tag} }), 'a b c', 'adds what is not there';
is returned($res)->{versionId}, '2', 'as a new version';
is $stack->get("/Basic?_tag=urn:t|c&_id=$basic&_total=accurate")->{json}{total}, 1, 'which is found by it';
is returned(labels(add => { tag => [ { system => 'urn:t', code => 'c' } ] }))->{versionId}, '2', 'what is there already makes none';
$res = labels(delete => { tag => [ { system => 'urn:t', code => 'a' }, { code => 'b' } ], profile => [ 'http://example.org/p', 'http://example.org/q' ] });
is join(' ', map { $_->{code} } @{ returned($res)->{tag} }), 'b c', '$meta-delete takes away what is the same';
ok !exists returned($res)->{profile}, 'and the last of a list';
is $stack->get("/Basic?_tag=urn:t|a&_id=$basic&_total=accurate")->{json}{total}, 0, 'it is no longer found by it';
is_deeply returned($stack->get("/Basic/$basic/_history/1/\$meta"))->{profile}, $meta->{profile}, '$meta of a version';
is labels(add => { tag => [ { code => 'z' } ] }, headers => { 'if-match' => 'W/"1"' })->{status}, 412, 'If-Match';
is labels(add => { tag => 'x' })->{status}, 422, 'no Meta';
is $stack->post("/Basic/$basic/\$meta-add", body => parameters())->{status}, 400, 'none at all';
is $stack->get("/Basic/none/\$meta")->{status}, 404, 'of nothing';
is $stack->get("/Basic/$basic/\$meta-add")->{status}, 405, 'by POST alone';
is labels(add => {}, token => $stack->token($writer))->{status}, 403, 'needs the right to read, too';

# --- many at once ---------------------------------------------------------------

$stack->put("/Patient/$own.many", body => { resourceType => 'Patient', id => "$own.many", identifier => [ { system => 'urn:m', value => $own } ], name => [ { family => 'Many' } ] });
pipe my $from, my $to or die $!;
my @pids;
for my $n (1 .. CLIENTS) {
    defined(my $pid = fork) or die $!;
    if (!$pid) {
        close $from;
        my $alone = Stack->new;
        $alone->{tokens} = { %{ $stack->{tokens} } };
        my $where = $n % 4 == 0 ? "/Patient?identifier=urn:m|$own" : "/Patient/$own.many";
        my $patch = $n % 2 ? [ { op => 'add', path => '/name/-', value => { family => "Many$n" } } ] :
          parameters(operation(add => 'Patient', part(name => String => 'name'), part(value => HumanName => { family => "Many$n" })));
        my $got = $alone->request('PATCH', $where, body => $patch, type => $n % 2 ? $JSON : 'application/fhir+json');
        syswrite $to, "$got->{status} " . ($got->{json}{meta}{versionId} // '') . "\n";
        require POSIX;
        POSIX::_exit(0);
    }
    push @pids, $pid;
}
close $to;
my @lines = <$from>;
waitpid $_, 0 for @pids;
is scalar(grep { /^200/ } @lines), CLIENTS, 'all of 64 at once succeed' or diag @lines;
my %version = map { /(\d+)$/ ? ($1 => 1) : () } @lines;
is scalar keys %version, CLIENTS, 'each as a version of its own';
my $many = $stack->get("/Patient/$own.many")->{json};
is scalar @{ $many->{name} }, CLIENTS + 1, 'no name is lost';

my ($conf)    = $stack->env('ADMIN') =~ /TWOCARE_CONF=(\S+)/;
my ($program) = $stack->env('ADMIN') =~ /(\S+) admin$/;
my $out = `TWOCARE_CONF=$conf $program check --keys 2>&1`;
is $?, 0, 'check --keys finds no difference' or diag $out;

done_testing;
