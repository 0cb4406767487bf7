# Workers serve only the schema that they know; `twocare migrate` refuses one
# that is newer or was changed.

use strict;
use warnings;
use lib 't/lib';

use Pace qw(within);
use Stack;
use Test::More;

my $stack = Stack->new;
$stack->token;
my ($conf)    = $stack->env('ADMIN') =~ /TWOCARE_CONF=(\S+)/;
my ($program) = $stack->env('ADMIN') =~ /(\S+) admin$/;

sub sql {
    my ($text) = @_;
    system('psql', '-Xqc', $text, $stack->env('PG_URL')) == 0 or die "psql: $text\n";
    return;
}

# What `twocare migrate` says, and whether it was content.
sub migrate {
    my $out = qx(TWOCARE_CONF=$conf $program migrate 2>&1);
    return ($? == 0, $out);
}

# Workers look when they start: ask for new ones, wait for the status.
sub becomes {
    my ($status, $path) = @_;
    my ($master) = $stack->pids('backend');
    kill 'HUP', $master or die "no backend: $!\n";
    my $res;
    within(10, sub { $res = $stack->get($path); return $res->{status} == $status });
    return $res;
}

my ($ok, $out) = migrate();
ok $ok, 'migrating a second time';
is $out, "0 migrations applied\n", 'applies nothing';

END { sql("delete from schema_migration where version = 99") if $stack }

sql("insert into schema_migration (version, name, checksum) values (99, 'later', 'x')");
($ok, $out) = migrate();
ok !$ok, 'a newer schema is not migrated';
like $out, qr/migration 99, which this program does not know/, 'and it is said why';

my $res = becomes(503, '/Patient/none');
is $res->{status}, 503, 'a worker that starts does not serve it';
is $res->{json}{issue}[0]{code}, 'transient', 'as an OperationOutcome';
cmp_ok $res->{headers}{'retry-after'}, '>=', 1, 'with Retry-After';
# A worker that leaves may answer for a moment.
is becomes(503, $stack->env('AUTH_URL') . '/ready')->{status}, 503, 'and so does /ready';

sql("delete from schema_migration where version = 99");
within(5, sub { $res = $stack->get('/Patient/none'); return $res->{status} != 503 });
is $res->{status}, 404, 'when the schema fits again, so do the same workers';

sql("update schema_migration set checksum = 'x' || checksum where version = 1");
($ok, $out) = migrate();
sql("update schema_migration set checksum = substr(checksum, 2) where version = 1");
ok !$ok, 'a changed migration is refused';
like $out, qr/0001_\w+ was changed/, 'and names it';
ok +(migrate())[0], 'put back, all is well';

done_testing;
