# Every search parameter of every R4 type: those of the kinds that search
# answers find a page, the others are refused by name, and the
# CapabilityStatement lists the former and no other.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $base  = $stack->env('HTTP_URL') . '/v3/fhir';
my $token = $stack->token($stack->client(
    tenant => 'sandbox', name => 'every-parameter', scopes => 'system:read system:admin',
    tier   => 'enterprise', hour => 1000000, minute => 1000000,
));
$stack->settle;

# A value of each kind that is answered; of a composite, one for each of its
# components. Others are special and refused.
my %value = (
    token     => 'http://example.org/codes%7Ca,b',
    reference => 'example-1',
    string    => 'sm%C3%ADth',
    date      => 'ge2020-01',
    uri       => 'http://example.org/a',
    number    => 'ge1.50',
    quantity  => 'lt5.4%7Chttp://unitsofmeasure.org%7Cmg',
    special   => '47.4%7C8.5%7C10%7Ckm',
);
# Parameters of R4's table that are not of a type alone: search.html says what
# they do, and whether they have an element to look at.
my %general = map { ($_ => 1) } qw(_text _content _query);

# The official table, as it was compiled: [ type, code, kind, components ].
my ($symbol, @params, %kind_of);
open my $table, '<', 'backend/fhir/gen/params.c' or die "params.c: $!\n";
my $type;
while (<$table>) {
    ($symbol, $type) = ($1, $2) if /^const struct r4_param (r4_param_([A-Za-z]+)_\w+)/;
    if (/\.kind = R4_([A-Z]+),.* \.code = "([^"]+)"/) {
        push @params, [ $type, $2, lc $1 ];
        $kind_of{$symbol} = lc $1;
    }
    push @{ $params[-1] }, [/&(r4_param_\w+)/g] if /\.components = /;
}
close $table;
cmp_ok scalar @params, '>', 2000, scalar(@params) . ' parameters are in the table';

my $metadata = $stack->get("$base/metadata");
is $metadata->{status}, 200, 'metadata';
my %listed;
for my $resource (@{ $metadata->{json}{rest}[0]{resource} }) {
    $listed{"$resource->{type} $_->{name}"} = $_->{type} for @{ $resource->{searchParam} };
}

sub problem {
    my ($search, $wanted) = @_;
    my $res  = $stack->get("$base/$search", token => $token);
    my $form = $wanted == 200 ? 'Bundle' : 'OperationOutcome';
    my $json = $res->{json} // {};
    return "$search: $res->{status} $res->{content}" if $res->{status} != $wanted || $json->{resourceType} ne $form;
    return if $wanted == 200;
    my ($code) = $search =~ /\?([^=:]+)/;
    my $text = $json->{issue}[0]{details}{text} // '';
    return "$search: '$text' does not name it" if $text !~ /'\Q$code\E'/;
    return "$search: '$text' calls it unknown" if $text =~ /unknown/;
    return;
}

my (@failed, @unlisted, %asked);
for my $param (@params) {
    my ($of, $code, $kind, $components) = @$param;
    my $value = $code eq '_id' ? 'example-1' : $value{$kind};
    $value = join '$', map { $value{ $kind_of{$_} } =~ s/,.*//r } @$components if $components;
    my $offered = $value && !$general{$code};
    $asked{ $offered ? 'answered' : 'refused' }++;
    push @failed, problem("$of?$code=" . ($value // '1'), $offered ? 200 : 400);
    my $said = delete $listed{"$of $code"};
    push @unlisted, "$of $code" if $offered ? ($said // '') ne $kind : $said;
}
is join("\n", @failed[ 0 .. ( $#failed > 9 ? 9 : $#failed ) ]), '', "$asked{answered} parameters find a page, $asked{refused} are refused by name";
is join("\n", @unlisted), '', 'the CapabilityStatement lists those that are answered, with their kind';
is join(' ', sort keys %listed), '', 'and no other';

# Modifiers by kind: which are answered (200), and which are refused and how.
# "offered": R4 has it and we do not; "no": it has no meaning there.
my %example = (
    token     => [ 'Observation', 'code',             'pressure' ],
    reference => [ 'Observation', 'subject',          'Patient/a' ],
    string    => [ 'Patient',     'family',           'a' ],
    date      => [ 'Observation', 'date',             '2020' ],
    uri       => [ 'ValueSet',    'url',              'http://a.org/b' ],
    number    => [ 'RiskAssessment', 'probability',   '0.5' ],
    quantity  => [ 'Observation', 'value-quantity',   '5' ],
    composite => [ 'Observation', 'code-value-quantity', 'a$5' ],
    column    => [ 'Patient',     '_lastUpdated',     '2020' ],
);
my @kinds = qw(token reference string date uri number quantity composite column);
my %modifiers = (
    #               token reference string date uri number quantity composite column
    missing    => [ qw(200 200 200 200 200 200 200 no  no) ],
    exact      => [ qw(no  no  200 no  no  no  no  no  no) ],
    contains   => [ qw(no  no  200 no  no  no  no  no  no) ],
    not        => [ qw(200 no  no  no  no  no  no  no  no) ],
    text       => [ qw(200 no  no  no  no  no  no  no  no) ],
    'of-type'  => [ qw(no  no  no  no  no  no  no  no  no) ],
    identifier => [ qw(no  200 no  no  no  no  no  no  no) ],
    above      => [ qw(offered offered no no 200 no no no no) ],
    below      => [ qw(offered offered no no 200 no no no no) ],
    in         => [ qw(200 no  no  no  no  no  no  no  no) ],
    'not-in'   => [ qw(200 no  no  no  no  no  no  no  no) ],
    Patient    => [ qw(no  200 no  no  no  no  no  no  no) ],
    nonsense   => [ qw(no  no  no  no  no  no  no  no  no) ],
);
for my $modifier (sort keys %modifiers) {
    for my $i (0 .. $#kinds) {
        my ($of, $code, $plain) = @{ $example{ $kinds[$i] } };
        my $want  = $modifiers{$modifier}[$i];
        my $value = $modifier eq 'missing' ? 'true' : $modifier =~ /in$/ ? 'http://hl7.org/fhir/ValueSet/administrative-gender' : $plain;
        my $res = $stack->get("$base/$of?$code:$modifier=$value&_count=1", token => $token);
        is $res->{status}, $want eq '200' ? 200 : 400, "$kinds[$i]:$modifier" or diag $res->{content};
        next if $want eq '200';
        my $text = $res->{json}{issue}[0]{details}{text} // '';
        my $says = $want eq 'no' ? qr/'\Q$code\E' has no modifier ':$modifier'/ :
          qr/'\Q$code\E' with modifier ':$modifier' is not offered/;
        like $text, $says, '... and says so';
    }
}
is $stack->get("$base/Patient?identifier:of-type=a%7Cb%7Cc", token => $token)->{status}, 200, ':of-type is of identifiers';

# Whether an element is there can be asked of every parameter that has keys.
my @missing = map { problem("Observation?$_->[1]:missing=true&_count=1", 200) }
  grep { $_->[0] eq 'Observation' && $_->[2] !~ /special|composite/ && $_->[1] !~ /^_(id|lastUpdated)$/ && $value{ $_->[2] } } @params;
is join("\n", @missing), '', ':missing';

done_testing;
