# What single parameters can be asked: units that mean one amount, nearness,
# lists, and what is said of what cannot be asked.

use strict;
use utf8;
use warnings;
use lib 't/lib';

use JSON::PP;
use Stack;
use Test::More;

my $stack  = Stack->new;
my $tenant = $stack->tenant('values-' . time);
my $client = $stack->client(tenant => $tenant, name => 'values', tier => 'enterprise', hour => 1000000, minute => 1000000);
my $token  = $stack->token($client);

sub get { return $stack->get($_[0], token => $token, @_[ 1 .. $#_ ]) }

sub put {
    my ($record) = @_;
    my $res = $stack->put("/$record->{resourceType}/$record->{id}", token => $token, body => $record);
    $res->{status} == 201 or die "$res->{status} $res->{content}";
    return;
}

sub ids {
    my ($search) = @_;
    my $res = get($search);
    return "$res->{status}: $res->{content}" if $res->{status} != 200;
    return join ' ', sort map { $_->{resource}{id} } grep { ($_->{search}{mode} // 'match') eq 'match' } @{ $res->{json}{entry} // [] };
}

# --- units

my $ucum = 'http://unitsofmeasure.org';
sub quantity {
    my ($value, $unit, $system) = @_;
    return { value => $value, unit => $unit, system => $system // $ucum, code => $unit };
}

sub observation {
    my ($id, $code, $quantity) = @_;
    return {
        resourceType  => 'Observation', id => $id, status => 'final', valueQuantity => $quantity,
        code => { coding => [ { system => 'http://loinc.org', code => $code } ] },
    };
}
put(observation("u$_->[0]", @$_[ 1 .. $#$_ ])) for (
    [ 1, 'dose',  quantity(5.4,     'g') ],
    [ 2, 'dose',  quantity(5400,    'mg') ],
    [ 3, 'dose',  quantity(5.45,    'g') ],
    [ 4, 'dose',  quantity(5.4,     'mL') ],
    [ 5, 'dose',  quantity(5400,    'mg', 'http://acme.org/units') ],
    [ 6, 'temp',  quantity(37,      'Cel') ],
    [ 7, 'temp',  quantity(98.6,    '[degF]') ],
    [ 8, 'count', quantity(5,       '10*3/uL') ],
    [ 9, 'count', quantity(5000000, '/mL') ],
    [ 10, 'dose', { %{ quantity(5, 'g') }, comparator => '>' } ],
);
my $q = '/Observation?value-quantity=';
is ids("${q}5.4|$ucum|g"),         'u1 u2',           '5.4 g finds 5400 mg';
is ids("${q}5400|$ucum|mg"),       'u1 u2',           '5400 mg finds 5.4 g';
is ids("${q}0.00540|$ucum|kg"),    'u1 u2',           '0.00540 kg finds both';
is ids("${q}5.40e6|$ucum|ug"),     'u1 u2',           '5.40e6 ug finds both';
is ids("${q}gt5.4|$ucum|g"),       'u10 u3',          'more than 5.4 g';
is ids("${q}ge5400|$ucum|mg"),     'u1 u10 u2 u3',    'at least 5400 mg';
is ids("${q}lt5.41|$ucum|g"),      'u1 u10 u2',       'less than 5.41 g';
is ids("${q}ne5.4|$ucum|g"),       'u10 u3',          'not 5.4 g';
is ids("${q}ap6000|$ucum|mg"),     'u1 u10 u2 u3',    'about 6000 mg';
is ids("${q}5.4||g"),              'u1',              'without system the unit is as written';
is ids("${q}5400||mg"),            'u2 u5',           '... whosever it is';
is ids("${q}5.4|$ucum|L"),         '',                'a litre is no gram';
is ids("${q}0.0054|$ucum|L"),      'u4',              '5.4 mL is 0.0054 L';
is ids("${q}98.6|$ucum|[degF]"),   'u6 u7',           '98.6 Fahrenheit finds 37 Celsius';
is ids("${q}37.0|$ucum|Cel"),      'u6 u7',           'and 37 Celsius finds 98.6 Fahrenheit';
is ids("${q}310.15|$ucum|K"),      'u6 u7',           'in kelvins, too';
is ids("${q}5|$ucum|10*9/L"),      'u8 u9',           'counts in three units';
is ids("${q}5400|http://acme.org/units|mg"), 'u5',    "another system's units are as written";
is ids("${q}5.4|$ucum|nonsense"),  '',                'a unit that nobody has';
is ids("/Observation?code-value-quantity=dose\$5.4|$ucum|g"), 'u1 u2', 'in a composite';
is ids("/Observation?combo-code-value-quantity=http://loinc.org|dose\$5400|$ucum|mg"), 'u1 u2', '... that is a union';
is ids("/Observation?combo-value-quantity=5400|$ucum|mg,98.6|$ucum|[degF]"), 'u1 u2 u6 u7', 'alternatives';
is ids("/Observation?value-quantity=5.4|$ucum|g&_sort=-value-quantity"), 'u1 u2', 'sorted';

# --- nearness

put({ resourceType => 'Location', id => $_->[0], position => { latitude => $_->[1], longitude => $_->[2] } }) for (
    [ 'zurich', 47.3769, 8.5417 ], [ 'winterthur', 47.4988, 8.7237 ], [ 'bern', 46.9480, 7.4474 ],
    [ 'fiji', -17.7134, 178.0650 ], [ 'samoa', -13.7590, -172.1046 ], [ 'pole', 90, 0 ], [ 'null', 0, 0 ],
);
put({ resourceType => 'Location', id => 'nowhere', name => 'without position' });
my $n = '/Location?near=';
is ids("${n}47.3769|8.5417|1|km"),       'zurich',                 'within a kilometre';
is ids("${n}47.3769|8.5417|19|km"),      'zurich',                 'Winterthur is 19.3 km away';
is ids("${n}47.3769|8.5417|20|km"),      'winterthur zurich',      '... so within 20';
is ids("${n}47.3769|8.5417|20"),         'winterthur zurich',      'a distance is kilometres';
is ids("${n}47.3769|8.5417"),            'winterthur zurich',      'near is 50 km';
is ids("${n}47.3769|8.5417|12.5|[mi_i]"), 'winterthur zurich',     'in miles';
is ids("${n}47.3769|8.5417|11|mi"),      'zurich',                 '... and fewer';
is ids("${n}47.3769|8.5417|100000|m"),   'bern winterthur zurich', 'in metres';
is ids("${n}-15|179.9|1000|km"),         'fiji samoa',             'across the 180th meridian';
is ids("${n}-15|-179.9|1000|km"),        'fiji samoa',             '... from the other side';
is ids("${n}89|120|200|km"),             'pole',                   'around a pole';
is ids("${n}0|0|1|m"),                   'null',                   'latitude and longitude may be equal';
is ids("${n}0|0|30000|km"),              'bern fiji null pole samoa winterthur zurich', 'all the world';
is ids("${n}47.3769|8.5417|1|km,46.948|7.4474|1|km"), 'bern zurich', 'near either';
is ids("${n}47.3769|8.5417|20|km&name:missing=true&near:missing=false"), 'winterthur zurich', 'with other conditions';
is ids('/Location?near:missing=true'),   'nowhere',                'those without a position';
for (qw(47.3 91|8 47|181 x|8 47|8|x|km 47|8|-1|km 47|8|1|kg)) {
    my $res = get("$n$_");
    is $res->{status}, 400, "near=$_ is refused";
    like $res->{content}, qr/'near'/, '... by name';
}

# --- lists

put({   resourceType => 'List', id => 'mine', status => 'current', mode => 'working',
        entry        => [
            map({ { item => { reference => $_ } } } 'Observation/u1', 'Observation/u8', 'Location/bern',
                'Observation/none', 'Observation/u2/_history/1', 'https://elsewhere.org/fhir/Observation/u6'),
            { item => { reference => 'Observation/u9' }, deleted => JSON::PP::true },
        ] });
put({ resourceType => 'List', id => 'empty', status => 'current', mode => 'working' });
is ids('/Observation?_list=mine'),                       'u1 u2 u8', 'what a List names';
is ids('/Location?_list=List/mine'),                     'bern',     '... of the type';
is ids('/Observation?_list=mine&_id=u8,u9'),             'u8',       'with ids';
is ids("/Observation?_list=mine&value-quantity=5.4|$ucum|g"), 'u1 u2', 'with another condition';
is ids('/Observation?_list=mine&_sort=-value-quantity'), 'u1 u2 u8', 'sorted';
is ids('/Observation?_list=empty'),                      '',         'an empty List';
for ('none', '$current-medications', 'a%20b') {
    my $res = get("/Observation?_list=$_");
    is $res->{status}, 400, "_list=$_ is refused";
    like $res->{content}, qr/'_list'/, '... by name';
}

# --- what every type has

put({   resourceType => 'Patient', id => 'meta',
        meta         => {
            source => 'http://acme.org/feed#1', profile => ['http://acme.org/StructureDefinition/p|2'],
            security => [ { system => 'http://acme.org/labels', code => 'R' } ], tag => [ { code => 'x' } ],
        } });
is ids("/Patient?$_"), 'meta', $_
    for '_source=http://acme.org/feed%231', '_security=R', '_security=http://acme.org/labels|R', '_security=http://acme.org/labels|',
    '_tag=|x', '_profile=http://acme.org/StructureDefinition/p', '_profile=http://acme.org/StructureDefinition/p|2', '_source:below=http://acme.org';
is ids('/Patient?_profile=http://acme.org/StructureDefinition/p|3'), '', '_profile of another version';

# --- what is refused, what is ignored

for (qw(_filter=a _text=a _content=a _query=a _contained=true)) {
    my ($name) = /([^=]+)/;
    my $res = get("/Patient?$_");
    is $res->{status}, 400, "$name is refused";
    like $res->{json}{issue}[0]{details}{text}, qr/'$name'/, '... by name';
}
my $res = get('/Patient?_tag=x&_filter=a&nmae=b&_sort=nonsense', headers => { Prefer => 'handling=lenient' });
is $res->{status}, 200, 'lenient: answered';
my ($self) = map { $_->{url} } grep { $_->{relation} eq 'self' } @{ $res->{json}{link} };
like $self, qr/\?_tag=x$/, '... the self link shows what was applied';
my ($outcome) = map { $_->{resource} } grep { $_->{search}{mode} eq 'outcome' } @{ $res->{json}{entry} };
is $outcome && $outcome->{resourceType}, 'OperationOutcome', '... and an entry says what was not';
is scalar(grep { $_->{severity} eq 'warning' } @{ $outcome->{issue} // [] }), 3, '... each of three';

for my $pretty ('', '&_pretty=true') {
    my $posted = $stack->post('/Patient/_search', token => $token, body => "_tag=x$pretty", type => 'application/x-www-form-urlencoded');
    is $posted->{status}, 200, "a posted search$pretty";
    is(($posted->{content} =~ /\n\s+"/ ? 1 : 0), $pretty ? 1 : 0, '... as pretty as asked');
}
$res = $stack->post('/Patient/_search', token => $token, body => '_tag=x&_format=xml', type => 'application/x-www-form-urlencoded');
is $res->{status}, 406, '_format of a posted search counts';

done_testing;
