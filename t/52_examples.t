# HL7's own examples of R4: each is accepted, read back byte for byte but for its
# id and meta, and found by every value that its search parameters extract. They
# are not part of the project: SHARED_DATA names their folder, otherwise
# ../shared/data; without them the test is skipped.

use strict;
use warnings;
use lib 't/lib';

use File::Basename qw(basename);
use File::Temp qw(tempdir);
use JSON::PP;
use Stack;
use Test::More;

my $archive = ($ENV{SHARED_DATA} // '../shared/data') . '/r4-examples.tar.xz';
plan skip_all => "no $archive" if !-r $archive;

# Refused, and by which rule; each was read again in R4.
my %exception = (
    # DeviceUseStatement.reasonReference may name a Condition, Observation,
    # DiagnosticReport, DocumentReference or Media; the example names a
    # Procedure. R4 deviceusestatement-definitions.html
    'deviceusestatement-example.json' => [ 422, 'DeviceUseStatement.reasonReference[0].reference' ],
);
# AuditEvents are written by the server alone, whatever they say.
my %written_by_nobody = (AuditEvent => 403);

my $stack = Stack->new;
my $dir   = tempdir(CLEANUP => 1);
system('tar', '-xJf', $archive, '-C', $dir) == 0 or die "tar failed\n";
my @files = sort glob "$dir/*.json $dir/*/*.json";
cmp_ok scalar @files, '>=', 500, scalar(@files) . ' examples';

my $tenant = $stack->tenant('examples-' . int time);
my $token  = $stack->token($stack->client(
    tenant => $tenant, name => 'examples', tier => 'enterprise', hour => 1000000, minute => 1000000,
    scopes => 'system:read system:write system:admin',
));
$stack->settle;

# --- the bytes --------------------------------------------------------------

my $STRING = qr/"(?:[^"\\]++|\\.)*+"/s;
my $VALUE  = qr/(?<v>$STRING|[-+.\w]++|\{(?:[^{}\[\]"]++|(?&v))*+\}|\[(?:[^{}\[\]"]++|(?&v))*+\])/s;

# The members of an object as written: [ name, source from name to value ].
sub members {
    my ($text) = @_;
    my @members;
    $text =~ /\G\s*\{/gc;
    while ($text =~ /\G[\s,]*((?<n>$STRING)\s*:\s*$VALUE)/gc) {
        my ($source, $name, $value) = ($1, @+{qw(n v)});
        push @members, [ $name =~ s/"//gr, $source, $value ];
    }
    return @members;
}

# What R4's text becomes under that type and id: the server's members first,
# then all others as they were sent.
sub expected {
    my ($text, $type, $id, $updated) = @_;
    my @members = members($text);
    my ($meta) = map { $_->[2] } grep { $_->[0] eq 'meta' } @members;
    my @kept = map { ",$_->[1]" } grep { $_->[0] !~ /^(?:versionId|lastUpdated)$/ } members($meta // '{}');
    return qq({"resourceType":"$type","id":"$id","meta":{"versionId":"1","lastUpdated":"$updated")
      . join('', @kept, '}', map { ",$_->[1]" } grep { $_->[0] !~ /^(?:resourceType|id|meta)$/ } @members) . '}';
}

my %text;
for my $file (@files) {
    open my $fh, '<:raw', $file or die "$file: $!\n";
    $text{$file} = do { local $/ = undef; <$fh> };
}

# --- accepted, and read back -------------------------------------------------

my (%id, %type, @wrong);
my @rest = @files;
while (my @some = splice @rest, 0, 60) {
    ($type{$_}) = $text{$_} =~ /"resourceType"\s*:\s*"(\w+)"/ for @some;
    my $batch = '{"resourceType":"Bundle","type":"batch","entry":['
      . join(',', map { qq({"resource":$text{$_},"request":{"method":"POST","url":"$type{$_}"}}) } @some) . ']}';
    my $res = $stack->post('', token => $token, body => $batch);
    is $res->{status}, 200, 'a batch of examples' or BAIL_OUT(substr $res->{content}, 0, 500);
    for my $i (0 .. $#some) {
        my ($file, $response) = ($some[$i], $res->{json}{entry}[$i]{response});
        my ($status) = $response->{status} =~ /^(\d+)/;
        ($id{$file}) = ($response->{location} // '') =~ m{/([^/]+)/_history/1$};
        my ($code, $where) = @{ $exception{ basename $file } // [] };
        $code //= $written_by_nobody{ $type{$file} } // 201;
        my @said = map { @{ $_->{expression} // [] } } @{ $response->{outcome}{issue} // [] };
        push @wrong, basename($file) . ": $status @said" if $status != $code || defined $where && "@said" ne $where;
    }
}
is join("\n", @wrong), '', 'every example is accepted, but for the exceptions';
my @stored = grep { $id{$_} } @files;
cmp_ok scalar(@files) - @stored, '<=', 10, 'which are few';

@wrong = ();
for my $file (@stored) {
    my $res = $stack->get("/$type{$file}/$id{$file}", token => $token);
    my ($updated) = $res->{content} =~ /"lastUpdated":"([^"]+)"/;
    push @wrong, basename $file if $res->{status} != 200 || $res->{content} ne expected($text{$file}, $type{$file}, $id{$file}, $updated // '');
}
is join("\n", @wrong), '', 'and read back byte for byte';

# --- found by every value -----------------------------------------------------

my $json = JSON::PP->new->utf8->allow_nonref->allow_bignum;

# R4 search.html#escaping
sub escaped { return map { s/([\\,|\$])/\\$1/gr } @_ }

sub token_of {
    my ($system, $code) = @_;
    return () if !defined $code;
    my ($c) = escaped($code);
    return ([ '', $c ], [ '', defined $system ? join '|', escaped($system, $code) : "|$c" ]);
}

sub codings_of {
    my ($v) = @_;
    my @found = map { token_of(@$_{qw(system code)}) } @{ $v->{coding} // [] };
    push @found, map { [ ':text', escaped($_) ] } grep { defined } $v->{text};
    return @found;
}

sub texts_of { return map { [ '', escaped(substr $_, 0, 150) ] } grep { defined && /\w/ } @_ }

sub period_of {
    my ($v) = @_;
    return (defined $v->{start} ? [ '', "ge$v->{start}" ] : (), defined $v->{end} ? [ '', "le$v->{end}" ] : ());
}

sub quantity_of {
    my ($v) = @_;
    return () if !defined $v->{value};
    my @found = ([ '', "$v->{value}" ]);
    push @found, [ '', join '|', escaped($v->{value}, $v->{system}, $v->{code}) ] if defined $v->{system} && defined $v->{code};
    push @found, [ '', join '|', escaped($v->{value}), '', escaped($v->{unit} // $v->{code}) ] if defined($v->{unit} // $v->{code});
    return @found;
}

# A range is as a whole at or above its low end. R4 search.html#prefix
sub range_of {
    my ($v) = @_;
    my %prefix = (low => 'ge', high => 'le');
    return map {
        my $prefix = $prefix{$_};
        map { [ $_->[0], "$prefix$_->[1]" ] } quantity_of($v->{$_})
    } grep { $v->{$_} } qw(low high);
}

# What to ask for a value, by kind of parameter and of value: [ modifier, value ].
# What R4 gives no search for is answered by an empty list.
my %ask = (
    token => {
        coding     => sub { token_of(@{ $_[0] }{qw(system code)}) },
        codeable   => \&codings_of,
        identifier => sub { token_of(@{ $_[0] }{qw(system value)}) },
        contact    => sub { defined $_[0]{value} ? [ '', escaped($_[0]{value}) ] : () },
        code       => sub { [ '', escaped($_[0]) ] },
        text       => sub { [ '', escaped($_[0]) ] },
        uri        => sub { [ '', escaped($_[0]) ] },
        canonical  => sub { [ '', escaped($_[0]) ] },
        boolean    => sub { [ '', $_[0] ? 'true' : 'false' ] },
        yes        => sub { [ '', 'true' ] },
        no         => sub { [ '', 'false' ] },
    },
    string => {
        string  => \&texts_of,
        text    => \&texts_of,
        name    => sub { texts_of($_[0]{text}, $_[0]{family}, map { $_ ? @$_ : () } @{ $_[0] }{qw(given prefix suffix)}) },
        address => sub { texts_of(@{ $_[0] }{qw(text city district state postalCode country)}, @{ $_[0]{line} // [] }) },
    },
    reference => {
        reference => sub {
            my ($v) = @_;
            my $url = $v->{reference} // '';
            return (
                $url =~ /^(?:#|$)/ ? () : [ '', escaped($url) ],
                $v->{identifier} ? map { [ ':identifier', $_->[1] ] } token_of(@{ $v->{identifier} }{qw(system value)}) : (),
            );
        },
        # One that is no URL names a record of ours, whose type it must say: a
        # bare word as in library-fhir-helpers.json is asked as an id. R4
        # search.html#reference
        canonical => sub { $_[0] =~ m{^\w[^#]*[/:]} ? [ '', escaped($_[0]) ] : () },
        uri       => sub { $_[0] =~ /^#/ ? () : [ '', escaped($_[0]) ] },
        resource  => sub { () },    # in a Bundle: it has no address
    },
    date => {
        date   => sub { [ '', $_[0] ] },
        period => \&period_of,
        timing => sub { (map { [ '', $_ ] } @{ $_[0]{event} // [] }), period_of($_[0]{repeat}{boundsPeriod} // {}) },
    },
    uri => { map { ($_ => sub { [ '', escaped($_[0]) ] }) } qw(uri canonical text) },
    number => {
        number => sub { [ '', "$_[0]" ] },
        range  => \&range_of,
    },
    quantity => {
        quantity => \&quantity_of,
        money    => sub { [ '', "$_[0]{value}" ] },
        range    => \&range_of,
        sampled  => sub { () },
    },
);

# The parameters that the server says it answers.
my %kind;
for my $resource (@{ $stack->get('/metadata')->{json}{rest}[0]{resource} }) {
    $kind{ $resource->{type} }{ $_->{name} } = $_->{type} for @{ $resource->{searchParam} };
}

# query => { id of a record that it must find => 1 }
my (%wanted, %unknown, $values);
sub want {
    my ($file, $type, $code, $value) = @_;
    my $kind = $kind{$type}{$code} // return;
    my ($form, $source) = @$value;
    # _lastUpdated is the server's, whatever the example says.
    return if $kind eq 'composite' || $kind eq 'special' || $code eq '_lastUpdated';
    my $ask = $ask{$kind}{$form} or return $unknown{"$kind $form ($type $code)"} = 1;
    my $plain = $code eq '_id' ? $id{$file} : $source;
    $values++;
    for my $found ($ask->($plain)) {
        my ($modifier, $text) = @$found;
        utf8::encode($text);
        $text =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/gea;
        $wanted{"/$type?$code$modifier=$text"}{ $id{$file} } = 1;
    }
    return;
}

my $tool = ($ENV{BUILD} // 'build') . '/tests/tool_extract';
open my $extract, '-|', $tool, @stored or die "$tool: $!\n";
while (my $line = <$extract>) {
    my $one = $json->decode($line);
    next if $one->{entry} >= 0;    # a resource in a Bundle is no record
    for my $code (sort keys %{ $one->{values} }) {
        want($one->{file}, $one->{type}, $code, $_) for @{ $one->{values}{$code} };
    }
}
close $extract;
is join(', ', sort keys %unknown), '', 'there is a question for every kind of value';
cmp_ok $values, '>', 4000, "$values values";

# The ids of the records that a search finds. Its bytes are looked at as they
# are, because JSON::PP needs longer than the server.
my $base = $stack->env('HTTP_URL') . '/v3/fhir';
sub found {
    my ($query) = @_;
    my $res = $stack->{http}->get("$base$query", { headers => { authorization => "Bearer $token" } });
    push @wrong, "$query: $res->{status} " . substr $res->{content}, 0, 300 if $res->{status} != 200;
    return $res->{content} =~ m{"fullUrl":"[^"]*/([^"/]+)"}g;
}

# Among the first that match, or among those with its id.
@wrong = ();
for my $query (sort keys %wanted) {
    my %found = map { ($_ => 1) } found("$query&_count=10");
    for my $id (grep { !$found{$_} } sort keys %{ $wanted{$query} }) {
        push @wrong, "$query does not find $id" if !grep { $_ eq $id } found("$query&_id=$id");
    }
}
is join("\n", @wrong[ 0 .. ($#wrong < 20 ? $#wrong : 20) ]), '', scalar(keys %wanted) . ' searches find all of their records';

done_testing;
