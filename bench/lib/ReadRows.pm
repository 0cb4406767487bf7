package ReadRows;

# Reads by id and a search page, against pgbench running the same SQL and
# against an echo behind the same nginx.

use strict;
use warnings;

use Fill;
use Load;
use Peer;
use Rows;
use Statements;

my @GET_ROWS = ('GET by id / pgbench', 'GET by id / FastCGI echo', 'GET by id over TLS / pgbench');
my @SEARCH_ROWS = ('search page of 50 / pgbench');

sub rows { return (@GET_ROWS, @SEARCH_ROWS) }

sub run {
    my ($x) = @_;
    get_by_id($x);
    search_page($x);
    return;
}

sub get_by_id {
    my ($x) = @_;
    return if !wanted(@GET_ROWS);
    my $stack = $x->{instance}->stack;
    my $first = $stack->get('/Observation/1', token => $x->{token});
    my $size  = length $first->{content};
    my ($sent) = grep { $_->{name} eq 'store_read' }
      $x->{log}->during(sub { $stack->get('/Observation/1', token => $x->{token}) });
    my $script = write_lines('get.sql', "\\set i random(1, $OBSERVATIONS)",
        Statements::inlined($sent, sub { $_[0] eq '1' && $_[1] == 3 ? ':i' : undef }) . ';');
    my %peer = (pgbench => $x->{instance}->program('pgbench'), host => $x->{instance}->host, scripts => [$script],
        servers => $x->{instance}->servers('postgres'));
    my $clients = Load::best_clients(%peer, among => [ 1, 2, 4, 8 ]);
    my $peer  = Peer->new(clients => ['one-1:0:0']);
    my $token = $peer->tokens('one', 1, 1);
    my $paths = observation_paths('/v3/fhir');
    my %ours  = (paths => $paths, tokens => $x->{tokens}, servers => $x->{instance}->servers);
    my $r = interleave($ROUNDS,
        get     => sub { Load::http(url => $x->{http}, %ours) },
        tls     => sub { Load::http(url => $x->{https}, %ours) },
        pgbench => sub { Load::pgbench(%peer, clients => $clients) },
        echo    => sub {
            $peer->touch;
            Load::http(url => $peer->url, tokens => $token, servers => $peer->servers,
                paths => write_lines('path-sized', "/v3/fhir/Observation/1?size=$size"));
        },
    );
    printf "  records of %d bytes; pgbench with %d clients\n", $size, $clients;
    compare($r, $GET_ROWS[0], 'get', 'pgbench', floor => 0.30, aim => '0.40');
    compare($r, $GET_ROWS[1], 'get', 'echo',    floor => 0.35, aim => '0.42');
    compare($r, $GET_ROWS[2], 'tls', 'pgbench');
    return;
}

sub search_page {
    my ($x) = @_;
    return if !wanted(@SEARCH_ROWS);
    my $stack = $x->{instance}->stack;
    my @pages = map { patient_page($_) } 1 .. $PATIENTS;
    my @sent  = grep { $_->{name} =~ /^search_[0-9a-f]{16}$/ } $x->{log}->during(sub {
        for my $page (@pages) {
            my $res = $stack->get($page, token => $x->{token});
            die "$page: $res->{status}\n" if $res->{status} != 200;
            die "$page: not 50 entries\n" if @{ $res->{json}{entry} } != 50;
        }
    });
    die 'a search is ' . @sent . ' statements, not ' . @pages . "\n" if @sent != @pages;
    # What differs between patients: the keys of the lists that are walked.
    my @differ = grep { my $i = $_; $sent[0]{args}[$i] ne $sent[1]{args}[$i] } 0 .. $#{ $sent[0]{args} };
    my %variable = map { ($_ + 1 => "k$_") } @differ;
    my $script = write_lines('search.sql', "\\set i random(1, $PATIENTS)",
        (map { my $i = $_; "\\set k$i " . Statements::choose('i', 1, map { $_->{args}[$i] } @sent) } @differ),
        Statements::inlined($sent[0], sub {
            my ($value, $number) = @_;
            return $variable{$number} && ":$variable{$number}";
        }) . ';');
    my %peer = (pgbench => $x->{instance}->program('pgbench'), host => $x->{instance}->host, scripts => [$script],
        servers => $x->{instance}->servers('postgres'));
    my $clients = Load::best_clients(%peer, among => [ 2, 4, 8 ]);
    my %ours = (url => $x->{http}, tokens => $x->{tokens}, paths => search_paths('/v3/fhir'),
        connections => 16, servers => $x->{instance}->servers);
    my $r = interleave($ROUNDS,
        search  => sub { Load::http(%ours) },
        pgbench => sub { Load::pgbench(%peer, clients => $clients) },
    );
    printf "  pages of %.0f kB; pgbench with %d clients\n", $r->{search}[0]{bytes} / 1000, $clients;
    compare($r, $SEARCH_ROWS[0], 'search', 'pgbench', floor => 0.50);
    return;
}

1;
