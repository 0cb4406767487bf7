#!/usr/bin/perl
# The load, its peers, and the table (bench/run.sh says how to call it).
#
# A group is a set of variants, each measured once in every round, in turn and
# in alternating order; its rows compare two variants round by round. Answers
# other than the expected ones end the run with 1; a missed ratio does not.

use strict;
use warnings;

use File::Path qw(make_path);
use File::Spec::Functions qw(rel2abs);
use JSON::PP;
use List::Util qw(sum);

use Instance;
use Load;
use Peer;
use Records;
use Report;
use Stack;
use Statements;

my $BUILD  = rel2abs($ENV{BUILD} // 'build');
my $ROUNDS = $ENV{ROUNDS} // 5;
my $ONLY   = $ENV{ONLY} // '.';
my $DIR    = "$BUILD/bench";

my $PATIENTS     = 100;
my $OBSERVATIONS = 10_000;
my $TEMPLATES    = 8;
my $CONNECTIONS  = 32;
my $IMPORTERS    = 4;      # SLOW_WORKERS of the instance
my $WRITERS      = 8;      # FAST_WORKERS of the instance, and pgbench's clients

$Load::SECONDS = $ENV{SECONDS_PER_RUN} // 2;
$| = 1;

# --- pieces ------------------------------------------------------------------------

sub write_lines {
    my ($name, @lines) = @_;
    my $path = "$DIR/$name";
    open my $fh, '>', $path or die "$path: $!\n";
    print {$fh} "$_\n" for @lines;
    close $fh or die "$path: $!\n";
    return $path;
}

sub wanted {
    my (@rows) = @_;
    return scalar grep { /$ONLY/ } @rows;
}

# Measure every variant (name => sub) once a round; { name => [results] }.
sub interleave {
    my ($rounds, %variant) = @_;
    my @names = sort keys %variant;
    my %results;
    for my $round (1 .. $rounds) {
        for my $name ($round % 2 ? @names : reverse @names) {
            my $r = $variant{$name}->();
            die "$name: $r->{bad} of $r->{requests} answers were not as expected\n" if $r->{bad};
            push @{ $results{$name} }, $r;
        }
    }
    return \%results;
}

# A row from two variants, if asked for.
sub compare {
    my ($results, $name, $ours, $theirs, %more) = @_;
    return if !wanted($name);
    Report::row(name => $name, ours => $results->{$ours},
        ($theirs ? (theirs => $results->{$theirs}, against => $theirs) : ()), %more);
    return;
}

# --- the edge alone ------------------------------------------------------------------

my @EDGE_ROWS = ('edge: cached token, limits, headers', 'edge: 2,000 tokens of 500 clients',
    'edge before FastCGI', 'edge: a 429 (CPU)');

sub edge {
    return if !wanted(@EDGE_ROWS);
    my $peer = Peer->new(clients => [ (map { "many-$_:0:0" } 1 .. 500), 'one-1:0:0', 'spent-1:1:1' ]);
    my %tokens = (
        one   => $peer->tokens('one', 200, 1),
        many  => $peer->tokens('many', 2000, 500),
        spent => $peer->tokens('spent', 200, 1),
    );
    my %paths = map { $_ => write_lines("path-$_", '/' . $_ =~ s/-/\//r) } qw(bare edge echo edge-echo);
    my $get = sub {
        my ($path, $tokens, %more) = @_;
        return sub {
            $peer->touch;
            return Load::http(url => $peer->bare, paths => $paths{$path}, tokens => $tokens,
                connections => $CONNECTIONS, servers => $peer->servers, %more);
        };
    };
    my %variant = (
        bare      => $get->('bare',      $tokens{one}),
        edge      => $get->('edge',      $tokens{one}),
        many      => $get->('edge',      $tokens{many}),
        echo      => $get->('echo',      $tokens{one}),
        edge_echo => $get->('edge-echo', $tokens{one}),
        spent     => $get->('edge-echo', $tokens{spent}, refused => 1),
    );
    # The one request that the spent client has.
    Load::http(url => $peer->bare, paths => $paths{edge}, tokens => $tokens{spent}, seconds => 1);
    my $r = interleave($ROUNDS, %variant);
    compare($r, $EDGE_ROWS[0], 'edge', 'bare', floor => 0.80, added_us => 3);
    compare($r, $EDGE_ROWS[1], 'many', 'bare', floor => 0.80, added_us => 3);
    compare($r, $EDGE_ROWS[2], 'edge_echo', 'echo', floor => 0.95);
    compare($r, $EDGE_ROWS[3], 'spent', 'edge_echo', of => 'cpu_us', ceiling => 1);
    return;
}

# --- records -------------------------------------------------------------------------

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

sub search_paths {
    my ($base) = @_;
    return write_lines('path-search', map { "$base/Observation?patient=$_&_sort=-date&_count=50" } 1 .. $PATIENTS);
}

# What creates send: observations of a few patients and days.
sub template {
    my ($i) = @_;
    return Records::text(Records::blood_pressure($i * 17, "Patient/$i"));
}

sub create_bodies { return write_lines('body-create', map { template($_) } 1 .. $TEMPLATES) }

sub path_of { my ($url) = @_; return $url =~ s{^https?://[^/]+}{}r }

# --- reads ----------------------------------------------------------------------------

my @GET_ROWS = ('GET by id / pgbench', 'GET by id / FastCGI echo', 'GET by id over TLS / pgbench');

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

my @SEARCH_ROWS = ('search page of 50 / pgbench');

sub search_page {
    my ($x) = @_;
    return if !wanted(@SEARCH_ROWS);
    my $stack = $x->{instance}->stack;
    my @pages = map { "/Observation?patient=$_&_sort=-date&_count=50" } 1 .. $PATIENTS;
    my @sent  = grep { $_->{name} =~ /^search_[0-9a-f]{16}$/ } $x->{log}->during(sub {
        for my $page (@pages) {
            my $res = $stack->get($page, token => $x->{token});
            die "$page: $res->{status}\n" if $res->{status} != 200;
            die "$page: not 50 entries\n" if @{ $res->{json}{entry} } != 50;
        }
    });
    die 'a search is ' . @sent . ' statements, not ' . @pages . "\n" if @sent != @pages;
    # The one argument that differs between patients: the key of the reference.
    my ($differs) = grep { my $i = $_; $sent[0]{args}[$i] ne $sent[1]{args}[$i] } 0 .. $#{ $sent[0]{args} };
    my @keys = map { $_->{args}[$differs] =~ /(-?\d+)/ } @sent;
    my $script = write_lines('search.sql', "\\set i random(1, $PATIENTS)",
        '\set k ' . Statements::choose('i', 1, @keys),
        Statements::inlined($sent[0], sub { $_[1] == $differs + 1 ? '(array[:k])::bigint[]' : undef }) . ';');
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

# --- writes -----------------------------------------------------------------------------

my @CREATE_ROWS = ('create / pgbench');

# The statements of one create as a pipeline, which pgbench repeats with other
# rids, ids and hashes. A rid grows with time as the writers' do:
# milliseconds << 22, writer << 10.
sub create_script {
    my (@sent) = @_;
    my ($create) = grep { $_->{name} eq 'store_create' } @sent;
    my ($id, $rid, $hash) = map { $create->{args}[$_] =~ /^\{(.*)\}$/ } 2, 3, 9;
    my $writer = $rid >> 10 & 4095;
    my %put = (
        $id   => "'" . substr($id, 0, 7) . q(' || :rid),
        $rid  => ':rid',
        $hash => ':hash',
    );
    my $known = join '|', map { quotemeta } $id, $rid, $hash;
    my $expr = sub {
        my ($value, $number) = @_;
        return ':client_id' if $value eq $writer && $number > 1;
        return if !defined $value || $value !~ /$known/;
        return '(' . join(' || ', map { $put{$_} // Statements::literal($_) } grep { length } split /($known)/, $value) . ')';
    };
    return ('\set at :at + 1', '\set rid (:at << 22) | (:client_id << 10)', '\set hash hash_murmur2(:rid)',
        '\startpipeline', (map { Statements::inlined($_, $expr) . ';' } @sent), '\endpipeline');
}

sub create {
    my ($x) = @_;
    return if !wanted(@CREATE_ROWS);
    my $stack = $x->{instance}->stack;
    my %ours  = (url => $x->{http}, method => 'POST', tokens => $x->{tokens}, bodies => create_bodies(),
        paths => write_lines('path-create', '/v3/fhir/Observation'), servers => $x->{instance}->servers);
    Load::http(%ours);      # every worker has met the codes
    my @scripts;
    for my $i (1 .. $TEMPLATES) {
        my @sent = $x->{log}->during(sub {
            my $res = $stack->post('/Observation', token => $x->{token}, body => template($i));
            die "the record was refused: $res->{status}\n" if $res->{status} != 201;
        });
        push @scripts, write_lines("create-$i.sql", create_script(@sent));
        printf "  a create is %s\n", join ', ', map { $_->{name} } @sent if $i == 1;
    }
    my %peer = (pgbench => $x->{instance}->program('pgbench'), host => $x->{instance}->host, scripts => \@scripts,
        clients => $WRITERS, servers => $x->{instance}->servers('postgres'));
    my $r = interleave($ROUNDS,
        create  => sub { Load::http(%ours) },
        pgbench => sub { Load::pgbench(%peer, define => { at => (time - 1577836800) * 1000 }) },
    );
    compare($r, $CREATE_ROWS[0], 'create', 'pgbench', floor => 0.70);
    return;
}

# --- import -----------------------------------------------------------------------------

my @IMPORT_ROWS = ('import by 4 clients / pgbench');

# The real bundles where they are, else histories of our own.
sub import_files {
    my $archive = ($ENV{SHARED_DATA} // '../shared/data') . '/synthea.tar.xz';
    my $folder  = "$DIR/bundles";
    system 'rm', '-rf', '--', $folder;
    make_path($folder);
    if (-r $archive) {
        system('tar', '-xJf', $archive, '-C', $folder) == 0 or die "tar failed\n";
        return sort glob "$folder/*/*.json";
    }
    return map { write_lines("bundles/$_.json", Records::history($_)) } 1 .. 100;
}

# What each session wrote as one script: a pipeline for each transaction, its
# statements prepared before. A transaction begins with the new records.
sub replay_scripts {
    my (@sent) = @_;
    my (%share, @sessions);
    for my $s (grep { $_->{name} =~ /^store_(?!writer)/ } @sent) {
        push @sessions, $s->{session} if !$share{ $s->{session} };
        push @{ $share{ $s->{session} } }, $s;
    }
    return map { write_lines("import-$_.sql", replay_lines(@{ $share{ $sessions[$_] } })) } 0 .. $#sessions;
}

sub replay_lines {
    my (@sent) = @_;
    my %name = map { $_->{name} => $_ } @sent;
    my @lines = (Load::start_together(), map { Statements::prepare($name{$_}) . ';' } sort keys %name);
    for my $i (0 .. $#sent) {
        my $begins = $i == 0 || $sent[$i]{name} eq 'store_create';
        push @lines, '\endpipeline'   if $begins && $i > 0;
        push @lines, '\startpipeline' if $begins;
        push @lines, Statements::execute($sent[$i]) . ';';
    }
    return (@lines, '\endpipeline');
}

sub import {
    my ($x) = @_;
    return if !wanted(@IMPORT_ROWS);
    my $instance = $x->{instance};
    my @files = import_files();
    my %ours  = (load => "$BUILD/bench/load", url => "$x->{https}/v3/fhir", token => $x->{tokens},
        ca_file => $x->{ca_file}, clients => $IMPORTERS, files => \@files, servers => $instance->servers);
    my $first;
    my @sent = $x->{log}->during(sub { $first = Load::bundles(%ours) });
    my %peer = (pgbench => $instance->program('pgbench'), host => $instance->host, instance => $instance,
        database => 'replay', scripts => [ replay_scripts(@sent) ], records => $first->{requests},
        servers => $instance->servers('postgres'));
    undef @sent;
    $instance->scratch('empty');
    my $r = interleave($ROUNDS,
        import  => sub { Load::bundles(%ours) },
        pgbench => sub {
            $instance->sql('drop database if exists replay',
                'create database replay owner twocare template empty strategy file_copy');
            Load::replay(%peer);
        },
    );
    printf "  %d bundles, %d records; %d sessions\n", scalar @files, $first->{requests}, scalar @{ $peer{scripts} };
    compare($r, $IMPORT_ROWS[0], 'import', 'pgbench', floor => 0.5, aim => '5000/s');
    return;
}

# --- the whole --------------------------------------------------------------------------

sub prepare {
    my $instance = Instance->new(dir => "$DIR/run", port => $ENV{BENCH_PORT} // 28443, build => $BUILD);
    my $stack = $instance->stack;
    my $log   = Statements->new($instance);
    $stack->tenant('bench');
    my $client = $stack->client(tenant => 'bench', name => 'load', tier => 'enterprise', hour => 60_000_000, minute => 60_000_000);
    my $token = $stack->token($client);
    for (1 .. 50) {
        last if $stack->get('/Patient/none', token => $token)->{status} == 404;
        select undef, undef, undef, 0.2;
    }
    fill($stack, $token);
    $instance->sql('vacuum analyze', 'checkpoint');
    return {
        instance => $instance, log => $log, token => $token,
        tokens => write_lines('tokens', $token),
        http   => $stack->env('HTTP_URL'),
        https  => $stack->env('AUTH_URL'),
        ca_file => $stack->env('CA_FILE'),
    };
}

# The absolute rows of an install that is not ours; its tenant keeps the records.
sub remote {
    my ($base) = @_;
    my ($origin) = $base =~ m{^(https?://[^/]+)};
    my %env = (FHIR_URL => "$base/fhir", AUTH_URL => $origin, CA_FILE => $ENV{CA_FILE} // '/etc/ssl/certs/ca-certificates.crt',
        map { $_ => $ENV{$_} // die "$_ is not set\n" } qw(CLIENT_ID CLIENT_SECRET));
    local $ENV{STACK_ENV} = write_lines('target.env', map { "$_=$env{$_}" } sort keys %env);
    chmod 0600, $ENV{STACK_ENV};
    my $stack  = Stack->new;
    my $token  = $stack->token;
    my $fhir   = path_of($env{FHIR_URL});
    my %common = (url => $origin, tokens => write_lines('tokens', $token));
    fill($stack, $token);
    my $r = interleave($ROUNDS,
        get    => sub { Load::http(%common, paths => observation_paths($fhir)) },
        search => sub { Load::http(%common, paths => search_paths($fhir), connections => 16) },
        create => sub { Load::http(%common, paths => write_lines('path-create', "$fhir/Observation"),
            method => 'POST', bodies => create_bodies()) },
    );
    compare($r, 'GET by id',         'get');
    compare($r, 'search page of 50', 'search');
    compare($r, 'create',            'create');
    return;
}

sub local_rows {
    edge();
    if (wanted(@GET_ROWS, @SEARCH_ROWS, @CREATE_ROWS, @IMPORT_ROWS)) {
        my $x = prepare();
        get_by_id($x);
        search_page($x);
        create($x);
        import($x);
    }
    return;
}

sub main {
    make_path($DIR);
    print Report::head();
    my $done = eval { $ENV{TARGET} ? remote($ENV{TARGET} =~ s{/+$}{}r) : local_rows(); 1 };
    print "\nfailed: $@" if !$done;
    print "\n", Report::table();
    my @misses = Report::misses();
    print "missed: ", join('; ', @misses), "\n" if @misses;
    Report::write_json("$DIR/result.json", rounds => $ROUNDS + 0, seconds => $Load::SECONDS + 0,
        ($done ? () : (failed => "$@")));
    return $done ? 0 : 1;
}

exit main();
