package Fill;

# The records that the rows read, and the paths and bodies that ask for them.

use strict;
use warnings;

use parent 'Exporter';

use Records;
use Rows;

our @EXPORT = qw($PATIENTS $OBSERVATIONS $TEMPLATES fill observation_paths patient_page search_paths template create_bodies);

our $PATIENTS     = 100;
our $OBSERVATIONS = 10_000;
our $TEMPLATES    = 8;

# Put the patients and observations through the API.
sub fill {
    my ($stack, $token) = @_;
    my @rows = map { [ "Patient/$_", Records::patient($_) ] } 1 .. $PATIENTS;
    push @rows, map { [ "Observation/$_",
        Records::blood_pressure($_, 'Patient/' . ($_ % $PATIENTS + 1)) ] } 1 .. $OBSERVATIONS;
    while (my @some = splice @rows, 0, 500) {
        my $res = $stack->post('', token => $token, body => Records::puts(@some));
        die "the records were refused: $res->{status} $res->{content}\n" if $res->{status} != 200;
    }
    return;
}

sub observation_paths {
    my ($base) = @_;
    return write_lines('path-get', map { "$base/Observation/" . ($_ * 7919 % $OBSERVATIONS + 1) } 1 .. $OBSERVATIONS);
}

# By patient and date, newest first.
sub patient_page {
    my ($patient) = @_;
    return "/Observation?patient=$patient&date=ge2012-01-01&_sort=-date&_count=50";
}

sub search_paths {
    my ($base) = @_;
    return write_lines('path-search', map { $base . patient_page($_) } 1 .. $PATIENTS);
}

# What creates send: observations of a few patients and days.
sub template {
    my ($i) = @_;
    return Records::text(Records::blood_pressure($i * 17, "Patient/$i"));
}

sub create_bodies { return write_lines('body-create', map { template($_) } 1 .. $TEMPLATES) }

1;
