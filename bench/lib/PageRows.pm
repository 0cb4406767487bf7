package PageRows;

# The pages that clinicians ask for, against a table made for them: extracted
# columns, the body beside them, and the composite index of just that page.
# A page is asked of both over HTTP, of the table through bench/page; and, as
# rows of their own, the statements alone are compared by pgbench, ours as the
# search sent them. Both return the same: bodies as they were sent, and of each
# row the place in the order from which the next page goes on.

use strict;
use warnings;

use Load;
use Rows;
use Setup;
use Statements;
use TablePeer;

my $SAMPLES     = 20;
my $PAGE        = 50;
my $CONNECTIONS = 16;
my $FETCHED     = $PAGE + 1;     # one more tells whether there is a next page

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
# the search for one of them, and the condition with their texts as parameters.
my @PAGES = (
    {
        name    => "patient's newest observations",
        table   => 'flat_observation', index => 'patient, at desc, rid desc',
        samples => 'select patient from flat_observation group by 1 order by count(*) desc',
        search  => 'Observation?patient=%s&_sort=-date',
        where   => 'patient = $1',
    },
    {
        name    => "patient's newest of one code",
        table   => 'flat_observation', index => 'patient, code, at desc, rid desc',
        samples => 'select patient, code from flat_observation group by 1, 2 order by count(*) desc',
        search  => 'Observation?patient=%s&code=%s&_sort=-date',
        where   => 'patient = $1 and code = $2',
    },
    {
        name    => "patient's newest of one category since a date",
        table   => 'flat_observation', index => 'patient, category, at desc, rid desc',
        samples => q(select patient, category, to_char(min(at) + (max(at) - min(at)) / 2, 'YYYY-MM-DD')
            from flat_observation group by 1, 2 order by count(*) desc),
        search  => 'Observation?patient=%s&category=%s&date=ge%s&_sort=-date',
        where   => 'patient = $1 and category = $2 and at >= $3::timestamptz',
    },
    {
        name    => "practitioner's encounters of a week",
        table   => 'flat_encounter', index => 'practitioner, at desc, rid desc',
        samples => q(select practitioner, to_char(date_trunc('week', at), 'YYYY-MM-DD'),
            to_char(date_trunc('week', at) + interval '7 days', 'YYYY-MM-DD')
            from flat_encounter where practitioner is not null group by 1, 2, 3 order by count(*) desc),
        search  => 'Encounter?practitioner=%s&date=ge%s&date=lt%s&_sort=-date',
        where   => 'practitioner = $1 and at >= $2::timestamptz and at < $3::timestamptz',
    },
);

sub rows {
    my (@sizes) = @_;
    return map { my $page = $_; map { (name($page, $_), sql_name($page, $_)) } @sizes } @PAGES;
}

sub name     { my ($page, $size) = @_; return "page: $page->{name}, $size" }
sub sql_name { my ($page, $size) = @_; return name($page, $size) . ', SQL alone' }

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

sub samples {
    my ($x, $page) = @_;
    return map { [ split /\|/ ] } split /\n/, $x->{instance}->sql("$page->{samples} limit $SAMPLES");
}

# The paths of our searches; each finds something.
sub searches {
    my ($x, $page, @samples) = @_;
    my @paths = map { sprintf("/$page->{search}", @$_) . "&_count=$PAGE" } @samples;
    for my $path (@paths) {
        my $res = $x->{instance}->stack->get($path, token => $x->{token});
        die "$path: $res->{status}\n" if $res->{status} != 200;
        die "$path: nothing found\n"  if !@{ $res->{json}{entry} // [] };
    }
    return @paths;
}

sub statement {
    my ($page, $where) = @_;
    return "select rid, body, at from $page->{table} where $where order by at desc, rid desc limit $FETCHED";
}

# --- over HTTP -----------------------------------------------------------------

sub over_http {
    my ($x, $page, $size) = @_;
    return if !wanted(name($page, $size));
    my $file    = $page->{name} =~ s/\W+/-/gr . "-$size";
    my @samples = samples($x, $page);
    my $type    = $TABLE{ $page->{table} }{type};
    my $peer    = TablePeer->new(clients => ['one-1:0:0'], instance => $x->{instance}, type => $type,
        sql => statement($page, $page->{where}), workers => $x->{instance}->workers('fast'));
    my %peer = (url => $peer->url, tokens => $peer->tokens('one', 1, 1), servers => $peer->servers,
        paths => write_lines("path-$file-table", map {
            "/v3/fhir/$type?" . join '&', map { "p=$_" } @$_
        } @samples));
    my %ours = (url => $x->{http}, tokens => $x->{tokens}, servers => $x->{instance}->servers,
        paths => write_lines("path-$file", map { "/v3/fhir$_" } searches($x, $page, @samples)));
    my $r = interleave($ROUNDS,
        search => sub { Load::http(%ours, connections => $CONNECTIONS) },
        table  => sub { $peer->touch; Load::http(%peer, connections => $CONNECTIONS) },
    );
    printf "  pages of %.0f kB, of the table %.0f kB\n", map { $r->{$_}[0]{bytes} / 1000 } qw(search table);
    compare($r, name($page, $size), 'search', 'table', floor => 0.5);
    return;
}

# --- the statements alone --------------------------------------------------------

# Scripts of pgbench: what our search sends, and the page from the table.
sub scripts {
    my ($x, $page, $size) = @_;
    my $file    = $page->{name} =~ s/\W+/-/gr . "-$size";
    my @samples = samples($x, $page);
    my @sent    = grep { $_->{name} =~ /^search_[0-9a-f]{16}$/ }
      $x->{log}->during(sub { searches($x, $page, @samples) });
    die "$page->{name}: " . @sent . ' statements for ' . @samples . " searches\n" if @sent != @samples;
    my (@ours, @theirs);
    for my $i (0 .. $#samples) {
        my $where = $page->{where} =~ s/\$(\d)/'$samples[$i][$1 - 1]'/gr;
        push @ours, write_lines("$file-ours-$i.sql", Statements::inlined($sent[$i]) . ';');
        push @theirs, write_lines("$file-table-$i.sql", statement($page, $where) . ';');
    }
    return (search => \@ours, table => \@theirs);
}

sub statements {
    my ($x, $page, $size) = @_;
    return if !wanted(sql_name($page, $size));
    my %scripts = scripts($x, $page, $size);
    my %peer = (pgbench => $x->{instance}->program('pgbench'), host => $x->{instance}->host,
        clients => 2, servers => $x->{instance}->servers('postgres'));
    my %variant;
    for my $side (sort keys %scripts) {
        $variant{$side} = sub { Load::pgbench(%peer, scripts => $scripts{$side}) };
    }
    compare(interleave($ROUNDS, %variant), sql_name($page, $size), 'search', 'table');
    return;
}

# Rows for an instance of some size.
sub run {
    my ($x, $size) = @_;
    return if !wanted(rows($size));
    build($x->{instance});
    for my $page (@PAGES) {
        over_http($x, $page, $size);
        statements($x, $page, $size);
    }
    return;
}

1;
