package PageRows;

# The pages that clinicians ask for, against a table made for them: extracted
# columns, the body beside them, and the composite index of just that page.
# Both sides are statements of pgbench, ours as the search sent them. They
# return the same: bodies as they were sent, and of each row the place in the
# order from which the next page goes on.

use strict;
use warnings;

use Load;
use Rows;
use Setup;
use Statements;

my $SAMPLES = 20;
my $PAGE    = 50;
my $FETCHED = $PAGE + 1;     # one more tells whether there is a next page

# Where a page's rows come from: the type, and a column per criterion.
my %TABLE = (
    flat_observation => {
        type    => 'Observation',
        columns => {
            patient  => q(body #>> '{subject,reference}'),
            code     => q(body #>> '{code,coding,0,code}'),
            category => q(body #>> '{category,0,coding,0,code}'),
            at       => q(coalesce(body ->> 'effectiveDateTime', body #>> '{effectivePeriod,start}')::timestamptz),
        },
    },
    flat_encounter => {
        type    => 'Encounter',
        columns => {
            practitioner => q(body #>> '{participant,0,individual,reference}'),
            at           => q((body #>> '{period,start}')::timestamptz),
        },
    },
);

# Each page: its table and index; samples, the rows of criteria that ask most;
# the search and the statement for one of them.
my @PAGES = (
    {
        name    => "patient's newest observations",
        table   => 'flat_observation', index => 'patient, at desc, rid desc',
        samples => 'select patient from flat_observation group by 1 order by count(*) desc',
        search  => 'Observation?patient=%s&_sort=-date',
        where   => "patient = '%s'",
    },
    {
        name    => "patient's newest of one code",
        table   => 'flat_observation', index => 'patient, code, at desc, rid desc',
        samples => 'select patient, code from flat_observation group by 1, 2 order by count(*) desc',
        search  => 'Observation?patient=%s&code=%s&_sort=-date',
        where   => "patient = '%s' and code = '%s'",
    },
    {
        name    => "patient's newest of one category since a date",
        table   => 'flat_observation', index => 'patient, category, at desc, rid desc',
        samples => q(select patient, category, to_char(min(at) + (max(at) - min(at)) / 2, 'YYYY-MM-DD')
            from flat_observation group by 1, 2 order by count(*) desc),
        search  => 'Observation?patient=%s&category=%s&date=ge%s&_sort=-date',
        where   => "patient = '%s' and category = '%s' and at >= '%s'",
    },
    {
        name    => "practitioner's encounters of a week",
        table   => 'flat_encounter', index => 'practitioner, at desc, rid desc',
        samples => q(select practitioner, to_char(date_trunc('week', at), 'YYYY-MM-DD'),
            to_char(date_trunc('week', at) + interval '7 days', 'YYYY-MM-DD')
            from flat_encounter where practitioner is not null group by 1, 2, 3 order by count(*) desc),
        search  => 'Encounter?practitioner=%s&date=ge%s&date=lt%s&_sort=-date',
        where   => "practitioner = '%s' and at >= '%s' and at < '%s'",
    },
);

sub rows { my (@sizes) = @_; return map { my $p = $_; map { name($p, $_) } @sizes } @PAGES }

sub name { my ($page, $size) = @_; return "page: $page->{name}, $size" }

# The tables, from what the instance holds.
sub build {
    my ($instance) = @_;
    for my $table (sort keys %TABLE) {
        my ($type, $columns) = @{ $TABLE{$table} }{qw(type columns)};
        my @names = sort keys %$columns;
        $instance->sql("drop table if exists $table",
            "create table $table (" . join(', ', map { $_ . ($_ eq 'at' ? ' timestamptz' : ' text') } @names)
              . ', rid bigint, body text compression lz4)',
            "insert into $table select " . join(', ', @$columns{@names}) . ', rid, text from '
              . '(select rid, ver.body as text, ver.body::jsonb as body from ' . Setup::RECORDS
              . "where starts_with(ver.body, '{\"resourceType\":\"$type\"')) as record");
    }
    $instance->sql("create index on $_->{table} ($_->{index})") for @PAGES;
    $instance->sql((map { "grant select on $_ to twocare" } keys %TABLE), 'vacuum analyze', 'checkpoint');
    return;
}

# Scripts of pgbench: what our search sends, and the page from the table.
sub scripts {
    my ($x, $page, $size) = @_;
    my $file = $page->{name} =~ s/\W+/-/gr . "-$size";
    my @samples = map { [ split /\|/ ] } split /\n/, $x->{instance}->sql("$page->{samples} limit $SAMPLES");
    my @sent = grep { $_->{name} =~ /^search_[0-9a-f]{16}$/ } $x->{log}->during(sub {
        for my $sample (@samples) {
            my $search = sprintf("/$page->{search}", @$sample) . "&_count=$PAGE";
            my $res = $x->{instance}->stack->get($search, token => $x->{token});
            die "$search: $res->{status}\n" if $res->{status} != 200;
            die "$search: nothing found\n"  if !@{ $res->{json}{entry} // [] };
        }
    });
    die "$page->{name}: " . @sent . ' statements for ' . @samples . " searches\n" if @sent != @samples;
    my (@ours, @theirs);
    for my $i (0 .. $#samples) {
        push @ours, write_lines("$file-ours-$i.sql", Statements::inlined($sent[$i]) . ';');
        push @theirs, write_lines("$file-table-$i.sql", "select rid, body, at from $page->{table} where "
            . sprintf($page->{where}, @{ $samples[$i] }) . " order by at desc, rid desc limit $FETCHED;");
    }
    return (search => \@ours, table => \@theirs);
}

# Rows for an instance of some size.
sub run {
    my ($x, $size) = @_;
    return if !wanted(rows($size));
    build($x->{instance});
    for my $page (grep { wanted(name($_, $size)) } @PAGES) {
        my %scripts = scripts($x, $page, $size);
        my %peer = (pgbench => $x->{instance}->program('pgbench'), host => $x->{instance}->host,
            clients => 2, servers => $x->{instance}->servers('postgres'));
        my %variant;
        for my $side (sort keys %scripts) {
            $variant{$side} = sub { Load::pgbench(%peer, scripts => $scripts{$side}) };
        }
        compare(interleave($ROUNDS, %variant), name($page, $size), 'search', 'table', floor => 0.5);
    }
    return;
}

1;
