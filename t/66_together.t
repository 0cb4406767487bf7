# Requests of two tenants that reach the workers at the same moment share
# statements, and each gets its own answer: beside errors, writes, searches and
# one that waits for a lock.

use strict;
use warnings;
use lib 't/lib';

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Stack;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { CLIENTS => 64, ROUNDS => 12 };

my $stack = Stack->new;
my $n     = time;

sub clinic {
    my ($name) = @_;
    $stack->tenant("$name-$n");
    return $stack->client(tenant => "$name-$n", name => $name, tier => 'enterprise', hour => 1_000_000, minute => 1_000_000);
}

my %token = map { ($_ => $stack->token(clinic($_))) } qw(east west);
my ($host, $port) = $stack->env('HTTP_URL') =~ m{^http://([^:/]+):(\d+)} or die 'no HTTP_URL';

sub patient { my ($id, $family) = @_; return { resourceType => 'Patient', id => $id, name => [ { family => $family } ] } }

for my $who (sort keys %token) {
    for my $record ([ 'both', "first-$who" ], [ 'both', $who ], [ "only-$who", $who ], [ 'gone', $who ]) {
        my $res = $stack->put("/Patient/$record->[0]", token => $token{$who}, body => patient(@$record));
        like $res->{status}, qr/^20[01]$/, "$record->[0] of the $who";
    }
    is $stack->delete('/Patient/gone', token => $token{$who})->{status}, 204, "one of the $who is deleted";
}

# What is asked, the status, and what the body must say of whom.
my @asked = (
    [ 'GET /Patient/both',              200, sub { $_[0]{name}[0]{family} eq $_[1] } ],
    [ 'GET /Patient/both/_history/1',   200, sub { $_[0]{name}[0]{family} eq "first-$_[1]" } ],
    [ 'GET /Patient/only-east',         { east => 200, west => 404 } ],
    [ 'GET /Patient/only-west',         { east => 404, west => 200 } ],
    [ 'GET /Patient/gone',              410 ],
    [ 'GET /Patient/none',              404 ],
    [ 'GET /Patient/not_an_id',         404 ],
    [ 'GET /Patient/both?_format=xml',  406 ],
    [ 'GET /Nothing/both',              404 ],
    [ 'GET /Patient?_id=both',          200, sub { $_[0]{entry}[0]{resource}{name}[0]{family} eq $_[1] } ],
    [ 'GET /Patient/both/_history',     200, sub { $_[0]{total} == 2 } ],
    [ 'POST /Patient',                  201, sub { $_[0]{name}[0]{family} eq $_[1] } ],
    [ 'GET /Patient/both',              200, sub { $_[0]{name}[0]{family} eq $_[1] } ],
    [ 'POST /Patient broken',           400 ],
);

sub text_of {
    my ($what, $who) = @_;
    my ($method, $path, $broken) = split ' ', $what;
    my $body = $method eq 'GET' ? '' : $broken ? '{' : encode_json({ resourceType => 'Patient', name => [ { family => $who } ] });
    return "$method /v3/fhir$path HTTP/1.1\r\nHost: $host\r\nAuthorization: Bearer $token{$who}\r\n"
      . ($method eq 'GET' ? '' : "Content-Type: application/fhir+json\r\nContent-Length: " . length($body) . "\r\n") . "\r\n$body";
}

# A whole answer at the beginning of $in, which is taken from there.
sub take_answer {
    my ($in) = @_;
    my ($head, $length) = $$in =~ /\A(HTTP\/1\.1 \d+.*?\r\n\r\n)/s ? ($1, 0) : return;
    if ($head =~ /^Transfer-Encoding: chunked/mi) {
        my ($at, $body) = (length $head, '');
        while (substr($$in, $at) =~ /\A([0-9a-f]+)\r\n/) {
            my $n = hex $1;
            return if length $$in < $at + length($1) + 2 + $n + 2;
            $body .= substr $$in, $at + length($1) + 2, $n;
            $at += length($1) + 2 + $n + 2;
            next if $n;
            substr $$in, 0, $at, '';
            return ($head, $body);
        }
        return;
    }
    ($length) = $head =~ /^Content-Length: (\d+)/mi or return;
    return if length $$in < length($head) + $length;
    my $body = substr $$in, length $head, $length;
    substr $$in, 0, length($head) + $length, '';
    return ($head, $body);
}

my @socks = map { IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) // die "connect: $!\n" } 1 .. CLIENTS;

# Every client asks something else than in the round before; all at once.
sub round {
    my ($round) = @_;
    my (%row, %in, @wrong);
    for my $i (0 .. $#socks) {
        my $row = $asked[ ($i * 5 + $round) % @asked ];
        my $who = ($i + $round) % 2 ? 'east' : 'west';
        $row{ $socks[$i] } = [ $row, $who ];
        $in{ $socks[$i] } = '';
        syswrite $socks[$i], text_of($row->[0], $who);
    }
    my $select = IO::Select->new(@socks);
    my $until  = time + 20;
    while ($select->count && time < $until) {
        for my $sock ($select->can_read(1)) {
            sysread $sock, $in{$sock}, 65536, length $in{$sock} or return 'a connection was closed';
            my ($head, $body) = take_answer(\$in{$sock}) or next;
            $select->remove($sock);
            my ($row, $who) = @{ $row{$sock} };
            my $want = ref $row->[1] ? $row->[1]{$who} : $row->[1];
            my ($status) = $head =~ / (\d+)/;
            my $json = eval { decode_json($body) };
            push @wrong, "$who: $row->[0]: $status $body"
              if $status != $want || !$json || $row->[2] && !$row->[2]->($json, $who);
            push @wrong, "$who: $row->[0]: kept waiting\n" if length $in{$sock};
        }
    }
    push @wrong, $select->count . ' were not answered' if $select->count;
    return @wrong;
}

for my $round (1 .. ROUNDS) {
    my @wrong = round($round);
    is_deeply \@wrong, [], CLIENTS . " requests at once ($round)";
}

# --- one that waits for a lock ------------------------------------------------------

open my $lock, '|-', 'psql', '-Xqo', '/dev/null', $stack->env('PG_URL') or die "psql: $!\n";
print {$lock} "begin; select 1 from res where id = 'only-east' for update; select pg_sleep(2); rollback;\n";
$lock->flush;
sleep 0.5;
defined(my $pid = fork) or die $!;
if (!$pid) {
    my $own = Stack->new;
    my $res = $own->put('/Patient/only-east', token => $token{east}, body => patient('only-east', 'east'));
    require POSIX;
    POSIX::_exit($res->{status} == 200 ? 0 : 1);
}
sleep 0.3;
is_deeply [ round($_) ], [], "beside one that waits ($_)" for 1 .. 3;
close $lock;
waitpid $pid, 0;
is $?, 0, 'which goes through, too';

# --- PostgreSQL drops all connections under them ---------------------------------------

my $killed = `psql -XqtA '@{[ $stack->env('PG_URL') ]}' -c "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'twocare' and pid <> pg_backend_pid()"`;
cmp_ok $killed, '>', 0, "sessions are ended: $killed";
my @wrong = grep { !/^\w+: POST/ } round(99);
is_deeply \@wrong, [], 'what only reads does not notice';

done_testing;
