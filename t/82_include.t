# What comes along with a search: _include, _revinclude, :iterate, `*`.
# R4 search.html#revinclude

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack  = Stack->new;
my $tenant = $stack->tenant('include-' . time);
my %client = (tenant => $tenant, tier => 'enterprise', hour => 1000000, minute => 1000000);
my $token  = $stack->token($stack->client(%client, name => 'include', scopes => 'system:read system:write system:admin'));
my $some   = $stack->token($stack->client(%client, name => 'some', scopes => 'clinical:read'));
my $other  = $stack->tenant('include-other-' . time);
my $theirs = $stack->token($stack->client(%client, tenant => $other, name => 'theirs'));
$stack->settle;

sub ask { my ($method, $where, %o) = @_; return $stack->request($method, $where, token => $token, %o) }

sub put {
    my ($type, $id, %members) = @_;
    my $token = delete $members{-token} // $token;
    my $res = ask(PUT => "/$type/$id", token => $token, body => { resourceType => $type, id => $id, %members });
    $res->{status} == 201 || $res->{status} == 200 or die "$type/$id: $res->{status} $res->{content}";
    return;
}
sub ref_to { return { reference => $_[0] } }
my %code = (code => { text => 'c' }, status => 'final');

put(Organization => 'top');
put(Organization => 'mid', partOf => ref_to('Organization/top'));
put(Organization => 'low', partOf => ref_to('Organization/mid'));
put(Practitioner => 'dr');
put(Patient => 'p1', managingOrganization => ref_to('Organization/low'), generalPractitioner => [ ref_to('Practitioner/dr') ]);
put(Patient => 'p2', generalPractitioner => [ ref_to('Organization/top') ], link => [ { other => ref_to('Patient/p1'), type => 'seealso' } ]);
put(Patient => 'gone');
put(Encounter => 'e1', status => 'finished', class => { code => 'AMB' }, subject => ref_to('Patient/p1'));
put(Observation => 'o1', %code, subject => ref_to('Patient/p1'), encounter => ref_to('Encounter/e1'), performer => [ ref_to('Practitioner/dr'), ref_to('Organization/mid') ]);
put(Observation => 'o2', %code, subject => ref_to('Patient/p1'), hasMember => [ ref_to('Observation/o1') ]);
put(Observation => 'o3', %code, subject => ref_to('Patient/p2'), derivedFrom => [ ref_to('Observation/o2'), ref_to('Observation/o2/_history/1') ]);
put(Observation => 'o4', %code, subject => ref_to('Patient/gone'), performer => [ ref_to('https://other.example/fhir/Patient/p1'), { identifier => { value => 'x' } } ]);
put(Observation => 'o5', %code, subject => ref_to('Patient/missing'));
put(Observation => 'o6', %code, contained => [ { resourceType => 'Patient', id => 'in' } ], subject => ref_to('#in'));
put(Observation => 'o2', %code, subject => ref_to('Patient/p1'), hasMember => [ ref_to('Observation/o1') ], note => [ { text => 'v2' } ]);
put(List => 'ls', status => 'current', mode => 'working', entry => [ { item => ref_to('Observation/o1') }, { item => ref_to('Patient/p1') } ]);
put(Questionnaire => 'q1', status => 'active', url => 'http://acme.org/Questionnaire/1', version => '1');
put(Questionnaire => 'q2', status => 'active', url => 'http://acme.org/Questionnaire/1', version => '2');
put(QuestionnaireResponse => 'r1', status => 'completed', questionnaire => 'http://acme.org/Questionnaire/1|2');
put(QuestionnaireResponse => 'r2', status => 'completed', questionnaire => 'http://acme.org/Questionnaire/1');
is ask(DELETE => '/Patient/gone')->{status}, 204, 'a record is gone';
put(Patient => 'p1', -token => $theirs, managingOrganization => ref_to('Organization/low'));
put(Organization => 'low', -token => $theirs, name => 'not yours');

# Matches and what came along, in the order of their names; warnings.
sub found {
    my ($search, %o) = @_;
    my $res = ask(GET => $search, %o);
    return "$res->{status} $res->{content}" if $res->{status} != 200;
    my %by = (match => [], include => [], outcome => []);
    for my $entry (@{ $res->{json}{entry} // [] }) {
        my $record = $entry->{resource};
        push @{ $by{ $entry->{search}{mode} } }, $record->{resourceType} eq 'OperationOutcome' ? $record->{issue}[0]{details}{text} : $record->{id} . ($record->{meta}{versionId} eq '1' ? '' : "/$record->{meta}{versionId}");
    }
    return join ' ', (sort @{ $by{match} }), '+', (sort @{ $by{include} }), map { "! $_" } @{ $by{outcome} };
}

my @found = (
    [ 'Observation?_id=o1&_include=Observation:subject',                  'o1 + p1' ],
    [ 'Observation?_id=o1,o2&_include=Observation:patient',               'o1 o2/2 + p1', 'once' ],
    [ 'Observation?_id=o1&_include=Observation:performer',                'o1 + dr mid' ],
    [ 'Observation?_id=o1&_include=Observation:performer:Organization',   'o1 + mid' ],
    [ 'Observation?_id=o1&_include=Observation:encounter&_include=Observation:subject', 'o1 + e1 p1' ],
    [ 'Observation?_id=o1&_include=Observation:*',                        'o1 + dr e1 mid p1' ],
    [ 'Observation?_id=o1&_include=*',                                    'o1 + dr e1 mid p1' ],
    [ 'Observation?_id=o1&_include=Observation:*:Patient',                'o1 + p1' ],
    [ 'Observation?_id=o4,o5,o6&_include=Observation:subject&_include=Observation:performer', 'o4 o5 o6 +', 'deleted, missing, foreign, contained' ],
    [ 'Observation?_id=o1,o2&_include=Observation:has-member',            'o1 o2/2 +', 'a match is not included again' ],
    [ 'Observation?_id=o3&_include=Observation:derived-from',             'o3 + o2 o2/2', 'a version that is named, and the current one' ],
    [ 'Observation?_id=o3&_include=Observation:derived-from&_include:iterate=Observation:has-member', 'o3 + o1 o2 o2/2' ],
    [ 'Observation?_id=o1&_include=Observation:subject&_include:iterate=Patient:organization', 'o1 + low p1' ],
    [ 'Observation?_id=o1&_include=Observation:subject&_include:iterate=Patient:organization&_include:iterate=Organization:partof', 'o1 + low mid p1 top' ],
    [ 'Organization?_id=low&_include:iterate=Organization:partof',        'low + mid top' ],
    [ 'Organization?_id=low&_include=Organization:partof',                'low + mid' ],
    [ 'Patient?_id=p2&_include:iterate=*',                                'p2 + dr low mid p1 top' ],
    [ 'Patient?_id=p1&_revinclude=Observation:subject',                   'p1 + o1 o2/2' ],
    [ 'Patient?_id=p1,p2&_revinclude=Observation:patient:Patient',        'p1 p2 + o1 o2/2 o3' ],
    [ 'Patient?_id=p1&_revinclude=Observation:*',                         'p1 + o1 o2/2' ],
    [ 'Patient?_id=p1&_revinclude=*',                                     'p1 + e1 ls o1 o2/2 p2' ],
    [ 'Patient?_id=p1&_revinclude=Observation:subject&_revinclude:iterate=List:item', 'p1 + ls o1 o2/2' ],
    [ 'Patient?_id=p1&_revinclude=Observation:subject&_include=Patient:organization', 'p1 + low o1 o2/2' ],
    [ 'Organization?_id=top&_revinclude:iterate=Organization:partof&_revinclude:iterate=Patient:organization', 'top + low mid p1' ],
    [ 'QuestionnaireResponse?_id=r1&_include=QuestionnaireResponse:questionnaire', 'r1 + q2', 'a canonical with its version' ],
    [ 'QuestionnaireResponse?_id=r2&_include=QuestionnaireResponse:questionnaire', 'r2 + q1 q2', 'and without' ],
    [ 'Questionnaire?_id=q2&_revinclude=QuestionnaireResponse:questionnaire', 'q2 + r1 r2' ],
    [ 'Questionnaire?_id=q1&_revinclude=QuestionnaireResponse:questionnaire', 'q1 + r2' ],
    [ 'Patient?_id=p1&_include=Patient:organization&_summary=count',       '+', 'a count has nothing' ],
);
is found("/$_->[0]"), $_->[1], $_->[0] . ($_->[2] ? " ($_->[2])" : '') for @found;
is found('/Patient?_id=p1&_include=Patient:organization', token => $theirs), 'p1 + low', 'each tenant has its own';
is ask(GET => '/Patient?_id=p1&_include=Patient:organization', token => $theirs)->{json}{entry}[1]{resource}{name}, 'not yours', '... in both directions';

# Links go on with the same; the form is as good.
my $page = ask(GET => '/Observation?patient=p1&_count=1&_include=Observation:subject')->{json};
my %link = map { ($_->{relation} => $_->{url}) } @{ $page->{link} };
like $link{$_}, qr/_include=Observation%3Asubject/, "the $_ link includes it" for qw(self next);
is scalar(grep { $_->{search}{mode} eq 'include' } @{ ask(GET => $link{next})->{json}{entry} }), 1, 'and so does the next page';
is $page->{entry}[1]{fullUrl}, $stack->env('FHIR_URL') . '/Patient/p1', 'with a fullUrl';
is scalar @{ ask(POST => '/Observation/_search', type => 'application/x-www-form-urlencoded', body => '_id=o1&_include=Observation:subject')->{json}{entry} }, 2, 'by a form';
is ask(GET => '/Patient?_id=p1&_include=Patient:organization&_total=accurate')->{json}{total}, 1, 'the total is of matches alone';
my $cut = ask(GET => '/Observation?_id=o1&_include=Observation:subject&_elements=code')->{json};
ok !$cut->{entry}[0]{resource}{subject}, '_elements is of matches';
ok $cut->{entry}[1]{resource}{managingOrganization}, '... and not of what is included';

# What cannot bring anything along is refused by name.
my @refused = (
    [ '_include=Observatoin:subject',        qr/no resource type 'Observatoin'; did you mean 'Observation'/ ],
    [ '_include=Observation:subjct',         qr/'subjct' is unknown for Observation; did you mean 'subject'/ ],
    [ '_include=Observation:code',           qr/'code' of Observation is no reference/ ],
    [ '_include=Observation',                qr/write Type:parameter/ ],
    [ '_include=Observation:subject:Claim',  qr/cannot refer to a Claim/ ],
    [ '_include=Observation:subject:Person:x', qr/no resource type/ ],
    [ '_include=Patient:organization',       qr/write _include:iterate/ ],
    [ '_include:recurse=Observation:subject', qr/has no modifier ':recurse', only ':iterate'/ ],
    [ '_revinclude=Patient:organization',    qr/'organization' of Patient cannot refer to a Observation/ ],
    [ '_revinclude=List:item:Patient', qr/does not begin at a Observation/ ],
    [ '_include=',                           qr/has no value/ ],
);
for my $row (@refused) {
    my $res = ask(GET => "/Observation?$row->[0]");
    is $res->{status}, 400, "$row->[0] is refused";
    like $res->{json}{issue}[0]{details}{text}, $row->[1], '... and says why';
}
is ask(GET => '/Observation?' . join('&', ('_include=Observation:subject') x 33))->{status}, 400, 'too many are refused';
like found('/Observation?_id=o1&_include=Observation:x', headers => { prefer => 'handling=lenient' }), qr/^o1 \+ ! Ignored: /, 'or ignored, and said';

# Rights: a type that can only be meant is refused, another left out and said.
is ask(GET => '/Observation?_include=Observation:patient', token => $some)->{status}, 403, 'no right to the only type';
is ask(GET => '/Observation?_include=Observation:subject:Patient', token => $some)->{status}, 403, 'or to the type that is named';
is ask(GET => '/Encounter?_revinclude=MedicationRequest:encounter', token => $some)->{status}, 403, 'or to that which refers';
is found('/Observation?_id=o1&_include=Observation:subject', token => $some), 'o1 + ! No Patient is included: to read one the token needs the scope patient:read', 'of several types';
is found('/Encounter?_id=e1&_revinclude=*', token => $some), 'e1 + o1', 'of all types';

# Bounds: a warning tells that there is more.
my @entries = map { { resource => { resourceType => 'Observation', %code, subject => ref_to('Patient/p2') }, request => { method => 'POST', url => 'Observation' } } } 1 .. 1003;
is ask(POST => '', body => { resourceType => 'Bundle', type => 'transaction', entry => \@entries })->{status}, 200, '1,003 records refer to one';
my $many = ask(GET => '/Patient?_id=p2&_revinclude=Observation:subject')->{json};
my %mode;
$mode{ $_->{search}{mode} }++ for @{ $many->{entry} };
is_deeply \%mode, { match => 1, include => 1000, outcome => 1 }, 'a thousand are included, and a warning';
is $many->{entry}[-1]{resource}{issue}[0]{severity}, 'warning', '... that tells of more';

done_testing;
