# What is not R4 is refused, with all problems and where they are.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;

sub expressions {
    my ($res) = @_;
    return join ' ', map { @{ $_->{expression} // [] } } @{ $res->{json}{issue} // [] };
}

my @invalid = (
    # what                       body                                                                    where  issue-type
    [ 'unknown element',         '{"resourceType":"Patient","nam":[]}',                                   qr/Patient\.nam\b/, 'structure' ],
    [ 'wrong JSON type',         '{"resourceType":"Patient","active":"yes"}',                             qr/Patient\.active/, 'structure' ],
    [ 'object for an array',     '{"resourceType":"Patient","name":{"family":"x"}}',                      qr/Patient\.name/, 'structure' ],
    [ 'required element absent', '{"resourceType":"Observation","status":"final"}',                        qr/Observation/, 'required' ],
    [ 'required binding',        '{"resourceType":"Patient","gender":"man"}',                             qr/Patient\.gender/, 'code-invalid' ],
    [ 'primitive format',        '{"resourceType":"Patient","birthDate":"1980-13-01"}',                   qr/Patient\.birthDate/, 'value' ],
    [ 'reference to a non-type', '{"resourceType":"Patient","managingOrganization":{"reference":"Foo/1"}}', qr/Patient\.managingOrganization/, 'value' ],
    [ 'empty array',             '{"resourceType":"Patient","name":[]}',                                  qr/Patient\.name/, 'structure' ],
    [ 'an orphan contained',     '{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a"}]}', qr/contained/, 'invariant' ],
    [ 'extension without url',   '{"resourceType":"Patient","_birthDate":{"extension":[{"valueCode":"x"}]}}', qr/extension/, 'required' ],
);
for my $row (@invalid) {
    my ($what, $body, $where, $type) = @$row;
    my $res = $stack->post('/Patient' =~ s/Patient/$body =~ m{"resourceType":"(\w+)"} ? $1 : 'Patient'/er, body => $body);
    is $res->{status}, 422, "$what is 422" or diag $res->{content};
    like expressions($res), $where, "$what: says where";
    is $res->{json}{issue}[0]{code}, $type, "$what: $type";
}

my $res = $stack->post('/Patient', body => '{"resourceType":"Patient","nam":[],"gender":"man","birthDate":"x"}');
cmp_ok scalar @{ $res->{json}{issue} }, '>=', 3, 'all problems are listed';

my $deep = '{"resourceType":"Patient","extension":' . '[{"url":"u","extension":' x 200 . '[]' . '}]' x 200 . '}';
my @broken = (
    [ 'truncated',          '{"resourceType":"Patient","name":[' ],
    [ 'trailing bytes',     '{"resourceType":"Patient"} x' ],
    [ 'duplicate member',   '{"resourceType":"Patient","active":true,"active":false}' ],
    [ 'not UTF-8',          "{\"resourceType\":\"Patient\",\"language\":\"\xff\"}" ],
    [ 'NUL',                "{\"resourceType\":\"Patient\",\"language\":\"a\0b\"}" ],
    [ 'escaped NUL',        '{"resourceType":"Patient","language":"a\u0000b"}' ],
    [ 'lone surrogate',     '{"resourceType":"Patient","language":"\ud800"}' ],
    [ 'nested too deeply',  $deep ],
    [ 'nothing',            '' ],
    [ 'an array',           '[]' ],
    [ 'no resourceType',    '{"name":[{"family":"x"}]}' ],
    [ 'another type',       '{"resourceType":"Observation","status":"final","code":{"text":"x"}}' ],
);
for my $row (@broken) {
    my ($what, $body) = @$row;
    $res = $stack->post('/Patient', body => $body, type => 'application/fhir+json');
    is $res->{status}, 400, "$what is 400" or diag $res->{content};
    is $res->{json}{resourceType}, 'OperationOutcome', "$what: an OperationOutcome";
}

# What is not there has a code of its own.
my @missing = (
    [ 'a body',                 POST => '/Patient',   '' ],
    [ 'the resourceType',       POST => '/Patient',   '{"name":[{"family":"x"}]}' ],
    [ 'the id of an update',    PUT  => '/Patient/x', '{"resourceType":"Patient"}' ],
);
for my $row (@missing) {
    my ($what, $method, $path, $body) = @$row;
    $res = $stack->request($method, $path, body => $body);
    is $res->{status}, 400, "$what is missing: 400" or diag $res->{content};
    is $res->{json}{issue}[0]{code}, 'required', "$what is required";
    like $res->{json}{issue}[0]{diagnostics}, qr/^missing_parameter /, "$what: missing_parameter";
}

is $stack->post('/Patient', body => '<Patient/>', type => 'application/fhir+xml')->{status}, 415, 'XML is 415';
is $stack->post('/Patient', body => '{}', type => 'text/plain')->{status}, 415, 'text is 415';
is $stack->get('/Patient/x', headers => { accept => 'application/fhir+xml' })->{status}, 406, 'Accept: XML is 406';

my $big = '{"resourceType":"Patient","language":"' . 'x' x 1_100_000 . '"}';
is $stack->post('/Patient', body => $big)->{status}, 413, 'a body above 1 MB is 413';

done_testing;
