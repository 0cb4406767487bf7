# Real patient bundles: all of them load, and are found again by patient, code
# and date. The bundles are not part of the project: SHARED_DATA names their
# folder, otherwise ../shared/data; without them the test is skipped.

use strict;
use warnings;
use lib 't/lib';

use File::Temp qw(tempdir);
use JSON::PP;
use Stack;
use Test::More;
use Time::HiRes qw(time);

my $archive = ($ENV{SHARED_DATA} // '../shared/data') . '/synthea.tar.xz';
plan skip_all => "no $archive" if !-r $archive;

my $stack = Stack->new;
my $dir   = tempdir(CLEANUP => 1);
system('tar', '-xJf', $archive, '-C', $dir) == 0 or die "tar failed\n";
my @files = sort glob "$dir/*/*.json";
is scalar @files, 100, 'a hundred bundles';

my $tenant = $stack->tenant('synthea-' . int time);
my $client = $stack->client(tenant => $tenant, name => 'loader', tier => 'enterprise', hour => 1000000, minute => 1000000);
my $token  = $stack->token($client);

my ($records, $begin, @patients) = (0, time);
for my $file (@files) {
    open my $fh, '<:raw', $file or die $!;
    my $body = do { local $/ = undef; <$fh> };
    my $res  = $stack->post('', token => $token, body => $body);
    if ($res->{status} != 200) {
        fail "$file: $res->{status}";
        diag substr $res->{content}, 0, 2000;
        next;
    }
    $records += @{ $res->{json}{entry} };
    my ($patient) = map { $_->{response}{location} =~ m{Patient/([^/]+)/} ? $1 : () } @{ $res->{json}{entry} };
    push @patients, { id => $patient, bundle => $file };
}
is scalar @patients, 100, 'all were accepted';
diag sprintf '%d records in %.1f s', $records, time - $begin;

# For ten patients: what the bundle says against what searches find.
sub total {
    my ($search) = @_;
    my ($n, $next) = (0, $search);
    while ($next) {
        my $res = $stack->get($next, token => $token);
        $res->{status} == 200 or return "$res->{status} $res->{content}";
        $n += @{ $res->{json}{entry} // [] };
        ($next) = map { $_->{url} } grep { $_->{relation} eq 'next' } @{ $res->{json}{link} };
    }
    return $n;
}

for my $patient (@patients[ 0, 11, 22, 33, 44, 55, 66, 77, 88, 99 ]) {
    open my $fh, '<:raw', $patient->{bundle} or die $!;
    my $bundle = decode_json(do { local $/ = undef; <$fh> });
    my @observations = grep { $_->{resourceType} eq 'Observation' } map { $_->{resource} } @{ $bundle->{entry} };
    my $where = "patient=$patient->{id}";
    is total("/Observation?$where&_count=200"), scalar @observations, 'observations by patient';
    next if !@observations;
    my $code = $observations[0]{code}{coding}[0]{code};
    is total("/Observation?$where&code=http://loinc.org|$code&_count=100"),
      scalar(grep { my $o = $_; grep { $_->{code} eq $code } @{ $o->{code}{coding} } } @observations), 'of one code';
    my ($year) = $observations[-1]{effectiveDateTime} =~ /^(\d{4})/;
    my $until = $year + 1;
    is total("/Observation?$where&date=ge$year-01-02&date=lt$until-01-01&_count=100"),
      scalar(grep { $_->{effectiveDateTime} ge "$year-01-02" && $_->{effectiveDateTime} lt "$until-01-01" && $_->{effectiveDateTime} !~ /^$year-01-01/ } @observations), 'of one year';
    my ($who) = map { $_->{resource} } grep { $_->{resource}{resourceType} eq 'Patient' } @{ $bundle->{entry} };
    my $res = $stack->get("/Patient?birthdate=$who->{birthDate}&name=$who->{name}[0]{family}", token => $token);
    ok((grep { $_->{resource}{id} eq $patient->{id} } @{ $res->{json}{entry} }), 'the patient by name and birth date');
}

done_testing;
