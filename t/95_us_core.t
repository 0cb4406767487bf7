# The searches that US Core 6.1 asks of a server, alone and combined (SHALL, and
# the SHOULDs of the same types): each finds the record that has all of the
# values, and neither one of the same patient with others nor another patient's.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack  = Stack->new;
my $tenant = $stack->tenant('us-core-' . time);
my $client = $stack->client(tenant => $tenant, name => 'us-core', tier => 'enterprise', hour => 1000000, minute => 1000000);
my $token  = $stack->token($client);

my $LOINC  = 'http://loinc.org';
my $SNOMED = 'http://snomed.info/sct';
my $HL7    = 'http://terminology.hl7.org/CodeSystem';

sub coded { my ($system, $code) = @_; return { coding => [ { system => $system, code => $code } ] } }
sub to    { my ($reference) = @_; return { reference => $reference } }

# What the one looked for (1) and the other record of the same patient (2) say.
my %RECORD = (
    AllergyIntolerance => sub {
        my ($patient, $n) = @_;
        return (patient => $patient, clinicalStatus => coded("$HL7/allergyintolerance-clinical", $n == 1 ? 'active' : 'resolved'), code => coded($SNOMED, '91936005'));
    },
    Condition => sub {
        my ($patient, $n) = @_;
        return (subject => $patient, clinicalStatus => coded("$HL7/condition-clinical", $n == 1 ? 'active' : 'inactive'),
            category => [ coded("$HL7/condition-category", $n == 1 ? 'encounter-diagnosis' : 'problem-list-item') ],
            code => coded($SNOMED, $n == 1 ? '44054006' : '38341003'), onsetDateTime => "202$n-03-01", recordedDate => "202$n-03-02",
            extension => [ { url => 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate', valueDateTime => "202$n-03-03" } ],
            encounter => to("Encounter/enc-$n"));
    },
    Coverage => sub {
        my ($patient) = @_;
        return (status => 'active', beneficiary => $patient, payor => [ to('Organization/org-1') ]);
    },
    DiagnosticReport => sub {
        my ($patient, $n) = @_;
        return (subject => $patient, status => $n == 1 ? 'final' : 'partial', category => [ coded("$HL7/v2-0074", $n == 1 ? 'LAB' : 'RAD') ],
            code => coded($LOINC, $n == 1 ? '24323-8' : '58410-2'), effectiveDateTime => "202$n-04-05T10:00:00Z");
    },
    DocumentReference => sub {
        my ($patient, $n) = @_;
        return (subject => $patient, status => $n == 1 ? 'current' : 'superseded', type => coded($LOINC, $n == 1 ? '34133-9' : '18842-5'),
            category => [ coded('http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category', $n == 1 ? 'clinical-note' : 'other') ],
            date => "202$n-05-06T10:00:00Z", context => { period => { start => "202$n-05-05", end => "202$n-05-06" } },
            content => [ { attachment => { contentType => 'text/plain', url => 'https://acme.org/doc' } } ]);
    },
    Encounter => sub {
        my ($patient, $n) = @_;
        return (subject => $patient, status => $n == 1 ? 'finished' : 'planned', class => { system => "$HL7/v3-ActCode", code => $n == 1 ? 'AMB' : 'IMP' },
            type => [ coded($SNOMED, $n == 1 ? '185349003' : '32485007') ], period => { start => "202$n-06-07T09:00:00Z", end => "202$n-06-07T10:00:00Z" },
            identifier => [ { system => 'https://acme.org/visits', value => "v-$n" } ], location => [ { location => to("Location/loc-$n") } ]);
    },
    Immunization => sub {
        my ($patient, $n) = @_;
        return (patient => $patient, status => $n == 1 ? 'completed' : 'not-done', vaccineCode => coded('http://hl7.org/fhir/sid/cvx', '207'), occurrenceDateTime => "202$n-07-08");
    },
    MedicationRequest => sub {
        my ($patient, $n) = @_;
        return (subject => $patient, status => $n == 1 ? 'active' : 'stopped', intent => $n == 1 ? 'order' : 'plan', authoredOn => "202$n-08-09",
            encounter => to("Encounter/enc-$n"), medicationCodeableConcept => coded('http://www.nlm.nih.gov/research/umls/rxnorm', '1049221'));
    },
    Observation => sub {
        my ($patient, $n) = @_;
        return (subject => $patient, status => $n == 1 ? 'final' : 'preliminary', category => [ coded("$HL7/observation-category", $n == 1 ? 'laboratory' : 'vital-signs') ],
            code => coded($LOINC, $n == 1 ? '2339-0' : '8867-4'), effectiveDateTime => "202$n-09-10T08:00:00Z", valueQuantity => { value => 90 + $n });
    },
    Procedure => sub {
        my ($patient, $n) = @_;
        return (subject => $patient, status => $n == 1 ? 'completed' : 'preparation', code => coded($SNOMED, $n == 1 ? '80146002' : '174041007'), performedDateTime => "202$n-10-11");
    },
);

# Searches of a patient's records, with P in place of the patient: all that the
# first of the two records says.
my %ASKED = (
    AllergyIntolerance => [ 'patient=P&clinical-status=active' ],
    Condition          => [
        'patient=P&category=encounter-diagnosis', "patient=P&category=$HL7/condition-category|encounter-diagnosis",
        'patient=P&clinical-status=active', 'patient=P&code=44054006', 'patient=P&onset-date=2021-03-01', 'patient=P&onset-date=ge2021-01-01&onset-date=lt2022-01-01',
        'patient=P&recorded-date=le2021-12-31', 'patient=P&encounter=Encounter/enc-1', 'patient=P&category=encounter-diagnosis&clinical-status=active',
    ],
    DiagnosticReport => [
        'patient=P&category=LAB', "patient=P&category=$HL7/v2-0074|LAB", 'patient=P&code=24323-8', "patient=P&code=$LOINC|24323-8",
        'patient=P&category=LAB&date=2021-04-05', 'patient=P&category=LAB&date=ge2021-04-01&date=le2021-04-30', 'patient=P&status=final',
        'patient=P&code=24323-8&date=2021',
    ],
    DocumentReference => [
        'patient=P&type=34133-9', "patient=P&type=$LOINC|34133-9", 'patient=P&category=clinical-note', 'patient=P&category=clinical-note&date=2021-05-06',
        'patient=P&status=current', 'patient=P&type=34133-9&period=2021-05', '_id=DocumentReference-1',
    ],
    Encounter => [
        'date=2021-06-07&patient=P', 'patient=P&date=gt2021-06-01&date=lt2021-07-01', 'patient=P&status=finished', 'patient=P&class=AMB',
        'patient=P&type=185349003', 'patient=P&location=Location/loc-1', 'identifier=https://acme.org/visits|v-1&patient=P', '_id=Encounter-1',
    ],
    Immunization      => [ 'patient=P&status=completed', 'patient=P&date=2021-07-08' ],
    MedicationRequest => [
        'patient=P&intent=order', 'patient=P&intent=order&status=active', 'patient=P&intent=order,original-order&status=active,completed',
        'patient=P&intent=order&encounter=Encounter/enc-1', 'patient=P&intent=order&authoredon=ge2021-01-01&authoredon=lt2022-01-01',
    ],
    Observation => [
        'patient=P&code=2339-0', "patient=P&code=$LOINC|2339-0", 'patient=P&code=2339-0,1-1', 'patient=P&category=laboratory', "patient=P&category=$HL7/observation-category|laboratory",
        'patient=P&category=laboratory&date=2021-09-10', 'patient=P&category=laboratory&date=ge2021-09-01&date=lt2021-10-01',
        'patient=P&category=laboratory&status=final', 'patient=P&code=2339-0&date=ge2021&date=le2021',
    ],
    Procedure => [ 'patient=P&date=2021-10-11', 'patient=P&date=ge2021-10-01&date=lt2021-11-01', 'patient=P&status=completed', 'patient=P&code=80146002&date=2021' ],
    # Records that are nobody's: whole searches, each for the first of two.
    Patient => [
        '_id=Patient-1', 'identifier=https://acme.org/mrn|m-1', 'identifier=m-1', 'name=Shaw', 'name=shaw&birthdate=1987-02-20', 'name=shaw&gender=female',
        'family=shaw&gender=female', 'birthdate=1987-02-20&family=Shaw', 'death-date=2024-01-02&family=shaw', 'name=amy',
    ],
    Location     => [ 'name=clinic', 'address=1%20arnold', 'address-city=boston', 'address-state=MA', 'address-postalcode=02115' ],
    Organization => [ 'name=north', 'address=1%20arnold' ],
    Practitioner => [ 'name=bone', 'identifier=http://hl7.org/fhir/sid/us-npi|1' ],
);

my %ADDRESS = (
    1 => { line => ['1 Arnold St'], city => 'Boston', state => 'MA', postalCode => '02115' },
    2 => { line => ['9 Elm St'],    city => 'Denver', state => 'CO', postalCode => '80014' },
);
my %NOBODYS = (
    Patient => sub {
        my ($n) = @_;
        return $n == 1
          ? (identifier => [ { system => 'https://acme.org/mrn', value => 'm-1' } ], name => [ { family => 'Shaw', given => ['Amy'] } ],
            gender => 'female', birthDate => '1987-02-20', deceasedDateTime => '2024-01-02')
          : (identifier => [ { system => 'https://acme.org/mrn', value => 'm-2' } ], name => [ { family => 'Sharp', given => ['Bob'] } ],
            gender => 'male', birthDate => '1987-02-21');
    },
    Location     => sub { my ($n) = @_; return (name => $n == 1 ? 'Clinic' : 'Ward', address => $ADDRESS{$n}) },
    Organization => sub { my ($n) = @_; return (name => $n == 1 ? 'North' : 'South', address => [ $ADDRESS{$n} ]) },
    Practitioner => sub {
        my ($n) = @_;
        return (identifier => [ { system => 'http://hl7.org/fhir/sid/us-npi', value => "$n" } ], name => [ { family => $n == 1 ? 'Bone' : 'Case' } ]);
    },
);

# --- the data ------------------------------------------------------------------

# TYPE-1 and TYPE-2 are the first patient's, TYPE-3 says what TYPE-1 says of
# the other one.
my @entries;
sub add {
    my ($type, $id, %members) = @_;
    push @entries, { resource => { resourceType => $type, id => $id, %members }, request => { method => 'PUT', url => "$type/$id" } };
    return;
}
for my $type (sort keys %RECORD) {
    add($type, "$type-$_", $RECORD{$type}->(to('Patient/Patient-1'), $_)) for 1, 2;
    add($type, "$type-3", $RECORD{$type}->(to('Patient/Patient-2'), 1));
}
for my $type (sort keys %NOBODYS) {
    add($type, "$type-$_", $NOBODYS{$type}->($_)) for 1, 2;
}
my $res = $stack->post('', token => $token, body => { resourceType => 'Bundle', type => 'transaction', entry => \@entries });
is $res->{status}, 200, 'the records are stored' or BAIL_OUT($res->{content});

# --- the searches ----------------------------------------------------------------

sub found {
    my ($search) = @_;
    my $res = $stack->get($search, token => $token);
    return "$res->{status} $res->{content}" if $res->{status} != 200;
    return join ' ', sort map { $_->{resource}{id} } @{ $res->{json}{entry} // [] };
}

for my $type (sort keys %RECORD) {
    for my $patient ('Patient-1', 'Patient/Patient-1') {
        is found("/$type?patient=$patient"), "$type-1 $type-2", "$type?patient=$patient";
    }
}
for my $type (sort keys %ASKED) {
    for my $search (@{ $ASKED{$type} }) {
        (my $asked = $search) =~ s/=P\b/=Patient-1/;
        is found("/$type?$asked"), "$type-1", "$type?$search";
    }
}

done_testing;
