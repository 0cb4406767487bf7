# History of a record, a type and the whole system: pages, rights, deletions,
# and following changes without missing any. R4 http.html#history

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $fhir = $stack->env('FHIR_URL');
my $tenant = $stack->tenant("history$$");
my $all = $stack->client(tenant => $tenant, name => 'all', scopes => 'system:read system:write');
my $own = $stack->token($all);

sub ask {
    my ($method, $where, %o) = @_;
    return $stack->request($method, $where, token => $own, %o);
}

sub put {
    my ($type, $id, %more) = @_;
    select undef, undef, undef, 0.002;
    my $res = ask(PUT => "/$type/$id", body => { resourceType => $type, id => $id, %more });
    like $res->{status}, qr/^20[01]$/, "$type/$id is written" or diag $res->{content};
    return $res->{json}{meta}{lastUpdated};
}

sub link_of {
    my ($res, $relation) = @_;
    my ($link) = grep { $_->{relation} eq $relation } @{ $res->{json}{link} };
    return $link ? $link->{url} : undef;
}

# "PUT Patient/a 1" of each entry.
sub entries {
    my ($res) = @_;
    return map { "$_->{request}{method} $_->{request}{url} " . ($_->{response}{etag} =~ /(\d+)/)[0] } @{ $res->{json}{entry} // [] };
}

# All pages.
sub walk {
    my ($where, %o) = @_;
    my @all;
    while ($where) {
        my $res = ask(GET => $where, %o);
        is $res->{status}, 200, 'a page' or return diag $res->{content};
        push @all, entries($res);
        $where = link_of($res, 'next');
    }
    return @all;
}

my @times = (put(Patient => 'a'), put(Patient => 'b'), put(Patient => 'a', active => JSON::PP::true));
put(Observation => 'o', status => 'final', code => { text => 'x' });
select undef, undef, undef, 0.002;
is ask(DELETE => '/Patient/b')->{status}, 204, 'and deleted';
my @patients = ('DELETE Patient/b 2', 'PUT Patient/a 2', 'PUT Patient/b 1', 'PUT Patient/a 1');
my @system = ($patients[0], 'PUT Observation/o 1', @patients[ 1 .. 3 ]);

my $res = ask(GET => '/Patient/_history');
is $res->{status}, 200, 'the history of a type' or diag $res->{content};
is $res->{json}{type}, 'history', 'is a history';
is_deeply [ entries($res) ], \@patients, 'of all versions, newest first';
is link_of($res, 'self'), "$fhir/Patient/_history", 'self is what was asked';
is link_of($res, 'next'), undef, 'it ends here';
my ($gone, $last, undef, $first) = @{ $res->{json}{entry} };
is $gone->{fullUrl}, "$fhir/Patient/b", 'a deletion has its fullUrl';
is $gone->{resource}, undef, 'and no resource';
is $gone->{response}{status}, '204 No Content', 'but a status';
is $last->{resource}{active}, JSON::PP::true, 'others are whole';
is $last->{response}{lastModified}, $last->{resource}{meta}{lastUpdated}, 'with their time';
is_deeply [ map { $_->{response}{status} } $last, $first ], [ '200 OK', '201 Created' ], 'and what was answered';

for my $count (1 .. 4) {
    is_deeply [ walk("/Patient/_history?_count=$count") ], \@patients, "pages of $count show each version once";
    is_deeply [ walk("/_history?_count=$count") ], \@system, 'of the system, too';
}
is ask(HEAD => '/Patient/_history')->{status}, 200, 'HEAD wherever GET is';
is_deeply [ entries(ask(GET => '/Patient/_history?_sort=-_lastUpdated&_count=1')) ], [ $patients[0] ], 'sorted as asked';

# What is written between two pages changes neither what comes nor its order.
$res = ask(GET => '/Patient/_history?_count=2');
put(Patient => 'c');
is_deeply [ walk(link_of($res, 'next')) ], [ @patients[ 2, 3 ] ], 'others write, and a walk goes on where it was';
unshift @patients, 'PUT Patient/c 1';
unshift @system, 'PUT Patient/c 1';

# _since and _at
is_deeply [ walk("/Patient/_history?_since=$times[2]") ], [ @patients[ 0 .. 2 ] ], '_since';
is_deeply [ walk("/Patient/a/_history?_since=$times[2]") ], [ $patients[2] ], '_since of a record';
is_deeply [ walk("/Patient/_history?_at=$times[1]&_count=1") ], [ @patients[ 3, 4 ] ], '_at: what was current then';
is_deeply [ walk("/Patient/_history?_at=lt$times[1]") ], [ $patients[4] ], '_at with a prefix';
is_deeply [ walk("/Patient/_history?_at=" . substr $times[0], 0, 4) ], [@patients], '_at of a year';
is_deeply [ walk("/_history?_since=$times[2]&_at=lt$times[2]") ], [], 'both';

# Following: the link says from when on to ask.
$res = ask(GET => '/_history?_count=1&_format=json');
my $current = link_of($res, 'current');
like $current, qr{^\Q$fhir\E/_history\?_count=1&_since=\d{4}-\d\d-\d\dT[^&]*Z&_format=json$}, 'a link for what comes later';
my ($second) = map { ask(GET => $_) } link_of($res, 'next');
is link_of($second, 'current'), $current, 'which all pages share';
put(Patient => 'd');
is((walk($current))[0], 'PUT Patient/d 1', 'it shows what came later');
unshift @system, 'PUT Patient/d 1';
is link_of(ask(GET => '/Patient/a/_history'), 'current'), undef, 'the history of a record has it';
like link_of(ask(GET => "/Patient/a/_history?_since=$times[0]"), 'current'), qr/_since=/, 'when _since was asked';

# A writer that takes its time is not missed: its transaction began before the
# answer and ends after it.
SKIP: {
    my $psql = eval { require IPC::Open2; IPC::Open2::open2(my $out, my $in, 'psql', '-qAtX', $stack->env('PG_URL')); [ $out, $in ] };
    skip 'no psql', 3 unless $psql;
    my ($out, $in) = @$psql;
    $in->autoflush(1);
    print {$in} "begin; select pg_current_xact_id();\n";
    ok defined readline($out), 'somebody begins to write';
    my $began = $res = ask(GET => '/_history');
    sleep 1;
    $res = ask(GET => '/_history');
    my ($then, $now) = map { link_of($_, 'current') =~ /_since=([^&]+)/ } $began, $res;
    is $now, $then, 'while it does not end the time to ask next stays where it was';
    print {$in} "rollback;\n\\q\n";
    close $in;
    readline $out;
    my $moved = 0;
    for (1 .. 50) {
        last if $moved = (link_of(ask(GET => '/_history'), 'current') =~ /_since=([^&]+)/)[0] ne $then;
        select undef, undef, undef, 0.1;
    }
    ok $moved, 'and then it goes on';
}

# Rights: a type needs its read right; the system shows what may be read.
my %scoped = map { ($_ => $stack->token($stack->client(tenant => $tenant, name => $_, scopes => $_))) } 'patient:read', 'clinical:read', 'analytics:read';
is ask(GET => '/Patient/_history', token => $scoped{'patient:read'})->{status}, 200, 'with the right';
is ask(GET => '/Patient/_history', token => $scoped{'clinical:read'})->{status}, 403, 'without';
is_deeply [ walk('/_history', token => $scoped{'clinical:read'}) ], ['PUT Observation/o 1'], 'the system shows what may be read';
is_deeply [ walk('/_history?_count=2', token => $scoped{'patient:read'}) ], [ grep { /Patient/ } @system ], 'in pages, too';
is ask(GET => '/_history', token => $scoped{'analytics:read'})->{status}, 403, 'and with no right at all it is 403';
is ask(GET => '/_history', token => '')->{status}, 401, 'without a token 401';
is_deeply [ grep { /Patient\/[abcd] / } entries($stack->get('/Patient/_history?_count=1000')) ], [], 'another tenant sees nothing of it';

# What cannot be asked.
my ($cursor) = link_of(ask(GET => '/Patient/_history?_count=1'), 'next') =~ /_cursor=(.*)/;
for my $row (
    [ '/Patient/_history?_list=x',                    'is not supported' ],
    [ '/Patient/_history?_sort=_lastUpdated',         'sorted by -_lastUpdated' ],
    [ '/Patient/_history?_since=yesterday',           'must be a time' ],
    [ '/Patient/_history?_at=ap2026',                 'prefixes' ],
    [ '/Patient/_history?_count=0',                   'from 1' ],
    [ '/Patient/_history?_before=2',                  'Unknown parameter' ],
    [ '/Patient/a/_history?_cursor=x',                'Unknown parameter' ],
    [ '/_history?_type=Patient',                      'Unknown parameter' ],
    [ '/_history?_cursor=abc',                        'not one of this history' ],
    [ "/Observation/_history?_cursor=$cursor",        'not one of this history' ],
    [ "/Patient/_history?_since=2020&_cursor=$cursor", 'not one of this history' ],
) {
    my ($where, $says) = @$row;
    $res = ask(GET => $where);
    is $res->{status}, 400, "$where: 400";
    like $res->{json}{issue}[0]{details}{text}, qr/$says/, 'which says why';
}
is ask(GET => '/Nonsense/_history')->{status}, 404, 'there is no such type';
is ask(POST => '/Patient/_history', body => {})->{status}, 405, 'histories are read';

# In a batch.
$res = ask(POST => '', body => { resourceType => 'Bundle', type => 'batch', entry => [ { request => { method => 'GET', url => 'Patient/_history?_count=2' } } ] });
is scalar @{ $res->{json}{entry}[0]{resource}{entry} }, 2, 'an entry of a batch asks, too';

done_testing;
