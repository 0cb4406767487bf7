# Searches over the running stack: parameters, operators, paging, refusals.

use strict;
use utf8;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack  = Stack->new;
my $tenant = $stack->tenant('search-' . time);
my $client = $stack->client(tenant => $tenant, name => 'search', tier => 'enterprise', hour => 1000000, minute => 1000000);
my $token  = $stack->token($client);

sub get { return $stack->get($_[0], token => $token, @_[ 1 .. $#_ ]) }

sub put {
    my ($record) = @_;
    my $res = $stack->put("/$record->{resourceType}/$record->{id}", token => $token, body => $record);
    $res->{status} == 201 or die "$res->{status} $res->{content}";
    return;
}

# The ids that a search finds, in its order.
sub ids {
    my ($search) = @_;
    my $res = get($search);
    return "$res->{status}: $res->{content}" if $res->{status} != 200;
    return join ' ', map { $_->{resource}{id} } @{ $res->{json}{entry} // [] };
}

sub sorted { return join ' ', sort split ' ', ids($_[0]) }

put($_) for (
    {   resourceType => 'Patient', id => 'p1', gender => 'male', birthDate => '1980-05-15',
        identifier   => [ { system => 'http://hospital.org/mrn', value => '1' } ],
        name         => [ { family => 'Müller', given => [ 'Jürgen', 'Karl' ] } ],
    },
    {   resourceType => 'Patient', id => 'p2', gender => 'female', birthDate => '1990-08',
        identifier   => [ { system => 'http://hospital.org/mrn', value => '2' }, { value => '1' } ],
        name         => [ { family => 'Muller-Smith', given => ['Ann'] } ],
    },
    { resourceType => 'Patient', id => 'p3', gender => 'female', birthDate => '1990-08-22', name => [ { text => 'Zoë O, Neil' } ] },
);
my $day = 0;
sub measured {
    my ($code, $value, $unit) = @_;
    return (code => { coding => [ { system => 'http://loinc.org', code => $code } ] },
        valueQuantity => { value => $value, unit => $unit, system => 'http://unitsofmeasure.org', code => $unit });
}
put($_) for (
    { resourceType => 'Observation', id => 'q1', status => 'final', measured('w', 70.25, 'kg'), meta => { tag => [ { code => 'mine' } ] } },
    { resourceType => 'Observation', id => 'q2', status => 'final', measured('w', 71,    'kg') },
    {   resourceType => 'Observation', id => 'q3', status => 'final', code => { text => 'pressure' },
        component    => [ { measured('sys', 120, 'mm[Hg]') }, { measured('dia', 80, 'mm[Hg]') } ],
    },
    { resourceType => 'ValueSet', id => 'v1', status => 'active', url => 'http://acme.org/fhir/ValueSet/1' },
);
for my $i (1 .. 9) {
    put({
        resourceType      => 'Observation',
        id                => "o$i",
        status            => $i % 3 ? 'final' : 'amended',
        code              => { coding => [ { system => 'http://loinc.org', code => $i % 2 ? '1234-5' : '9-9' } ] },
        subject           => { reference => 'Patient/p' . ($i > 6 ? 2 : 1) },
        effectiveDateTime => sprintf('2025-01-%02dT10:00:00Z', $i),
    });
}

my @found = (
    [ '/Patient?gender=female',                                   'p2 p3' ],
    [ '/Patient?gender=male,female',                              'p1 p2 p3' ],
    [ '/Patient?gender=female&birthdate=1990-08-22',              'p3' ],
    [ '/Patient?birthdate=1990-08',                               'p2 p3' ],
    [ '/Patient?birthdate=lt1985',                                'p1' ],
    [ '/Patient?birthdate=ge1985',                                'p2 p3' ],
    [ '/Patient?birthdate=gt1980-05-15&birthdate=le1990-08-31',   'p2 p3' ],
    [ '/Patient?identifier=http://hospital.org/mrn|1',            'p1' ],
    [ '/Patient?identifier=1',                                    'p1 p2' ],
    [ '/Patient?identifier=|1',                                   'p2' ],
    [ '/Patient?name=muller',                                     'p1 p2' ],
    [ '/Patient?family=MUELLER',                                  '' ],
    [ '/Patient?name=jurgen',                                     'p1' ],
    [ '/Patient?name=zoe%20o%5C,%20neil',                         'p3' ],
    [ '/Patient?_id=p1,p3',                                       'p1 p3' ],
    [ '/Observation?patient=p1',                                  'o1 o2 o3 o4 o5 o6' ],
    [ '/Observation?subject=Patient/p2',                          'o7 o8 o9' ],
    [ '/Observation?subject:Patient=p2',                          'o7 o8 o9' ],
    [ '/Observation?patient=p1&code=http://loinc.org|1234-5',     'o1 o3 o5' ],
    [ '/Observation?code=1234-5&status=amended',                  'o3 o9' ],
    [ '/Observation?patient=p1&date=ge2025-01-03&date=lt2025-01-05', 'o3 o4' ],
    [ '/Observation?date=2025-01-02',                             'o2' ],
    [ '/Observation?date=eq2025-01-02T10:00:00Z',                 'o2' ],
    [ '/Observation?date=sa2025-01-08',                           'o9' ],
    [ '/Observation?date=eb2025-01-02',                           'o1' ],
    [ '/Observation?date=ne2025-01&patient=p1',                   '' ],
    [ '/Observation?code=nothing',                                '' ],
    [ '/Observation?value-quantity=70.25',                        'q1' ],
    [ '/Observation?value-quantity=70.2',                         '' ],
    [ '/Observation?value-quantity=70.3',                         'q1' ],
    [ '/Observation?value-quantity=gt70||kg',                     'q1 q2' ],
    [ '/Observation?value-quantity=ap68|http://unitsofmeasure.org|kg', 'q1 q2' ],
    [ '/Observation?value-quantity=gt1|http://unitsofmeasure.org|mL', '' ],
    [ '/Observation?combo-value-quantity=gt1&_sort=_id',          'q1 q2 q3' ],
    [ '/Observation?component-code-value-quantity=sys$gt100',     'q3' ],
    [ '/Observation?component-code-value-quantity=dia$gt100',     '' ],
    [ '/Observation?combo-code-value-quantity=http://loinc.org|w$lt71,dia$80', 'q1 q3' ],
    [ '/Observation?_tag=mine',                                   'q1' ],
    [ '/ValueSet?url:below=http://acme.org/fhir',                 'v1' ],
    [ '/ValueSet?url:above=http://acme.org/fhir/ValueSet/1/x',    'v1' ],
    [ '/Patient?_lastUpdated=ge2020-01-01',                       'p1 p2 p3' ],
    [ '/Patient?_lastUpdated=lt2020-01-01',                       '' ],
);
is sorted($_->[0]), $_->[1], $_->[0] for @found;

my @ordered = (
    [ '/Observation?patient=p1&_sort=-date',          'o6 o5 o4 o3 o2 o1' ],
    [ '/Observation?patient=p1&_sort=date',           'o1 o2 o3 o4 o5 o6' ],
    [ '/Observation?_sort=-date&_count=3',            'o9 o8 o7' ],
    [ '/Observation?_sort=-date&_count=3&_offset=3',  'o6 o5 o4' ],
    [ '/Patient?_sort=birthdate',                     'p1 p2 p3' ],
    [ '/Patient?_sort=-_id',                          'p3 p2 p1' ],
);
is ids($_->[0]), $_->[1], $_->[0] for @ordered;

# Paging by links, forward and back, while others write.
sub walk {
    my ($res, $relation) = @_;
    my @seen;
    for (1 .. 20) {
        push @seen, map { $_->{resource}{id} } @{ $res->{json}{entry} // [] };
        my ($link) = map { $_->{url} } grep { $_->{relation} eq $relation } @{ $res->{json}{link} };
        last if !$link;
        put({ resourceType => 'Observation', id => 'new' . ++$day, status => 'final', code => { text => 'x' } }) if $day < 2;
        $res = get($link);
        return "$res->{status} $res->{content}" if $res->{status} != 200;
    }
    return ([@seen], $res);
}
my ($seen, $last) = walk(get('/Observation?_sort=-date&_count=2&patient=p1'), 'next');
is_deeply $seen, [qw(o6 o5 o4 o3 o2 o1)], 'next links walk all, once';
my ($back) = walk($last, 'previous');
is_deeply [ sort @$back ], [qw(o1 o2 o3 o4 o5 o6)], 'previous links walk back';

my @refused = (
    # search                          status  named in the text
    [ '/Patient?nonsense=1',          400, qr/nonsense/ ],
    [ '/Patient?famly=x',             400, qr/family/ ],
    [ '/Patient?gender:foo=male',     400, qr/foo/ ],
    [ '/Patient?birthdate=19x',       400, qr/birthdate/ ],
    [ '/Patient?birthdate=zz1980',    400, qr/birthdate/ ],
    [ '/Patient?_count=-1',           400, qr/_count/ ],
    [ '/Patient?_count=1e3',          400, qr/_count/ ],
    [ '/Patient?_offset=10001',       400, qr/_offset/ ],
    [ '/Patient?_sort=nonsense',      400, qr/nonsense/ ],
    [ '/Patient?_cursor=abc',         400, qr/_cursor/ ],
    [ '/Patient?gender=male%00',      400, qr/./ ],
    [ '/Patient?name=%ff',            400, qr/./ ],
    [ '/Patient?name=%zz',            400, qr/./ ],
    [ '/Observation?value-quantity=five', 400, qr/value-quantity/ ],
    [ '/Observation?code-value-quantity=a', 400, qr/code-value-quantity/ ],
    [ '/Patient?_summary=yes',        400, qr/_summary/ ],
    [ '/Patient?_total=some',         400, qr/_total/ ],
);
for my $row (@refused) {
    my ($search, $status, $named) = @$row;
    my $res = get($search);
    is $res->{status}, $status, "$search is refused" or diag $res->{content};
    like $res->{content}, $named, "$search: the text names it";
}

# By a form: the same parameters, of the body and of the query together.
# R4 http.html#search
my $FORM = 'application/x-www-form-urlencoded';
my @forms = (
    # query             body                                type          status  ids or text
    [ '',               'gender=female&birthdate=1990-08-22', $FORM,      200, 'p3' ],
    [ '',               'name=zoe+o%5C,+neil&_count=5',       "$FORM; charset=UTF-8", 200, 'p3' ],
    [ '?gender=female', 'birthdate=1990-08-22',               $FORM,      200, 'p3' ],
    [ '?_id=p1',        '',                                   $FORM,      200, 'p1' ],
    [ '?_id=p1',        '',                                   '',         200, 'p1' ],
    [ '',               'nonsense=1',                         $FORM,      400, qr/nonsense/ ],
    [ '',               'name=%ff',                           $FORM,      400, qr/form/ ],
    [ '',               '{"gender":"male"}',                  'application/fhir+json', 415, qr/x-www-form-urlencoded/ ],
    [ '',               'gender=male',                        "$FORM; charset=latin1", 415, qr/UTF-8/ ],
);
for my $row (@forms) {
    my ($query, $body, $type, $status, $wanted) = @$row;
    my $res = $stack->post("/Patient/_search$query", token => $token, body => $body, type => $type);
    is $res->{status}, $status, "POST _search$query with '$body' as '$type'" or diag $res->{content};
    next if ref $wanted and like $res->{content}, $wanted, 'says why';
    is join(' ', map { $_->{resource}{id} } @{ $res->{json}{entry} // [] }), $wanted, 'finds';
}
my ($link) = map { $_->{url} } grep { $_->{relation} eq 'self' }
  @{ $stack->post('/Patient/_search?gender=female', token => $token, body => 'birthdate=1990-08', type => $FORM)->{json}{link} };
like $link, qr{/Patient\?gender=female&birthdate=1990-08$}, 'its link is a GET of both';
is $stack->get('/Patient/_search', token => $token)->{status}, 405, '_search is posted';

# Totals. R4 search.html#total, #summary
my @totals = (
    # search                                    total  entries
    [ '/Patient?gender=female',                 undef, 2 ],
    [ '/Patient?gender=female&_total=none',     undef, 2 ],
    [ '/Patient?gender=female&_total=accurate&_count=1', 2, 1 ],
    [ '/Patient?gender=female&_total=estimate', 2,     2 ],
    [ '/Patient?_total=accurate&_count=1',      3,     1 ],
    [ '/Patient?_total=estimate&_count=1',      3,     1 ],
    [ '/Patient?_id=p1,p2,x&_total=estimate',   2,     2 ],
    [ '/Patient?gender:not=male&_total=estimate', 2,   2 ],
    [ '/Observation?patient=p1&status=final&_total=estimate&_count=1', 4, 1 ],
    [ '/Patient?gender=female&_summary=count',  2,     0 ],
    [ '/Patient?gender=female&_summary=false',  undef, 2 ],
    [ '/Patient?gender=female&_count=0',        2,     0 ],
);
for my $row (@totals) {
    my ($search, $total, $entries) = @$row;
    my $json = get($search)->{json};
    is $json->{total}, $total, "$search: total";
    is scalar @{ $json->{entry} // [] }, $entries, "$search: entries";
}

like get('/Patient?_count=5000')->{json}{link}[0]{url}, qr/_count=1000$/, 'a page has a thousand at most, and says so';
is get('/Patient?nonsense=1', headers => { prefer => 'handling=strict' })->{status}, 400, 'strict is as without';
my $res = get('/Patient?nonsense=1&gender=male', headers => { prefer => 'handling=lenient' });
is $res->{status}, 200, 'lenient ignores what it does not know';
my ($self) = map { $_->{url} } grep { $_->{relation} eq 'self' } @{ $res->{json}{link} };
unlike $self, qr/nonsense/, 'and the self link says so';
like $self, qr/gender=male/, 'naming what was applied';

done_testing;
