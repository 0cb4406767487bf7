package ImportRows;

# Transaction bundles of whole patients, against a replay of what they wrote.

use strict;
use warnings;

use File::Path qw(make_path);
use Load;
use Records;
use Rows;
use Statements;

my $IMPORTERS = 4;      # SLOW_WORKERS of the instance

my @IMPORT_ROWS = ('import by 4 clients / pgbench');

sub rows { return @IMPORT_ROWS }

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

# How Load::bundles() puts them into an instance.
sub load {
    my ($x, @files) = @_;
    return (load => "$BUILD/bench/load", url => "$x->{https}/v3/fhir", token => $x->{tokens},
        ca_file => $x->{ca_file}, clients => $IMPORTERS, files => \@files, servers => $x->{instance}->servers);
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

sub run {
    my ($x) = @_;
    return if !wanted(@IMPORT_ROWS);
    my $instance = $x->{instance};
    my @files = import_files();
    my %ours  = load($x, @files);
    my $first;
    my @sent = $x->{log}->during(sub { $first = Load::bundles(%ours) });
    my %peer = (pgbench => $instance->program('pgbench'), host => $instance->host, instance => $instance,
        database => 'replay', scripts => [ replay_scripts(@sent) ], records => $first->{requests},
        servers => $instance->servers('postgres'));
    undef @sent;
    $instance->allow_replays($instance->scratch('empty'));
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

1;
