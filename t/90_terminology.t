# $expand, $validate-code and $lookup, of R4's own and of stored code systems
# and value sets, and searches for the codes of a value set.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $hl7 = 'http://hl7.org/fhir';
my $own = "http://example.org/terms-$$";

sub ask { my ($where) = @_; return $stack->get($where =~ s/\|/%7C/gr) }
sub codes { my ($res) = @_; return join ' ', map { $_->{code} } @{ $res->{json}{expansion}{contains} // [] } }

sub value {
    my ($res, $name) = @_;
    for (@{ $res->{json}{parameter} // [] }) {
        next if $_->{name} ne $name;
        my ($member) = grep { /^value/ } keys %$_;
        return $_->{$member};
    }
    return;
}

# --- R4's own -------------------------------------------------------------------

my $res = ask("/ValueSet/\$expand?url=$hl7/ValueSet/administrative-gender");
is $res->{status}, 200, 'a value set of R4' or diag $res->{content};
is codes($res), 'male female other unknown', 'has its codes';
is $res->{json}{resourceType}, 'ValueSet', 'as a ValueSet';
is $res->{json}{expansion}{total}, 4, 'with their number';
is $res->{json}{expansion}{contains}[0]{display}, 'Male', 'and what they mean';
is codes(ask("/ValueSet/\$expand?url=$hl7/ValueSet/administrative-gender&filter=FEM")), 'female', 'filter';
is codes(ask("/ValueSet/\$expand?url=$hl7/ValueSet/administrative-gender&offset=1&count=2")), 'female other', 'offset and count';
is ask("/ValueSet/\$expand?url=$hl7/ValueSet/administrative-gender&count=0")->{json}{expansion}{total}, 4, 'count=0 counts';
is ask("/ValueSet/\$expand?url=$hl7/ValueSet/administrative-gender&valueSetVersion=4.0.1")->{status}, 200, 'of that version';
is ask("/ValueSet/\$expand?url=$hl7/ValueSet/administrative-gender&valueSetVersion=9")->{status}, 404, 'of no other';
like codes(ask("/ValueSet/\$expand?url=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode")), qr/\bAMB\b.*\bIMP\b/, 'is-a over a hierarchy';

my @refused = (
    # query                                                    status  issue-type
    [ "/ValueSet/\$expand?url=$hl7/ValueSet/none",              404, 'not-found' ],
    [ '/ValueSet/$expand',                                      400, 'required' ],
    [ '/ValueSet/$expand?ulr=x',                                400, 'invalid' ],
    [ '/ValueSet/$expand?url=x&count=-1',                       400, 'value' ],
    [ "/ValueSet/\$expand?url=$hl7/ValueSet/observation-codes", 422, 'not-found' ],
    [ '/ValueSet/none/$expand',                                 404, 'not-found' ],
    [ "/Patient/\$expand?url=$hl7/ValueSet/administrative-gender", 404, 'not-found' ],
    [ '/CodeSystem/$lookup?system=http://none.example.org&code=x', 404, 'not-found' ],
    [ "/CodeSystem/\$lookup?system=$hl7/administrative-gender&code=x", 404, 'not-found' ],
    [ '/CodeSystem/$lookup?code=male',                          400, 'required' ],
    [ "/CodeSystem/\$lookup?system=$hl7/administrative-gender", 400, 'required' ],
);
for my $row (@refused) {
    my ($where, $status, $code) = @$row;
    $res = ask($where);
    is $res->{status}, $status, "$where: $status" or diag $res->{content};
    is $res->{json}{issue}[0]{code}, $code, "$where: $code";
}
like ask('/ValueSet/$expand?ulr=x')->{json}{issue}[0]{details}{text}, qr/"url" meant/, 'the nearest parameter is named';

$res = ask("/CodeSystem/\$lookup?system=$hl7/administrative-gender&code=female");
is $res->{status}, 200, 'lookup' or diag $res->{content};
is value($res, 'display'), 'Female', 'the display';
is value($res, 'name'), 'AdministrativeGender', 'the name of the code system';
is value(ask('/CodeSystem/$lookup?system=http://terminology.hl7.org/CodeSystem/v3-ActCode&code=AMB'), 'display'), 'ambulatory', 'of a v3 table';

my $in = sub { my ($query) = @_; return value(ask("/ValueSet/\$validate-code?url=$hl7/ValueSet/administrative-gender&$query"), 'result') };
ok  $in->("code=male&system=$hl7/administrative-gender"), 'in the value set';
ok  $in->('code=male'), 'without its system';
ok !$in->("code=man&system=$hl7/administrative-gender"), 'not in it';
ok !$in->('code=male&system=http://example.org'), 'of another system';
ok  $in->('code=male&display=MALE'), 'with its display';
ok !$in->('code=male&display=Female'), 'with a wrong display';
ok  value(ask("/CodeSystem/\$validate-code?url=$hl7/administrative-gender&code=male"), 'result'), 'in the code system';
ok !value(ask("/CodeSystem/\$validate-code?url=$hl7/administrative-gender&code=man"), 'result'), 'not in it';
$res = $stack->post('/ValueSet/$validate-code', body => { resourceType => 'Parameters', parameter => [
    { name => 'url', valueUri => "$hl7/ValueSet/administrative-gender" },
    { name => 'codeableConcept', valueCodeableConcept => { coding => [ { system => 'urn:x', code => 'y' }, { system => "$hl7/administrative-gender", code => 'other' } ] } },
] });
ok value($res, 'result'), 'one coding of a concept is enough' or diag $res->{content};

# --- stored ---------------------------------------------------------------------

my %system = (
    resourceType => 'CodeSystem', status => 'active', content => 'complete', url => "$own/CodeSystem/animals", version => '1', name => 'Animals',
    concept => [
        { code => 'animal', display => 'Animal', concept => [
            { code => 'dog', display => 'Dog', definition => 'It barks', concept => [ { code => 'poodle', display => 'Poodle' } ] },
            { code => 'cat', display => 'Cat', property => [ { code => 'legs', valueInteger => 4 } ] },
        ] },
        { code => 'lion', display => 'Lion', property => [ { code => 'parent', valueCode => 'cat' }, { code => 'legs', valueInteger => 4 } ] },
        { code => 'dodo', display => 'Dodo', property => [ { code => 'inactive', valueBoolean => JSON::PP::true } ] },
    ],
);
is $stack->post('/CodeSystem', body => \%system)->{status}, 201, 'a code system is stored';

sub set {
    my ($name, %compose) = @_;
    return { resourceType => 'ValueSet', status => 'active', url => "$own/ValueSet/$name", name => $name, compose => \%compose };
}
my @animals = (system => "$own/CodeSystem/animals");
my @sets = (
    # name        compose                                                                                     codes
    [ 'all',      { include => [ {@animals} ] },                                                               'animal dog poodle cat lion dodo' ],
    [ 'cats',     { include => [ { @animals, filter => [ { property => 'concept', op => 'is-a', value => 'cat' } ] } ] }, 'cat lion' ],
    [ 'below',    { include => [ { @animals, filter => [ { property => 'concept', op => 'descendent-of', value => 'animal' } ] } ] }, 'dog poodle cat lion' ],
    [ 'legged',   { include => [ { @animals, filter => [ { property => 'legs', op => '=', value => '4' } ] } ] }, 'cat lion' ],
    [ 'some',     { include => [ { @animals, filter => [ { property => 'code', op => 'in', value => 'dog,dodo' } ] } ] }, 'dog dodo' ],
    [ 'both',     { include => [ { @animals, filter => [ { property => 'concept', op => 'is-a', value => 'animal' }, { property => 'legs', op => '=', value => '4' } ] } ] }, 'cat lion' ],
    [ 'listed',   { include => [ { @animals, concept => [ { code => 'lion' }, { code => 'dog', display => 'Hound' } ] } ] }, 'lion dog' ],
    [ 'foreign',  { include => [ { system => 'http://loinc.org', concept => [ { code => '8867-4' } ] } ] },  '8867-4' ],
    [ 'without',  { include => [ {@animals} ], exclude => [ { @animals, concept => [ { code => 'dodo' } ] }, { valueSet => ["$own/ValueSet/cats"] } ] }, 'animal dog poodle' ],
    [ 'nested',   { include => [ { valueSet => [ "$own/ValueSet/listed" ] }, { valueSet => [ "$own/ValueSet/cats", "$own/ValueSet/all" ] } ] }, 'lion dog cat' ],
    [ 'within',   { include => [ { @animals, valueSet => [ "$own/ValueSet/cats" ] } ] },                       'cat lion' ],
);
for my $row (@sets) {
    my ($name, $compose, $codes) = @$row;
    my $set = set($name, %$compose);
    $res = $stack->post('/ValueSet', body => $set);
    is $res->{status}, 201, "$name is stored" or diag $res->{content};
    my $id = $res->{json}{id};
    is codes(ask("/ValueSet/\$expand?url=$own/ValueSet/$name")), $codes, "$name: by its url";
    is codes(ask("/ValueSet/$id/\$expand")), $codes, "$name: by its id";
    is codes($stack->post('/ValueSet/$expand', body => $set)), $codes, "$name: itself as the body";
    is codes($stack->post('/ValueSet/$expand', body => { resourceType => 'Parameters', parameter => [ { name => 'valueSet', resource => $set } ] })), $codes, "$name: within Parameters";
}
is codes(ask("/ValueSet/\$expand?url=$own/ValueSet/all&activeOnly=true")), 'animal dog poodle cat lion', 'what is no longer used can be left out';
is ask("/ValueSet/\$expand?url=$own/ValueSet/listed")->{json}{expansion}{contains}[1]{display}, 'Hound', 'a display of its own';
is ask("/ValueSet/\$expand?url=$own/ValueSet/listed")->{json}{expansion}{contains}[0]{display}, 'Lion', 'or that of the code system';
my $valid = ask("/ValueSet/\$expand?url=$own/ValueSet/all&includeDefinition=true");
ok $valid->{json}{compose}, 'with its definition';
is $stack->post('/ValueSet', body => $valid->{json})->{status}, 201, 'an expansion is a valid ValueSet';
is codes($stack->post('/ValueSet/$expand', body => { resourceType => 'ValueSet', status => 'active', expansion => { timestamp => '2026-01-01', contains => [ { system => 'urn:a', code => 'b' } ] } })), 'b', 'an expansion alone is taken';

my @costly = (
    [ 'circle',  { include => [ { valueSet => ["$own/ValueSet/circle"] } ] },     'too-costly' ],
    [ 'regex',   { include => [ { @animals, filter => [ { property => 'code', op => 'regex', value => 'x' } ] } ] }, 'not-supported' ],
    [ 'unknown', { include => [ { system => 'http://none.example.org' } ] },     'not-found' ],
    [ 'absent',  { include => [ { valueSet => ['http://none.example.org'] } ] }, 'not-found' ],
);
for my $row (@costly) {
    my ($name, $compose, $code) = @$row;
    $stack->post('/ValueSet', body => set($name, %$compose));
    $res = ask("/ValueSet/\$expand?url=$own/ValueSet/$name");
    is $res->{status}, 422, "$name is 422";
    is $res->{json}{issue}[0]{code}, $code, "$name: $code" or diag $res->{content};
}

$res = ask("/CodeSystem/\$lookup?system=$own/CodeSystem/animals&code=dog");
is value($res, 'definition'), 'It barks', 'lookup of a stored code system';
my @property = map { { map { ($_->{name} => $_->{valueCode} // $_->{valueInteger}) } @{ $_->{part} } } } grep { $_->{name} eq 'property' } @{ $res->{json}{parameter} };
is join(' ', map { "$_->{code}=$_->{value}" } @property), 'parent=animal child=poodle', 'its neighbours';
@property = grep { $_->{name} eq 'property' } @{ ask("/CodeSystem/\$lookup?system=$own/CodeSystem/animals&code=cat&property=legs")->{json}{parameter} };
is scalar @property, 1, 'a property that is asked for';
is ask("/CodeSystem/\$lookup?system=$own/CodeSystem/animals&version=2&code=cat")->{status}, 404, 'no other version';

# --- searches -------------------------------------------------------------------

my %code = (dog => "$own/CodeSystem/animals", cat => "$own/CodeSystem/animals", lion => "$own/CodeSystem/animals", cow => "$own/other");
$stack->post('/Observation', body => { resourceType => 'Observation', status => 'final', code => { coding => [ { system => $code{$_}, code => $_ } ] }, note => [ { text => $_ } ] }) for sort keys %code;
$stack->post('/Observation', body => { resourceType => 'Observation', status => 'final', code => { coding => [ { system => "$own/other", code => 'cat' } ] }, note => [ { text => 'other cat' } ] });
my $found = sub {
    my ($query) = @_;
    my $res = ask("/Observation?$query&_count=100");
    return join ' ', sort map { $_->{resource}{note}[0]{text} } @{ $res->{json}{entry} // [] };
};
is $found->("code:in=$own/ValueSet/cats"), 'cat lion', ':in, with the system of each code';
is $found->("code:in=$own/ValueSet/cats,$own/ValueSet/listed"), 'cat dog lion', 'of several value sets';
is $found->("code:in=$own/ValueSet/cats&code=lion"), 'lion', 'with another condition';
is $found->("code=dog,cat,lion,cow&code:not-in=$own/ValueSet/cats"), 'cow dog other cat', ':not-in';
is $found->("code:in=$own/ValueSet/nested"), 'cat dog lion', 'a nested value set';
is scalar(@{ ask("/Observation?code:in=$own/ValueSet/cats&status:in=$hl7/ValueSet/observation-status")->{json}{entry} }), 2, 'a code element has the system of its value set';
for my $row ([ none => qr/neither of R4 nor stored/ ], [ unknown => qr/cannot be listed/ ], [ regex => qr/not done here/ ]) {
    $res = ask("/Observation?code:in=$own/ValueSet/$row->[0]");
    is $res->{status}, 400, ":in $row->[0] is 400";
    like $res->{json}{issue}[0]{details}{text}, $row->[1], 'and says why';
}
$stack->post('/ValueSet', body => set('many', include => [ { system => 'urn:many', concept => [ map { { code => "c$_" } } 1 .. 1001 ] } ]));
is ask("/Observation?code:in=$own/ValueSet/many")->{status}, 400, 'too many codes are 400';

# --- versions -------------------------------------------------------------------

is $stack->post('/CodeSystem', body => { %system, version => '2', concept => [ { code => 'ant', display => 'Ant' } ] })->{status}, 201, 'another version';
is value(ask("/CodeSystem/\$lookup?system=$own/CodeSystem/animals&code=ant"), 'display'), 'Ant', 'the one stored last without a version';
is value(ask("/CodeSystem/\$lookup?system=$own/CodeSystem/animals&version=1&code=cat"), 'display'), 'Cat', 'the version that is asked';

done_testing;
