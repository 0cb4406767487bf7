# To one tenant the records of another are as records that never were: every
# answer is the same, byte by byte but for the request's id and the id asked for.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
$stack->{json}->canonical;
my $n = sprintf '%x%x', time, $$;

sub clinic {
    my ($name) = @_;
    $stack->tenant("$name-$n");
    return $stack->token($stack->client(tenant => "$name-$n", name => $name, tier => 'enterprise', hour => 1_000_000, minute => 1_000_000));
}
my ($north, $south) = map { clinic($_) } qw(isolated-north isolated-south);

# Ids of equal length: one that the north has, one that it deleted, one that
# nobody ever had.
my ($theirs, $gone, $never) = map { "$_-$n" } qw(have gone none);
my $code = { coding => [ { system => 'urn:code', code => "c$n" } ], text => 'isolated' };
sub patient { my ($id) = @_; return { resourceType => 'Patient', id => $id, name => [ { family => "Isolated$n" } ], identifier => [ { system => 'urn:mrn', value => "m$n" } ] } }
sub observation { my ($id) = @_; return { resourceType => 'Observation', id => "o$id", status => 'final', code => $code, subject => { reference => "Patient/$id" } } }
for my $id ($theirs, $gone) {
    is $stack->put("/Patient/$id", token => $north, body => patient($id))->{status}, 201, "the north has $id";
    is $stack->put("/Observation/o$id", token => $north, body => observation($id))->{status}, 201, 'and something about it';
}
$stack->delete("/Patient/$gone", token => $north);

# What an answer says, without what differs from request to request.
sub said {
    my ($res, $id) = @_;
    my %headers = %{ $res->{headers} };
    delete @headers{qw(date x-request-id x-ratelimit-remaining x-ratelimit-reset ratelimit)};
    my $text = join "\n", $res->{status}, (map { "$_: " . ($headers{$_} // "") } sort keys %headers), $res->{content} // "";
    return $text =~ s/req_[a-z0-9]{26}/REQ/gr =~ s/\Q$id\E/ID/gr =~ s/(?<=lastUpdated":")[^"]*|(?<=lastModified":")[^"]*|(?<=last-modified: ).*|(?<="id":")[0-9a-z]{26}(?=")|\b[0-9a-z]{26}(?=\/_history)/X/gr
      =~ s/urn:uuid:[-0-9a-f]+/UUID/gr =~ s/(?<=_cursor=)[\w-]+/CURSOR/gr;
}

sub bundle { my (@entries) = @_; return { resourceType => 'Bundle', type => 'transaction', entry => \@entries } }
my $new = 'urn:uuid:00000000-0000-4000-8000-000000000001';
my @reads = (
    # what, and the request for an id
    [ 'read',              sub { (GET    => "/Patient/$_[0]") } ],
    [ 'HEAD',              sub { (HEAD   => "/Patient/$_[0]") } ],
    [ 'vread',             sub { (GET    => "/Patient/$_[0]/_history/1") } ],
    [ 'vread, deletion',   sub { (GET    => "/Patient/$_[0]/_history/2") } ],
    [ 'history',           sub { (GET    => "/Patient/$_[0]/_history") } ],
    [ 'If-None-Match',     sub { (GET    => "/Patient/$_[0]", headers => { 'if-none-match' => 'W/"1"' }) } ],
    [ 'If-Modified-Since', sub { (GET    => "/Patient/$_[0]", headers => { 'if-modified-since' => 'Sat, 01 Jan 2050 00:00:00 GMT' }) } ],
    [ 'delete',            sub { (DELETE => "/Patient/$_[0]") } ],
    [ 'delete, If-Match',  sub { (DELETE => "/Patient/$_[0]", headers => { 'if-match' => 'W/"1"' }) } ],
    [ 'update, If-Match',  sub { (PUT    => "/Patient/$_[0]", body => patient($_[0]), headers => { 'if-match' => 'W/"1"' }) } ],
    [ '_id',               sub { (GET    => "/Patient?_id=$_[0]") } ],
    [ '_id, of several',   sub { (GET    => "/Patient?_id=$_[0],x,y&_sort=-_lastUpdated") } ],
    [ 'by reference',      sub { (GET    => "/Observation?subject=Patient/$_[0]") } ],
    [ 'by patient, date',  sub { (GET    => "/Observation?patient=$_[0]&_sort=-date") } ],
    [ 'by code',           sub { (GET    => "/Observation?code=urn:code|c$n&patient=$_[0]") } ],
    [ '_offset',           sub { (GET    => "/Observation?patient=$_[0]&_offset=0&_count=1") } ],
    [ 'delete in a bundle', sub { (POST  => '', body => bundle({ request => { method => 'DELETE', url => "Patient/$_[0]" } })) } ],
    [ 'update in a bundle, If-Match', sub { (POST => '', body => bundle({ resource => patient($_[0]), request => { method => 'PUT', url => "Patient/$_[0]", ifMatch => 'W/"1"' } })) } ],
    [ 'a reference to it in a bundle', sub { (POST => '', body => bundle({ fullUrl => $new, resource => { resourceType => 'Observation', status => 'final', code => { text => 'x' }, subject => { reference => "Patient/$_[0]" } }, request => { method => 'POST', url => 'Observation' } })) } ],
    [ 'a reference to it', sub { (POST   => '/Observation', body => { resourceType => 'Observation', status => 'final', code => { text => 'y' }, subject => { reference => "Patient/$_[0]" } }) } ],
);
for my $row (@reads) {
    my ($what, $make) = @$row;
    my $ask = sub { my ($id) = @_; my ($method, $path, %o) = $make->($id); return said($stack->request($method, $path, token => $south, %o), $id) };
    my $unknown = $ask->($never);
    is $ask->($theirs), $unknown, "$what: theirs is as unknown";
    is $ask->($gone),   $unknown, "$what: their deleted one, too";
}

# What the north's own values find: nothing, whichever way they are asked.
for my $query ("name=isolated$n", "name:exact=Isolated$n", "family:contains=solated$n", "identifier=m$n", "identifier=urn:mrn|m$n", "identifier=urn:mrn|", '_lastUpdated=ge2020', 'name:missing=false') {
    my $res = $stack->get("/Patient?$query&_count=50", token => $south);
    is $res->{status} == 400 ? 0 : scalar @{ $res->{json}{entry} // [] }, 0, "the south finds nothing by $query";
    is $res->{json}{total} // 0, 0, 'and no number of them';
}
is $stack->get("/Patient/$theirs", token => $north)->{json}{meta}{versionId}, 1, 'nothing of this touched the record';

# Writing the same ids: records of one's own.
for my $id ($theirs, $gone, $never) {
    my $res = $stack->put("/Patient/$id", token => $south, body => patient($id));
    is $res->{status}, 201, "the south's $id is new";
    is $res->{headers}{etag}, 'W/"1"', 'with versions of its own';
}
is $stack->get("/Patient/$theirs/_history", token => $north)->{json}{total}, 1, "the north's has one version still";
is $stack->get("/Patient/$gone", token => $north)->{status}, 410, 'and the deleted one is deleted';

# Cursors: good for the tenant that got them.
$stack->post('/Patient', token => $_, body => { resourceType => 'Patient', name => [ { family => 'Pager' } ] }) for ($north, $south) x 3;
for my $query ('family=pager&_count=1', 'family=pager&_count=1&_sort=family', '_count=1') {
    my ($next) = map { $_->{url} } grep { $_->{relation} eq 'next' } @{ $stack->get("/Patient?$query", token => $north)->{json}{link} };
    ok $next, "$query has a next page";
    is $stack->get($next, token => $north)->{status}, 200, 'which its tenant gets';
    my $res = $stack->get($next, token => $south);
    is $res->{status}, 400, 'and another is refused' or diag substr $res->{content}, 0, 500;
    my $garbage = $next =~ s/(_cursor=.{20})./$1_/r;
    is said($stack->get($garbage, token => $south), $garbage) =~ s/\Q$garbage\E//r, said($res, $next) =~ s/\Q$next\E//r, 'as any garbage is';
}

done_testing;
