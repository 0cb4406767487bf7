# No surname, number, token, secret or search value is in any log, folder of
# temporary files or command line, whatever became of the request that brought
# it: answered, refused by each layer, broken off, failed in the database.

use strict;
use warnings;
use lib 't/lib';

use File::Find;
use IO::Handle;
use Hostile;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Pace qw(within);
use Stack;
use Test::More;
use Time::HiRes qw(sleep);

my $stack = Stack->new;
my $enemy = Hostile->new($stack);
my ($run) = $stack->env('CA_FILE') =~ m{^(.*)/tls/};

# One word for each thing that must stay inside, found by nothing else.
my $n = sprintf '%x%x', time, $$;
my %canary = map { ($_ => "canary$_$n") } qw(surname mrn search referer cookie agent host body form header cursor password display);
my $token  = $stack->new_token;
my $client = $stack->client(tenant => 'sandbox', name => "canary-$n", tier => 'enterprise', hour => 100_000, minute => 100_000);
my $bad    = $token =~ s/^(.{40})./$1_/r;

my @lines = ("Referer: https://$canary{referer}.test/?x=$canary{referer}", "Cookie: sid=$canary{cookie}", "User-Agent: $canary{agent}", "X-Note: $canary{header}");
sub request {
    my ($method, $path, $body, @more) = @_;
    my @length = defined $body ? ('Content-Length: ' . length $body) : ();
    return join "\r\n", "$method $path HTTP/1.1", "Host: $canary{host}", 'Connection: close', "Authorization: Bearer $token", @lines, @length, @more, '', $body // '';
}
sub patient {
    my (%more) = @_;
    return encode_json({
        resourceType => 'Patient', name => [ { family => $canary{surname} } ],
        identifier => [ { system => 'urn:mrn', value => $canary{mrn}, type => { coding => [ { system => 'urn:x', code => 'MR', display => $canary{display} } ] } } ], %more,
    });
}
my $json = 'Content-Type: application/fhir+json';
my $form = 'Content-Type: application/x-www-form-urlencoded';
my $find = "name=$canary{surname}&identifier=urn:mrn|$canary{mrn}&address=$canary{search}";
my $long = 'z' x 40_000;
my $bundle = sub { encode_json({ resourceType => 'Bundle', type => 'transaction', entry => [ map { { resource => decode_json(patient()), request => { method => 'POST', url => $_ } } } @_ ] }) };

my @requests = (
    # what                          status   bytes, options
    [ 'a write',                    201, request(POST => '/v3/fhir/Patient', patient(), $json) ],
    [ 'an update',                  201, request(PUT => "/v3/fhir/Patient/logs$n", patient(id => "logs$n"), $json) ],
    [ 'a search',                   200, request(GET => "/v3/fhir/Patient?$find") ],
    [ 'a sorted page',              200, request(GET => "/v3/fhir/Patient?family=$canary{surname}&_sort=family&_count=1") ],
    [ 'a bundle',                   200, request(POST => '/v3/fhir', $bundle->('Patient', 'Patient'), $json) ],
    [ 'a bundle that is refused',   400, request(POST => '/v3/fhir', $bundle->('Patient', $canary{search}), $json) ],
    [ 'broken JSON',                400, request(POST => '/v3/fhir/Patient', patient() . $canary{body}, $json) ],
    [ 'an invalid record',          422, request(POST => '/v3/fhir/Patient', patient(gender => $canary{body}, $canary{surname} => 1), $json) ],
    [ 'another media type',         415, request(POST => '/v3/fhir/Patient', $canary{body}, "Content-Type: text/$canary{header}") ],
    [ 'not acceptable',             406, request(GET => '/v3/fhir/Patient', undef, "Accept: text/$canary{header}") ],
    [ 'an unknown parameter',       400, request(GET => "/v3/fhir/Patient?$canary{search}=$canary{search}") ],
    [ 'a bad value',                400, request(GET => "/v3/fhir/Patient?birthdate=$canary{search}") ],
    [ 'a bad cursor',               400, request(GET => "/v3/fhir/Patient?name=$canary{search}&_cursor=$canary{cursor}") ],
    [ 'a bad percent',              400, request(GET => "/v3/fhir/Patient?name=%zz$canary{search}") ],
    [ 'a NUL in the query',         400, request(GET => "/v3/fhir/Patient?name=$canary{search}\0") ],
    [ 'an unknown method',          405, request('BREW', "/v3/fhir/Patient?name=$canary{search}") ],
    [ 'TRACE',                      405, request('TRACE', "/v3/fhir/Patient?name=$canary{search}") ],
    [ 'a version that is not so',   412, request(PUT => "/v3/fhir/Patient/logs$n", patient(id => "logs$n"), $json, 'If-Match: W/"77"') ],
    [ 'If-Match that is none',      400, request(PUT => "/v3/fhir/Patient/logs$n", patient(id => "logs$n"), $json, "If-Match: $canary{header}") ],
    [ 'If-None-Exist',              201, request(POST => '/v3/fhir/Patient', patient(), $json, "If-None-Exist: name=$canary{search}") ],
    [ 'a criterion that is none',    400, request(POST => '/v3/fhir/Patient', patient(), $json, "If-None-Exist: $canary{search}=1") ],
    [ 'no such place',              404, request(GET => "/nothing?$find") ],
    [ 'a large body',               413, request(POST => '/v3/fhir/Patient', patient() . ' ' x 1_200_000, $json) ],
    [ 'a large body of a bundle',   200, request(POST => '/v3/fhir', $bundle->(('Patient') x 800), $json) ],
    [ 'a long query',               414, request(GET => "/v3/fhir/Patient?name=$canary{search}$long") ],
    [ 'a long header',              431, request(GET => '/v3/fhir/Patient', undef, "X-$canary{header}: $canary{header}$long") ],
    [ 'a header that is none',      400, request(GET => "/v3/fhir/Patient?$find", undef, "$canary{header}\x01: $canary{header}") ],
    [ 'two lengths',                400, request(POST => "/v3/fhir/Patient?$find", 'x', 'Content-Length: 2') ],
    [ 'a wrong chunk',              400, request(POST => "/v3/fhir/Patient?$find", undef, $json, 'Transfer-Encoding: chunked') . "$canary{body}\r\n" ],
    [ 'a coding of its own',        400, request(POST => "/v3/fhir/Patient?$find", undef, $json, "Transfer-Encoding: $canary{header}") ],
    [ 'HTTP/3.0',                   400, request(GET => "/v3/fhir/Patient?$find") =~ s/HTTP\/1.1/HTTP\/3.0/r ],
    [ 'a broken off body',          0,   request(POST => "/v3/fhir/Patient?$find", undef, $json, 'Content-Length: 1000') . $canary{body}, patience => 0.2 ],
    [ 'a broken off header',        0,   "GET /v3/fhir/Patient?$find HTTP/1.1\r\nAuthorization: Bearer $token", patience => 0.2 ],
    [ 'a token with a wrong part',  401, request(GET => "/v3/fhir/Patient?$find") =~ s/\Q$token\E/$bad/r ],
    [ 'a token in the query',       401, request(GET => "/v3/fhir/Patient?access_token=$token") =~ s/Authorization:[^\r]*\r\n//r ],
    [ 'a token twice',              400, request(GET => "/v3/fhir/Patient?$find", undef, "Authorization: Bearer $token") ],
    [ 'a password',                 401, request(GET => '/v3/fhir/Patient') =~ s/Bearer [^\r]*/'Basic ' . encode_base64("user:$canary{password}", '')/er ],
    [ 'a client\'s secret',         200, request(POST => '/oauth/token', "grant_type=client_credentials&client_id=$client->{CLIENT_ID}&client_secret=$client->{CLIENT_SECRET}", $form) =~ s/Authorization:[^\r]*\r\n//r ],
    [ 'a wrong secret',             401, request(POST => '/oauth/token', "grant_type=client_credentials&client_id=$client->{CLIENT_ID}&client_secret=$canary{password}", $form) =~ s/Authorization:[^\r]*\r\n//r ],
    [ 'a secret in the query',      400, request(POST => "/oauth/token?client_secret=$client->{CLIENT_SECRET}", "grant_type=client_credentials", $form) =~ s/Authorization:[^\r]*\r\n//r ],
    [ 'a grant that is none',       400, request(POST => '/oauth/token', "grant_type=$canary{form}&scope=$canary{form}", $form) =~ s/Authorization:[^\r]*\r\n//r ],
    [ 'no HTTP at all',             400, "$canary{body} $canary{search}\r\n\r\n" ],
);
for my $row (@requests) {
    my ($what, $status, $bytes, @options) = @$row;
    for my $secure (0, 1) {
        my $answer = $enemy->send($bytes, secure => $secure, @options);
        my $was = $answer->{status} // 0;
        # The second of two writes of one id is not the first.
        $was = 201 if $was == 200 && $status == 201;
        is $was, $status, "$what: $status" or diag substr $answer->{text}, 0, 600;
    }
}
like $enemy->send(request(GET => "/v3/fhir/Patient?name=$canary{surname}"))->{body}, qr/$canary{surname}/, 'the name that is looked for is stored';

# --- failures of the database ----------------------------------------------------------

my $database = $stack->env('PG_URL');

# A session of psql that stays open, so that what it locks stays locked.
sub session {
    my (@statements) = @_;
    open my $psql, '|-', 'psql', '-Xqo', '/dev/null', $database or die "psql: $!\n";
    $psql->autoflush(1);
    print {$psql} "$_;\n" for @statements;
    return $psql;
}
sub sql { my ($text) = @_; return system('psql', '-Xqc', $text, $database) == 0 }

# Sends each of the requests on a connection of its own at once.
sub together {
    my (@bytes) = @_;
    my @pids;
    for my $bytes (@bytes) {
        my $pid = fork // die "fork: $!\n";
        if ($pid == 0) {
            my $answer = $enemy->send($bytes);
            require POSIX;
            POSIX::_exit(($answer->{status} // 0) / 100);
        }
        push @pids, $pid;
    }
    return map { waitpid $_, 0; $? >> 8 } @pids;
}

my $put = sub { my ($id) = @_; return request(PUT => "/v3/fhir/Patient/$id", patient(id => $id), $json) };
my @raced = together(map { $put->("race$n") } 1 .. 12);
is scalar(grep { $_ == 2 } @raced), 12, 'twelve writes of one new id, of which eleven meet a unique violation';

my $held = session('begin', "select 1 from res where id = 'logs$n' for update");
my $holding = "select count(*) from pg_stat_activity where application_name = 'psql' and state = 'idle in transaction'";
ok within(5, sub { `psql -XqAtc "$holding" "$database"` == 1 }), 'a row is held';
my @waits = together($put->("logs$n"), $put->("logs$n"));
is_deeply \@waits, [ 5, 5 ], 'writes of a row that is held run into the statement timeout';
my $gone = $enemy->send($put->("logs$n"), patience => 0.3);
is $gone->{status} // 0, 0, 'a client that leaves while its write waits';
close $held;

my $kill = fork // die "fork: $!\n";
if ($kill == 0) {
    for (1 .. 10) {
        sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name <> 'psql' and usename = 'twocare'");
        sleep 0.1;
    }
    require POSIX;
    POSIX::_exit(0);
}
my %met = map { $_ => 1 } map { $enemy->send(request(GET => "/v3/fhir/Patient?$find"))->{status}, $enemy->send(request(POST => '/v3/fhir/Patient', patient(), $json))->{status} } 1 .. 40;
waitpid $kill, 0;
note 'with connections cut: ' . join ' ', sort keys %met;

ok sql('alter table ver rename to ver_away'), 'a table that is missing';
is $enemy->send(request(POST => '/v3/fhir/Patient', patient(), $json))->{status}, 500, 'is an error of ours';
is $enemy->send(request(GET => "/v3/fhir/Patient?$find"))->{status}, 500, 'in searches as well';
sql('alter table ver_away rename to ver');
is $enemy->send(request(POST => '/v3/fhir/Patient', patient(), $json))->{status}, 201, 'until it is back';

# --- and nothing of it is to be found -----------------------------------------------------

# nginx writes its access log at least once a second.
sleep 1.5;

my @parts = split /\./, $token;
my %secret = (
    %canary, 'token, claims' => $parts[1], 'token, signature' => substr($parts[2], 20, 40), 'bad token' => substr($bad, 20, 60),
    secret => $client->{CLIENT_SECRET}, 'demo secret' => $stack->env('CLIENT_SECRET'),
    'password, encoded' => substr(encode_base64("user:$canary{password}", ''), 8, 24),
);
my (@files, %lines);
find({ wanted => sub { push @files, $File::Find::name if -f }, no_chdir => 1 }, "$run/log", "$run/nginx", "$run/service");
push @files, glob '/proc/[0-9]*/cmdline';
my %found;
for my $file (@files) {
    open my $fh, '<', $file or next;
    while (my $line = <$fh>) {
        $lines{ $file =~ s{^/proc/.*}{/proc}r }++;
        for my $what (keys %secret) {
            next if index($line, $secret{$what}) < 0;
            diag "$what in $file: " . substr $line, 0, 300 if !$found{$what}++;
        }
    }
}
ok !$found{$_}, "$_ is nowhere" for sort keys %secret;
for my $log (qw(access.log nginx/current backend/current postgres/current jobs/current)) {
    cmp_ok $lines{"$run/log/$log"} // 0, '>', 0, "of the lines of $log";
}
ok !-s $_, "$_ is empty" for grep { m{/nginx/(?:body|fastcgi|proxy)/} } @files;

done_testing;
