# $validate: by structure, for what is meant to be done, and by stored profiles.
# The answer is 200 with an OperationOutcome whatever is found.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $own = "http://example.org/profiles-$$";

# "severity code expression" of each issue of the answer.
sub issues {
    my ($res) = @_;
    is $res->{status}, 200, 'status 200' or diag $res->{content};
    return [ map { join ' ', $_->{severity}, $_->{code}, @{ $_->{expression} // [] } } @{ $res->{json}{issue} } ];
}
my $fine = ['information informational'];

sub validate {
    my ($resource, %o) = @_;
    my @parameter = ({ name => 'resource', resource => $resource });
    push @parameter, { name => 'profile', valueUri => $o{profile} } if $o{profile};
    push @parameter, { name => 'mode', valueCode => $o{mode} } if $o{mode};
    return $stack->post($o{at} // "/$resource->{resourceType}/\$validate", body => { resourceType => 'Parameters', parameter => \@parameter });
}

sub texts { return join "\n", map { $_->{details}{text} } @{ $_[0]{json}{issue} } }

# --- structure and mode ---------------------------------------------------------

my $res = $stack->post('/Patient/$validate', body => { resourceType => 'Patient', gender => 'male' });
like issues($res)->[0], qr/^information informational/, 'a resource as the body';
is texts($res), 'All is well', 'and says so';
like issues(validate({ resourceType => 'Patient', gender => 'man', nam => [] }))->[$_], [ qr/^error (code-invalid Patient\.gender|structure Patient\.nam)$/ ]->[0], 'all problems' for 0, 1;
like issues(validate({ resourceType => 'Observation', status => 'final' }, at => '/Patient/$validate'))->[0], qr/^error value Patient\.resourceType$/, 'another type';

my $id = $stack->post('/Patient', body => { resourceType => 'Patient', active => JSON::PP::true })->{json}{id};
unlike issues($stack->get("/Patient/$id/\$validate"))->[0], qr/error/, 'a record';
unlike issues($stack->get("/Patient/$id/\$validate?mode=delete"))->[0], qr/error/, 'mode=delete';
unlike issues(validate({ resourceType => 'Patient', id => $id }, mode => 'update', at => "/Patient/$id/\$validate"))->[0], qr/error/, 'mode=update';
like issues(validate({ resourceType => 'Patient', id => 'other' }, mode => 'update', at => "/Patient/$id/\$validate"))->[0], qr/error value Patient\.id/, 'of another id';
like issues(validate({ resourceType => 'Patient' }, mode => 'update', at => "/Patient/$id/\$validate"))->[0], qr/error required Patient\.id/, 'without an id';
unlike issues(validate({ resourceType => 'Patient' }, mode => 'create'))->[0], qr/error/, 'mode=create';
my @refused = (
    [ GET  => '/Patient/none/$validate',             undef,                          404 ],
    [ GET  => '/Patient/none/$validate?mode=delete', undef,                          404 ],
    [ POST => '/Patient/$validate?mode=x',           { resourceType => 'Patient' },  400 ],
    [ POST => '/Patient/$validate?mode=delete',      { resourceType => 'Patient' },  400 ],
    [ POST => '/Patient/$validate?porfile=x',        { resourceType => 'Patient' },  400 ],
    [ POST => '/Patient/$validate',                  { resourceType => 'Parameters' }, 400 ],
    [ POST => '/Nonsense/$validate',                 { resourceType => 'Patient' },  404 ],
);
for my $row (@refused) {
    my ($method, $where, $body, $status) = @$row;
    is $stack->request($method, $where, body => $body)->{status}, $status, "$method $where: $status";
}

# --- profiles -------------------------------------------------------------------

sub store {
    my ($resource) = @_;
    my $answer = $stack->post("/$resource->{resourceType}", body => $resource);
    is $answer->{status}, 201, ($resource->{name} // $resource->{url}) . ' is stored' or diag $answer->{content};
    return;
}

sub profile {
    my ($name, $type, $elements, %more) = @_;
    store({
        resourceType => 'StructureDefinition', url => "$own/$name", name => $name, status => 'active', kind => 'resource', abstract => JSON::PP::false,
        type => $type, baseDefinition => "http://hl7.org/fhir/StructureDefinition/$type", derivation => 'constraint',
        differential => { element => [ map { { id => $_->{path} . ($_->{sliceName} ? ":$_->{sliceName}" : ''), %$_ } } @$elements ] }, %more,
    });
    return "$own/$name";
}

store({ resourceType => 'ValueSet', url => "$own/colours", status => 'active', compose => { include => [ { system => 'urn:colours', concept => [ map { { code => $_ } } qw(red blue) ] } ] } });
my $observation = { resourceType => 'Observation', status => 'final', code => { coding => [ { system => 'http://loinc.org', code => '85354-9' } ] } };

my $strict = profile('Strict', 'Observation', [
    { path => 'Observation.subject', min => 1, type => [ { code => 'Reference', targetProfile => ['http://hl7.org/fhir/StructureDefinition/Patient'] } ] },
    { path => 'Observation.status', fixedCode => 'final' },
    { path => 'Observation.code', patternCodeableConcept => { coding => [ { system => 'http://loinc.org', code => '85354-9' } ] } },
    { path => 'Observation.category', max => '1' },
    { path => 'Observation.note', max => '0' },
    { path => 'Observation.value[x]', type => [ { code => 'string' }, { code => 'CodeableConcept' } ], binding => { strength => 'required', valueSet => "$own/colours" } },
    { path => 'Observation.method', binding => { strength => 'extensible', valueSet => "$own/colours" } },
    { path => 'Observation.bodySite', binding => { strength => 'required', valueSet => "$own/absent" } },
    { path => 'Observation.interpretation.text', maxLength => 3 },
]);
my %subject = (subject => { reference => 'Patient/1' });
my @rows = (
    # what                             more members                                           issues
    [ 'kept to',                        { %subject },                                          [] ],
    [ 'a missing element',              {},                                                    ['error required Observation.subject'] ],
    [ 'a reference to another type',    { subject => { reference => 'Group/1' } },             ['error value Observation.subject'] ],
    [ 'a fixed value',                  { %subject, status => 'amended' },                     ['error value Observation.status'] ],
    [ 'a pattern',                      { %subject, code => { coding => [ { system => 'urn:x', code => 'y' } ] } }, ['error value Observation.code'] ],
    [ 'more than the pattern',          { %subject, code => { text => 'x', coding => [ { code => 'z' }, { system => 'http://loinc.org', code => '85354-9', display => 'BP' } ] } }, [] ],
    [ 'too many',                       { %subject, category => [ { text => 'a' }, { text => 'b' } ] }, ['error structure Observation.category'] ],
    [ 'what may not be there',          { %subject, note => [ { text => 'a' } ] },             ['error structure Observation.note'] ],
    [ 'a type that is left out',        { %subject, valueInteger => 1 },                       ['error value Observation.value'] ],
    [ 'a code of the value set',        { %subject, valueCodeableConcept => { coding => [ { system => 'urn:colours', code => 'red' } ] } }, [] ],
    [ 'another code',                   { %subject, valueCodeableConcept => { coding => [ { system => 'urn:colours', code => 'green' } ] } }, ['error code-invalid Observation.value'] ],
    [ 'extensible: another code',       { %subject, method => { coding => [ { system => 'urn:colours', code => 'green' } ] } }, ['warning code-invalid Observation.method'] ],
    [ 'extensible: a text alone',       { %subject, method => { text => 'green' } },           [] ],
    [ 'an unknown value set',           { %subject, bodySite => { coding => [ { system => 'urn:colours', code => 'green' } ] } }, ['warning incomplete Observation.bodySite'] ],
    [ 'a length',                       { %subject, interpretation => [ { text => 'abc' }, { text => 'abcd' } ] }, ['error value Observation.interpretation[1].text'] ],
    [ 'structure is said once',         { %subject, status => undef },                         [ 'error structure Observation.status', 'error required Observation.status' ] ],
);
for my $row (@rows) {
    my ($what, $more, $want) = @$row;
    my $got = issues(validate({ %$observation, %$more }, profile => $strict));
    is_deeply [ grep { !/^information/ } @$got ], $want, $what or diag join "\n", @$got;
}
like issues(validate({ %$observation, meta => { profile => [$strict] } }))->[0], qr/^error required Observation\.subject$/, 'meta.profile names it, too';
like issues(validate({ %$observation, meta => { profile => [$strict] } }, profile => 'http://hl7.org/fhir/StructureDefinition/Observation'))->[0], qr/^information/, 'unless one is named';
like issues(validate($observation, profile => "$own/none"))->[0], qr/^error not-found Observation$/, 'an unknown profile is an error issue';
like issues(validate({ resourceType => 'Patient' }, profile => $strict))->[0], qr/^error value Patient$/, 'a profile of another type';
is $stack->post("/Observation/\$validate?profile=$strict", body => $observation)->{json}{issue}[0]{code}, 'required', 'the profile in the address';

# Slices by pattern and value; and a snapshot.
my $component = sub { my ($code, %more) = @_; return { code => { coding => [ { system => 'http://loinc.org', code => $code } ] }, %more } };
my $pressure = profile('Pressure', 'Observation', [
    { path => 'Observation' },
    { path => 'Observation.component', min => 2, slicing => { discriminator => [ { type => 'pattern', path => 'code' } ], rules => 'closed' } },
    { path => 'Observation.component', sliceName => 'systolic', min => 1, max => '1' },
    { path => 'Observation.component.code', patternCodeableConcept => { coding => [ { system => 'http://loinc.org', code => '8480-6' } ] } },
    { path => 'Observation.component.value[x]', min => 1, type => [ { code => 'Quantity' } ] },
    { path => 'Observation.component.valueQuantity.code', fixedCode => 'mm[Hg]' },
    { path => 'Observation.component', sliceName => 'diastolic', min => 1, max => '1' },
    { path => 'Observation.component.code', patternCodeableConcept => { coding => [ { system => 'http://loinc.org', code => '8462-4' } ] } },
]);
my $mmhg = { value => 120, unit => 'mmHg', system => 'http://unitsofmeasure.org', code => 'mm[Hg]' };
my $systolic  = $component->('8480-6', valueQuantity => $mmhg);
my $diastolic = $component->('8462-4', valueQuantity => $mmhg);
@rows = (
    [ 'both slices',       [ $systolic, $diastolic ],                          [] ],
    [ 'one is missing',    [ $systolic, $systolic ],                           [ 'error structure Observation.component', 'error required Observation.component' ] ],
    [ 'a third',           [ $systolic, $diastolic, $component->('1', valueString => 'x') ], ['error structure Observation.component[2]'] ],
    [ 'within a slice',    [ $diastolic, $component->('8480-6', valueQuantity => { %$mmhg, code => 'kPa' }) ], ['error value Observation.component[1].valueQuantity.code'] ],
    [ 'of a slice absent', [ $diastolic, $component->('8480-6', dataAbsentReason => { text => 'x' }) ], ['error required Observation.component[1].value'] ],
    [ 'all absent',        undef,                                              [ ('error required Observation.component') ] ],
);
for my $row (@rows) {
    my ($what, $components, $want) = @$row;
    my $got = issues(validate({ %$observation, $components ? (component => $components) : () }, profile => $pressure));
    is_deeply [ grep { !/^information/ } @$got ], $want, "slices: $what" or diag join "\n", @$got;
}

# A profile of a profile, of extensions, and slices by value, existence and type.
profile('Nickname', 'Extension', [
    { path => 'Extension.url', fixedUri => "$own/Nickname" },
    { path => 'Extension.value[x]', min => 1, type => [ { code => 'string' } ] },
], kind => 'complex-type');
my $based = profile('Based', 'Patient', [
    { path => 'Patient.extension', slicing => { discriminator => [ { type => 'value', path => 'url' } ], rules => 'open' } },
    { path => 'Patient.extension', sliceName => 'nickname', min => 1, type => [ { code => 'Extension', profile => ["$own/Nickname"] } ] },
    { path => 'Patient.identifier', slicing => { discriminator => [ { type => 'value', path => 'system' } ], rules => 'open' } },
    { path => 'Patient.identifier', sliceName => 'mrn', min => 1 },
    { path => 'Patient.identifier.system', fixedUri => 'urn:mrn' },
    { path => 'Patient.identifier.value', min => 1 },
]);
my $derived = profile('Derived', 'Patient', [ { path => 'Patient.name.family', min => 1 } ], baseDefinition => $based);
my %nickname = (extension => [ { url => "$own/Nickname", valueString => 'Jo' } ]);
my %mrn = (identifier => [ { system => 'urn:other', value => 'a' }, { system => 'urn:mrn', value => '1' } ]);
@rows = (
    [ 'all of it',            { %nickname, %mrn },                                          [] ],
    [ 'nothing of the base',  {},                                                           [ 'error required Patient.extension', 'error required Patient.identifier' ] ],
    [ 'its own',              { %nickname, %mrn, name => [ { text => 'x' } ] },             ['error required Patient.name[0].family'] ],
    [ 'a nested path',        { %nickname, %mrn, name => [ { family => 'x' } ] },           [] ],
    [ 'of the extension',     { %mrn, extension => [ { url => "$own/Nickname", valueInteger => 1 } ] }, ['error value Patient.extension[0].value'] ],
    [ 'within the identifier', { %nickname, identifier => [ { system => 'urn:mrn' } ] },    ['error required Patient.identifier[0].value'] ],
);
for my $row (@rows) {
    my ($what, $more, $want) = @$row;
    my $got = issues(validate({ resourceType => 'Patient', %$more }, profile => $derived));
    is_deeply [ grep { !/^information/ } @$got ], $want, "derived: $what" or diag join "\n", @$got;
}

done_testing;
