# Writes that name their record by criteria: If-None-Exist, PUT and DELETE
# Type?criteria, alone and many at once. R4 http.html#ccreate, #cond-update

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

use constant { CLIENTS => 64 };

my $stack  = Stack->new;
my $serial = 0;

# A new identifier, and a patient with it.
sub fresh { return "cond-$$-" . ++$serial }
sub patient { my ($value, %more) = @_; return { resourceType => 'Patient', identifier => [ { system => 'urn:test:cond', value => $value } ], %more } }
sub by { return "identifier=urn:test:cond|$_[0]" }
sub create { my ($value, %o) = @_; return $stack->post('/Patient', body => patient($value), %o) }
sub create_by { my ($value, %o) = @_; return create($value, headers => { 'if-none-exist' => by($value), %{ $o{headers} // {} } }, %o{ grep { $_ ne 'headers' } keys %o }) }
sub update_by { my ($value, $body, %o) = @_; return $stack->put('/Patient?' . by($value), body => $body, %o) }
sub delete_by { my ($value, $more, %o) = @_; return $stack->delete('/Patient?' . by($value) . ($more // ''), %o) }
sub ids { my @ids = sort map { $_->{resource}{id} } @{ $stack->get("/Patient?$_[0]&_count=100")->{json}{entry} // [] }; return @ids }
sub issue { return $_[0]{json}{issue}[0] }

# --- many at once -----------------------------------------------------------------

# The answers of so many clients at once: "status id" of each.
sub at_once {
    my ($request) = @_;
    $stack->token;
    pipe my $from, my $to or die $!;
    my @pids;
    for my $n (1 .. CLIENTS) {
        defined(my $pid = fork) or die $!;
        if (!$pid) {
            close $from;
            my $own = Stack->new;
            $own->{tokens} = { %{ $stack->{tokens} } };
            my $res = $request->($own, $n);
            syswrite $to, "$res->{status} " . ($res->{json}{id} // '-') . "\n";
            require POSIX;
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    close $to;
    my @lines = <$from>;
    waitpid $_, 0 for @pids;
    chomp @lines;
    return @lines;
}

sub counts { my %n; $n{ /^(\d+)/ ? $1 : '?' }++ for @_; return \%n }

my $value = fresh();
my @lines = at_once(sub { $_[0]->post('/Patient', body => patient($value), headers => { 'if-none-exist' => by($value) }) });
is_deeply counts(@lines), { 201 => 1, 200 => CLIENTS - 1 }, '64 parallel If-None-Exist: one 201';
my %id = map { (split ' ')[1] => 1 } @lines;
is scalar keys %id, 1, 'all are told the same record';
is_deeply [ ids(by($value)) ], [ keys %id ], 'there is one';

$value = fresh();
@lines = at_once(sub {
    my ($own, $n) = @_;
    my $criteria = $n % 2 ? by($value) . '&active=true' : 'active=true&identifier=urn%3Atest%3Acond%7C' . $value;
    return $own->post('/Patient', body => patient($value, active => \1), headers => { 'if-none-exist' => $criteria });
});
is_deeply counts(@lines), { 201 => 1, 200 => CLIENTS - 1 }, 'in whatever order and spelling';

$value = fresh();
@lines = at_once(sub { $_[0]->put('/Patient?' . by($value), body => patient($value, name => [ { family => "Writer$_[1]" } ])) });
is_deeply counts(@lines), { 201 => 1, 200 => CLIENTS - 1 }, '64 parallel conditional updates: one creates, the others change it';
my ($one) = ids(by($value));
is $stack->get("/Patient/$one")->{json}{meta}{versionId}, CLIENTS, 'each is a version';

# Half of them by id: what was found is another version by the time it is locked.
@lines = at_once(sub {
    my ($own, $n) = @_;
    return $n % 2 ? $own->put('/Patient?' . by($value), body => patient($value)) : $own->put("/Patient/$one", body => patient($value, id => $one));
});
is_deeply counts(@lines), { 200 => CLIENTS }, 'beside updates by id all succeed';
is $stack->get("/Patient/$one")->{json}{meta}{versionId}, 2 * CLIENTS, 'each as a version';

# --- If-None-Exist ------------------------------------------------------------------

$value = fresh();
my $res = create_by($value);
is $res->{status}, 201, 'nothing there: created';
like $res->{headers}{location}, qr{/Patient/$res->{json}{id}/_history/1$}, 'with a location';
my $id = $res->{json}{id};
$res = create_by($value);
is $res->{status}, 200, 'one there: 200';
is $res->{json}{id}, $id, 'and it is shown';
is $res->{headers}{etag}, 'W/"1"', 'unchanged';
like $res->{headers}{location}, qr{/Patient/$id/_history/1$}, 'with its location';
is create_by($value, headers => { prefer => 'return=minimal' })->{content}, '', 'Prefer: return=minimal';
$stack->delete("/Patient/$id");
$res = create_by($value);
is $res->{status}, 201, 'a deleted one is not there';
create($value);
$res = create_by($value);
is $res->{status}, 412, 'two there: 412';
is issue($res)->{code}, 'multiple-matches', 'because of that';

for ([ 'nonsense=1', 'nonsense' ], [ 'identifier=1&_sort=_id', '_sort' ], [ 'birthdate=soon', 'birthdate' ], [ '?', 'criteria' ], [ 'identifier=%zz', 'criteria' ], [ "identifier=$value&_include=Patient:organization", '_include' ]) {
    my ($criteria, $names) = @$_;
    for my $prefer ('', 'handling=lenient') {
        $res = create($value, headers => { 'if-none-exist' => $criteria, $prefer ? (prefer => $prefer) : () });
        is $res->{status}, 400, "$criteria $prefer";
        like issue($res)->{diagnostics} . issue($res)->{details}{text}, qr/\Q$names\E/i, 'is named';
    }
}
my $bad = $stack->post('/Patient', body => { resourceType => 'Patient', gender => 'x' }, headers => { 'if-none-exist' => by(fresh()) });
is $bad->{status}, 422, 'the body is checked when it is stored';

# --- conditional update -----------------------------------------------------------

$value = fresh();
$res = update_by($value, patient($value));
is $res->{status}, 201, 'nothing there: created under a new id';
$id = $res->{json}{id};
$res = update_by($value, patient($value, gender => 'female'));
is $res->{status}, 200, 'one there: updated';
is "$res->{json}{id} $res->{json}{meta}{versionId} $res->{json}{gender}", "$id 2 female", 'that one';
is update_by($value, patient($value, id => $id))->{status}, 200, 'the body may have its id';
$res = update_by($value, patient($value, id => 'another'));
is $res->{status}, 400, 'but no other';
like issue($res)->{details}{text}, qr/"another"/, 'which is named';
is update_by($value, patient($value), headers => { 'if-match' => 'W/"2"' })->{status}, 412, 'If-Match of another version';
is update_by($value, patient($value), headers => { 'if-match' => 'W/"3"' })->{status}, 200, 'If-Match of its version';
is update_by($value, patient($value), headers => { 'if-none-match' => '*' })->{status}, 412, 'If-None-Match: * of one that is there';
is update_by(fresh(), patient(fresh()), headers => { 'if-match' => '*' })->{status}, 412, 'If-Match: * of nothing';
create($value);
is update_by($value, patient($value))->{status}, 412, 'two there: 412';

my $other = fresh();
$res = update_by($other, patient($other, id => "$other-id"));
is $res->{status}, 201, 'nothing there, but an id: created under it';
is $res->{json}{id}, "$other-id", 'indeed';
my $third = fresh();
$res = update_by($third, patient($third, id => "$other-id"));
is $res->{status}, 409, 'which another one has: 409';
like issue($res)->{details}{text}, qr{Patient/\Q$other\E-id}, 'named';
$stack->delete("/Patient/$other-id");
is update_by($third, patient($third, id => "$other-id"))->{status}, 201, 'a deleted one has no id';
is $stack->put('/Patient', body => patient($third))->{status}, 400, 'criteria are needed';
is $stack->put('/Patient?nonsense=1', body => patient($third))->{status}, 400, 'known ones';
is $stack->put('/Patient?' . by($third), body => { resourceType => 'Observation' })->{status}, 400, 'a body of that type, too';
is update_by($third, { resourceType => 'Patient', id => 7 })->{status}, 400, 'whose id is a string';

# --- conditional delete -----------------------------------------------------------

$value = fresh();
is delete_by($value)->{status}, 204, 'nothing to delete: 204';
$id  = create($value)->{json}{id};
$res = delete_by($value);
is $res->{status}, 204, 'one: deleted';
is $res->{headers}{etag}, 'W/"2"', 'as a version';
is $stack->get("/Patient/$id")->{status}, 410, 'gone';
create($value) for 1 .. 3;
$res = delete_by($value);
is $res->{status}, 412, 'several: refused';
is scalar ids(by($value)), 3, 'and all kept';
is delete_by($value, '&_count=2')->{status}, 204, 'as many as the request says';
is scalar ids(by($value)), 1, 'are deleted';
is delete_by($value, "&_count=$_")->{status}, 400, "_count=$_" for 0, -1, 1001, 'x', '1&_count=2';
is $stack->delete('/Patient')->{status}, 400, 'criteria are needed';
is $stack->delete("/Patient?$_")->{status}, 400, $_ for '_count=5', 'nonsense=1', '_sort=_id';

# --- who may ----------------------------------------------------------------------

$value = fresh();
create($value);
my $writer = $stack->token($stack->client(tenant => 'sandbox', name => 'writer', scopes => 'patient:write'));
my $both = $stack->token($stack->client(tenant => 'sandbox', name => 'both', scopes => 'patient:read patient:write'));
$res = create_by($value, token => $writer);
is $res->{status}, 403, 'who may not search learns nothing of what is there';
like issue($res)->{details}{text}, qr/patient:read/, 'and is told the scope';
$res = update_by($value, patient($value), token => $writer);
is $res->{status}, 403, 'by an update, too';
like $res->{headers}{'www-authenticate'}, qr/scope="patient:write patient:read"/, 'with the scopes that it takes';
is create_by($value, token => $both)->{status}, 200, 'who may search and write';
is delete_by($value, '', token => $both)->{status}, 403, 'may not delete';
$stack->tenant("cond-$$");
my $foreign = $stack->token($stack->client(tenant => "cond-$$", name => 'foreign', scopes => 'patient:read patient:write'));
is create_by($value, token => $foreign)->{status}, 201, 'another tenant has records of its own';

done_testing;
