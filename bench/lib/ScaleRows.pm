package ScaleRows;

# Ten times the data beside the data: an instance with the bundles once and an
# instance with them ten times (new records each time; ids are the server's).

use strict;
use warnings;

use Fill;
use ImportRows;
use Load;
use PageRows;
use Rows;
use Setup;
use ShapeRows;

my $TIMES = 10;
my $SEEN  = 2;      # imports at each end that count as small and as large
my $READ  = 5_000;

my @ROWS = ('import at 10x / at 1x', 'GET by id at 10x / at 1x');

sub rows { return (@ROWS, ShapeRows::rows(), PageRows::rows('1x', '10x')) }

sub run {
    return if !wanted(rows());
    my @files = ImportRows::import_files();
    my $one   = Setup::instance('one', 28543);
    my $ten   = Setup::instance('ten', 28643);
    my $first = filled($one, @files);
    my @imports = map { filled($ten, @files) } 1 .. $TIMES;
    $_->{instance}->sql('vacuum analyze', 'checkpoint') for $one, $ten;
    printf "  %d bundles, %d records, and %d times as many\n", scalar @files, $first->{requests}, $TIMES;
    compare({ large => [ @imports[ -$SEEN .. -1 ] ], small => [ @imports[ 0 .. $SEEN - 1 ] ] },
        $ROWS[0], 'large', 'small', floor => 0.8);
    by_id($one, $ten);
    ShapeRows::run($one, $ten);
    PageRows::run($one, '1x');
    PageRows::run($ten, '10x');
    return;
}

sub filled {
    my ($x, @files) = @_;
    my $r = Load::bundles(ImportRows::load($x, @files));
    die "$r->{bad} bundles were refused\n" if $r->{bad};
    return $r;
}

# Records picked at random over the whole of each instance.
sub by_id {
    my ($one, $ten) = @_;
    return if !wanted($ROWS[1]);
    my %variant;
    for my $x ($one, $ten) {
        my @ids = split /\n/, $x->{instance}->sql('select id from ' . Setup::RECORDS . "where starts_with(body, '{\"resourceType\":\"Observation\"') order by random() limit $READ");
        my $paths = write_lines("path-$x->{name}", map { "/v3/fhir/Observation/$_" } @ids);
        $variant{ $x->{name} } = sub {
            Load::http(url => $x->{http}, paths => $paths, tokens => $x->{tokens}, servers => $x->{instance}->servers);
        };
    }
    compare(interleave($ROUNDS, %variant), $ROWS[1], 'ten', 'one', floor => 0.95);
    return;
}

1;
