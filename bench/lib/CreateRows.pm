package CreateRows;

# Creates, against pgbench running the same statements.

use strict;
use warnings;

use Fill;
use Load;
use Rows;
use Statements;

my $WRITERS = 8;      # clients of pgbench: with more it is no faster

my @CREATE_ROWS = ('create / pgbench');

sub rows { return @CREATE_ROWS }

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

sub run {
    my ($x) = @_;
    return if !wanted(@CREATE_ROWS);
    my $stack = $x->{instance}->stack;
    my %ours  = (url => $x->{http}, method => 'POST', tokens => $x->{tokens}, bodies => create_bodies(),
        paths => write_lines('path-create', '/v3/fhir/Observation'), servers => $x->{instance}->servers);
    Load::http(%ours);      # every worker has met the codes
    my @scripts;
    for my $i (1 .. $TEMPLATES) {
        my @sent = grep { $_->{name} =~ /^store_/ } $x->{log}->during(sub {
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

1;
