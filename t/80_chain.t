# Searches through references: chains (subject:Patient.name) and _has
# (_has:Observation:patient:code). R4 search.html#chaining, #has

use strict;
use utf8;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $n     = time;

sub clinic {
    my ($name, %options) = @_;
    $stack->tenant("$name-$n") if !$options{tenant};
    return $stack->client(tenant => "$name-$n", name => $name, tier => 'enterprise', hour => 1000000, minute => 1000000, %options);
}

my $token = $stack->token(clinic('chain'));
my $south = $stack->token(clinic('other'));

sub get { return $stack->get($_[0], token => $token, @_[ 1 .. $#_ ]) }

sub put {
    my ($record, $who) = @_;
    my $res = $stack->put("/$record->{resourceType}/$record->{id}", token => $who // $token, body => $record);
    $res->{status} == 201 or die "$res->{status} $res->{content}";
    return;
}

sub ids {
    my ($search, %o) = @_;
    my $res = get($search, %o);
    return "$res->{status}: $res->{content}" if $res->{status} != 200;
    return join ' ', sort map { $_->{resource}{id} } @{ $res->{json}{entry} // [] };
}

sub ref_to { return { reference => $_[0] } }
sub code { return { coding => [ { system => 'http://loinc.org', code => $_[0], display => $_[1] // "Display of $_[0]" } ] } }

put($_) for (
    { resourceType => 'Organization', id => 'north', name => 'Northern Clinic', identifier => [ { system => 'urn:org', value => '1' } ] },
    { resourceType => 'Organization', id => 'part',  name => 'Eye Ward', partOf => ref_to('Organization/north') },
    { resourceType => 'Practitioner', id => 'house', name => [ { family => 'House', given => ['Gregory'] } ] },
    {   resourceType => 'Patient', id => 'p1', gender => 'male', birthDate => '1980-05-15', active => JSON::PP::true,
        name         => [ { family => 'Müller' } ], managingOrganization => ref_to('Organization/part'),
        generalPractitioner => [ ref_to('Practitioner/house') ], identifier => [ { system => 'urn:mrn', value => '1' } ],
    },
    {   resourceType => 'Patient', id => 'p2', gender => 'female', birthDate => '1990-08',
        name         => [ { family => 'Smith' } ], managingOrganization => ref_to('Organization/north'),
        generalPractitioner => [ ref_to('Organization/north') ],
    },
    { resourceType => 'Patient', id => 'p3', gender => 'female', name => [ { family => 'Nobody' } ] },
    { resourceType => 'Device', id => 'd1', deviceName => [ { name => 'Smith & Wesson', type => 'other' } ], identifier => [ { system => 'urn:mrn', value => '1' } ] },
    { resourceType => 'Encounter', id => 'e1', status => 'finished', class => { code => 'AMB' }, subject => ref_to('Patient/p1') },
    map { {
        resourceType => 'Observation', id => $_->[0], status => 'final', code => code($_->[1]), subject => ref_to($_->[2]),
        effectiveDateTime => $_->[3], ($_->[4] ? (performer => [ ref_to($_->[4]) ]) : ()), ($_->[0] eq 'o1' ? (encounter => ref_to('Encounter/e1')) : ()),
    } } (
        [ o1 => 'weight', 'Patient/p1', '2025-01-01', 'Practitioner/house' ],
        [ o2 => 'weight', 'Patient/p1', '2025-01-02' ],
        [ o3 => 'pulse',  'Patient/p2', '2025-01-03', 'Organization/north' ],
        [ o4 => 'pulse',  'Device/d1',  '2025-01-04' ],
        [ o5 => 'weight', 'Patient/gone', '2025-01-05' ],
    ),
);
put({ resourceType => 'DiagnosticReport', id => 'r1', status => 'final', code => code('panel'), subject => ref_to('Patient/p1'), result => [ ref_to('Observation/o1') ] });
put({ resourceType => 'Group', id => 'g1', type => 'person', actual => JSON::PP::true, member => [ { entity => ref_to('Patient/p2') } ] });

my @found = (
    # One reference, with and without its type.
    [ '/Observation?subject:Patient.name=smith',                        'o3' ],
    [ '/Observation?subject.name=smith',                                'o3' ],
    [ '/Observation?subject.identifier=urn:mrn|1',                      'o1 o2 o4' ],
    [ '/Observation?subject:Device.identifier=urn:mrn|1',               'o4' ],
    [ '/Observation?patient.name=nobody',                               '' ],
    [ '/Observation?patient.name=smith,m%C3%BCller',                    'o1 o2 o3' ],
    [ '/Observation?patient._id=p1',                                    'o1 o2' ],
    [ '/Observation?patient.birthdate=lt1985',                          'o1 o2' ],
    [ '/Observation?patient.birthdate=1990-08',                         'o3' ],
    # Every modifier of the inner parameter.
    [ '/Observation?subject:Patient.name:exact=Smith',                  'o3' ],
    [ '/Observation?subject:Patient.name:exact=smith',                  '' ],
    [ '/Observation?subject:Patient.family:contains=UELL',              '' ],
    [ '/Observation?subject:Patient.family:contains=ulle',              'o1 o2' ],
    [ '/Observation?subject:Patient.gender:not=male',                   'o3' ],
    [ '/Observation?subject:Patient.birthdate:missing=true',            '' ],
    [ '/Observation?subject:Patient.active:missing=false',              'o1 o2' ],
    [ '/DiagnosticReport?result.code:text=of%20weight',                 'r1' ],
    [ '/Observation?patient.organization:Organization=part',            'o1 o2' ],
    # Together with others, and several at once.
    [ '/Observation?subject.name=muller&code=weight&date=ge2025-01-02', 'o2' ],
    [ '/Observation?subject.name=muller&performer.name=house',          'o1' ],
    [ '/Observation?subject.name=muller&subject.gender=female',         '' ],
    [ '/Observation?_id=o1,o3&subject.gender=female',                   'o3' ],
    # Through several references.
    [ '/Observation?subject:Patient.organization.name=north',           'o3' ],
    [ '/Observation?subject.organization.partof.name=northern',         'o1 o2' ],
    [ '/Observation?patient.general-practitioner:Practitioner.family=house', 'o1 o2' ],
    [ '/Observation?patient.general-practitioner.name=north',           'o3' ],
    [ '/DiagnosticReport?result.subject:Patient.organization.name=eye', 'r1' ],
    # _has
    [ '/Patient?_has:Observation:patient:code=weight',                  'p1' ],
    [ '/Patient?_has:Observation:patient:code=http://loinc.org|pulse',  'p2' ],
    [ '/Patient?_has:Observation:subject:code=pulse',                   'p2' ],
    [ '/Device?_has:Observation:subject:code=pulse',                    'd1' ],
    [ '/Patient?_has:Observation:patient:code=weight,pulse',            'p1 p2' ],
    [ '/Patient?_has:Observation:patient:date=ge2025-01-03',            'p2' ],
    [ '/Patient?_has:Observation:patient:code:not=weight',              'p2' ],
    [ '/Patient?_has:Observation:patient:encounter:missing=false',      'p1' ],
    [ '/Patient?_has:Observation:patient:code=pulse&gender=male',       '' ],
    [ '/Patient?gender=female&_has:Observation:patient:status=final',   'p2' ],
    [ '/Patient?_has:Observation:patient:code=weight&_has:Encounter:patient:status=finished', 'p1' ],
    [ '/Patient?_has:Observation:patient:_has:DiagnosticReport:result:code=panel', 'p1' ],
    [ '/Patient?_has:Observation:patient:performer:Organization.name=north', 'p2' ],
    [ '/Observation?subject:Patient._has:Group:member:type=person',     'o3' ],
    [ '/Organization?_has:Patient:organization:_has:Observation:patient:code=weight', 'part' ],
    [ '/Practitioner?_has:Patient:general-practitioner:gender=male&_has:Observation:performer:code=weight', 'house' ],
);
is ids($_->[0]), $_->[1], $_->[0] for @found;

my $res = $stack->post('/Observation/_search', token => $token, type => 'application/x-www-form-urlencoded',
    body => 'subject:Patient.name=smith&_has:DiagnosticReport:result:code:missing=false');
is $res->{status}, 200, 'by a form' or diag $res->{content};

# The self link names what was applied; pages go both ways; totals count once.
$res = get('/Observation?subject:Patient.gender=male,female&_count=1&_total=accurate&_sort=-date');
my %link = map { ($_->{relation} => $_->{url}) } @{ $res->{json}{link} };
like $link{self}, qr/\?subject%3APatient\.gender=male%2Cfemale&|\?subject:Patient\.gender=male,female&/, 'the self link has the chain';
is $res->{json}{total}, 3, 'a total';
my @seen;
while ($res) {
    push @seen, map { $_->{resource}{id} } @{ $res->{json}{entry} // [] };
    %link = map { ($_->{relation} => $_->{url}) } @{ $res->{json}{link} };
    $res = $link{next} ? get($link{next}) : undef;
}
is "@seen", 'o3 o2 o1', 'next links walk all';
is get($link{previous})->{json}{entry}[0]{resource}{id}, 'o2', 'and back';
(my $other = $link{previous}) =~ s/gender=male/gender=other/;
is get($other)->{status}, 400, 'a cursor is of its chain alone';
is get('/Patient?_has:Observation:patient:status=final&_summary=count')->{json}{total}, 2, '_has counts records, not what refers to them';
is ids('/Patient?_has:Observation:patient:status=final&_sort=family&_count=1'), 'p1', '_has, sorted';

# Records that come and go.
is $stack->delete('/DiagnosticReport/r1', token => $token)->{status}, 204, 'a report goes';
is ids('/Patient?_has:Observation:patient:_has:DiagnosticReport:result:code=panel'), '', 'and is found through no longer';
is $stack->delete('/Device/d1', token => $token)->{status}, 204, 'a device goes';
is ids('/Observation?subject.identifier=urn:mrn|1'), 'o1 o2', 'so does what it was the subject of';

# What cannot be asked.
my @refused = (
    [ '/Observation?subject.nmae=x',                   400, qr/did you mean 'name'/ ],
    [ '/Observation?subjekt.name=x',                   400, qr/did you mean 'subject'/ ],
    [ '/Observation?subject:Patiant.name=x',           400, qr/did you mean 'Patient'/ ],
    [ '/Observation?subject:Practitioner.name=x',      400, qr/cannot refer to a Practitioner/ ],
    [ '/Observation?code.name=x',                      400, qr/'code' cannot be followed/ ],
    [ '/Patient?link:Patient.link:Patient.link:Patient.link:Patient.name=x', 400, qr/at most 3/ ],
    [ '/Patient?_has:Observation:patient:codee=x',     400, qr/did you mean 'code'/ ],
    [ '/Patient?_has:Observations:patient:code=x',     400, qr/did you mean 'Observation'/ ],
    [ '/Patient?_has:Observation:patients:code=x',     400, qr/did you mean 'patient'/ ],
    [ '/Organization?_has:Observation:patient:code=x', 400, qr/cannot refer to a Organization/ ],
    [ '/Patient?_has:Observation:patient=x',           400, qr/_has:Type:reference:parameter/ ],
);
for my $row (@refused) {
    my ($search, $status, $says) = @$row;
    $res = get($search);
    is $res->{status}, $status, "$search is refused";
    like $res->{json}{issue}[0]{details}{text}, $says, '... and why';
}
$res = get('/Observation?subject.nmae=x&code=pulse', headers => { prefer => 'handling=lenient' });
is $res->{status}, 200, 'lenient leaves it out';
unlike $res->{json}{link}[0]{url}, qr/nmae/, 'of the self link, too';

# Another tenant is at no end of a link.
put({ resourceType => 'Observation', id => 'o1', status => 'final', code => code('weight'), subject => ref_to('Patient/p1') }, $south);
is ids('/Observation?subject:Patient.name=muller', token => $south), '', 'the patient is of another tenant';
put({ resourceType => 'Patient', id => 'p1', name => [ { family => 'Southern' } ] }, $south);
is ids('/Observation?subject:Patient.name=southern', token => $south), 'o1', 'until there is an own one';
is ids('/Observation?subject:Patient.name=southern'), '', 'which the others do not see';
is ids('/Patient?_has:Observation:patient:code=pulse', token => $south), '', 'nor _has';

# A link wants the right to search what it leads to.
my $clinical = $stack->token(clinic('chain', tenant => "chain-$n", scopes => 'clinical:read'));
my $both     = $stack->token(clinic('chain', tenant => "chain-$n", scopes => 'clinical:read patient:read'));
my @rights = (
    [ $clinical, '/Observation?code=pulse',                               200 ],
    [ $clinical, '/Observation?subject:Patient.name=smith',               403 ],
    [ $clinical, '/Observation?subject:Device.identifier=1',              200 ],
    [ $clinical, '/Observation?subject.name=smith',                       403 ],
    [ $clinical, '/Observation?_has:Patient:link:name=smith',             400 ],
    [ $both,     '/Observation?subject:Patient.name=smith',               200 ],
    [ $both,     '/Patient?_has:Observation:patient:code=pulse',          200 ],
    [ $both,     '/Patient?_has:MedicationRequest:patient:status=active', 403 ],
    [ $both,     '/Patient?_has:Observation:patient:_has:Appointment:actor:status=booked', 400 ],
);
for my $row (@rights) {
    my ($who, $search, $status) = @$row;
    $res = get($search, token => $who);
    is $res->{status}, $status, "$search: $status" or diag $res->{content};
    like $res->{json}{issue}[0]{details}{text}, qr/To search \w+ the token needs the scope/, 'names the scope' if $status == 403;
}

done_testing;
