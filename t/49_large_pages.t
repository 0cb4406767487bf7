# A page ends by its size, too: whoever asks for many large records gets them
# all, by next links, and no answer is larger than a worker can bear.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

use constant { RECORDS => 55, SIZE => 200_000, ANSWER_MAX => 11_000_000 };

my $stack  = Stack->new;
my $tenant = $stack->tenant("large-$$");
my $token  = $stack->token($stack->client(tenant => $tenant, name => 'large', tier => 'enterprise', hour => 1000000, minute => 1000000));

sub put {
    my ($id) = @_;
    my $body = sprintf '{"resourceType":"Basic","id":"%s","code":{"text":"%s"},"subject":{"reference":"Patient/p"}}', $id, 'x' x SIZE;
    return $stack->put("/Basic/$id", token => $token, body => $body)->{status};
}
is scalar(grep { put("b$_") == 201 } 1 .. RECORDS), RECORDS, 'many large records';
is scalar(grep { put('b1') == 200 } 2 .. RECORDS), RECORDS - 1, 'and many versions of one';

sub walk {
    my ($next) = @_;
    my ($n, $pages, $largest) = (0, 0, 0);
    while ($next) {
        my $res = $stack->get($next, token => $token);
        $res->{status} == 200 or return ("$res->{status} $res->{content}", 0, 0);
        $largest = length $res->{content} if length $res->{content} > $largest;
        $n += @{ $res->{json}{entry} // [] };
        $pages++;
        ($next) = map { $_->{url} } grep { $_->{relation} eq 'next' } @{ $res->{json}{link} };
    }
    return ($n, $pages, $largest);
}

for my $path ('/Basic?_count=1000', '/Basic/b1/_history?_count=1000') {
    my ($n, $pages, $largest) = walk($path);
    is $n, RECORDS, "$path: all are walked";
    is $pages, 2, "$path: in two pages";
    cmp_ok $largest, '<', ANSWER_MAX, "$path: that are bounded";
}

# What is included has a bound of its own, and says what it leaves out.
is $stack->put('/Patient/p', token => $token, body => { resourceType => 'Patient', id => 'p' })->{status}, 201, 'whom they are about';
my $res = $stack->get('/Patient?_id=p&_revinclude=Basic:subject', token => $token);
my @included = grep { $_->{search}{mode} eq 'include' } @{ $res->{json}{entry} };
cmp_ok length $res->{content}, '<', ANSWER_MAX, 'what is included is bounded';
cmp_ok scalar @included, '>', 30, '... by its size';
like $res->{json}{entry}[-1]{resource}{issue}[0]{details}{text}, qr/does not include all/, '... and a warning tells so';

done_testing;
