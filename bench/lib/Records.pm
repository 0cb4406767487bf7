package Records;

# What the measured requests read and write: patients with blood pressures of
# about 1.5 kB each, under ids that are plain numbers, so that pgbench can name
# them too.

use strict;
use warnings;

use JSON::PP;

my $json = JSON::PP->new->canonical;

my $LOINC = 'http://loinc.org';
my $UCUM  = 'http://unitsofmeasure.org';
my $HL7   = 'http://terminology.hl7.org/CodeSystem';

sub coded {
    my ($system, $code, $display) = @_;
    return { coding => [ { system => $system, code => "$code", display => $display } ], text => $display };
}

sub quantity {
    my ($value, $unit, $code) = @_;
    return { value => $value + 0, unit => $unit, system => $UCUM, code => $code };
}

sub patient {
    my ($i) = @_;
    return {
        resourceType => 'Patient',
        active       => JSON::PP::true,
        identifier   => [ { system => 'https://bench.test/mrn', value => "MRN-$i" } ],
        name         => [ { family => "Family$i", given => [ 'Given', "Middle$i" ] } ],
        gender       => $i % 2 ? 'female' : 'male',
        birthDate    => sprintf('%04d-%02d-%02d', 1930 + $i % 80, 1 + $i % 12, 1 + $i % 28),
    };
}

sub day {
    my ($i) = @_;
    return sprintf '%04d-%02d-%02dT%02d:%02d:00Z', 2012 + int($i / 336) % 12, 1 + int($i / 28) % 12,
      1 + $i % 28, $i % 24, $i % 60;
}

# Blood pressure number $i of $subject.
sub blood_pressure {
    my ($i, $subject) = @_;
    return {
        resourceType => 'Observation',
        status       => 'final',
        category     => [ coded("$HL7/observation-category", 'vital-signs', 'Vital Signs') ],
        code         => coded($LOINC, '85354-9', 'Blood pressure panel with all children optional'),
        subject      => { reference => $subject },
        effectiveDateTime => day($i),
        issued       => day($i),
        interpretation => [ coded("$HL7/v3-ObservationInterpretation", 'N', 'Normal') ],
        note => [ { text => "Seated, left arm, after five minutes of rest; reading $i of the series." } ],
        component    => [
            { code => coded($LOINC, '8480-6', 'Systolic blood pressure'),
                valueQuantity => quantity(100 + $i % 50, 'mmHg', 'mm[Hg]') },
            { code => coded($LOINC, '8462-4', 'Diastolic blood pressure'),
                valueQuantity => quantity(60 + $i % 30, 'mmHg', 'mm[Hg]') },
        ],
    };
}

sub text { my ($record) = @_; return $json->encode($record) }

# A transaction that puts [ "Type/id", record ]...
sub puts {
    my (@rows) = @_;
    return text({ resourceType => 'Bundle', type => 'transaction', entry => [ map { {
        resource => { %{ $_->[1] }, id => $_->[0] =~ s{.*/}{}r },
        request  => { method => 'PUT', url => $_->[0] },
    } } @rows ] });
}

# --- bundles for the import, where the real ones are missing ------------------------

sub urn { my ($i, $n) = @_; return sprintf 'urn:uuid:%08x-0000-4000-8000-%012x', $i, $n }

# A patient's history as a transaction of about 120 creates.
sub history {
    my ($i) = @_;
    my $who = urn($i, 0);
    my @entry = ([ 'Patient', $who, patient($i) ]);
    for my $visit (1 .. 10) {
        my $encounter = urn($i, $visit * 100);
        push @entry, [ 'Encounter', $encounter, {
            resourceType => 'Encounter', status => 'finished',
            class   => { system => "$HL7/v3-ActCode", code => 'AMB' },
            subject => { reference => $who },
            period  => { start => day($i + $visit * 30), end => day($i + $visit * 30 + 1) },
        } ];
        push @entry, map { [ 'Observation', urn($i, $visit * 100 + $_),
            { %{ blood_pressure($i * 7 + $visit * 30 + $_, $who) }, encounter => { reference => $encounter } } ] } 1 .. 10;
        push @entry, [ 'Condition', urn($i, $visit * 100 + 50), {
            resourceType => 'Condition', subject => { reference => $who }, encounter => { reference => $encounter },
            clinicalStatus => coded("$HL7/condition-clinical", 'active', 'Active'),
            code => coded('http://snomed.info/sct', 38341003 + $visit, "Disorder $visit"),
            onsetDateTime => day($i + $visit * 30),
        } ];
    }
    return text({ resourceType => 'Bundle', type => 'transaction', entry => [ map { {
        fullUrl => $_->[1], resource => $_->[2], request => { method => 'POST', url => $_->[0] },
    } } @entry ] });
}

1;
