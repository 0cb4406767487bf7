# A client that knows nothing of us, npm's fhir-kit-client, uses the whole API
# (tests/judge/client.js). Without npm's registry it is skipped, visibly.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
local $ENV{NODE_EXTRA_CA_CERTS} = $stack->env('CA_FILE');
open my $judge, '-|', 'tests/judge/run.sh client 2>&1' or die "run.sh: $!\n";
my $said = do { local $/ = undef; <$judge> };
my $fine = close $judge;

my ($skipped) = $said =~ /^SKIPPED: (.*)$/m;
plan skip_all => $skipped if $skipped && $fine;
ok $1 ne 'not ok', $2 or diag $said while $said =~ /^(ok|not ok) \d+ - (.*)$/mg;
ok $fine, 'the judge came to its end' or diag $said;
done_testing;
