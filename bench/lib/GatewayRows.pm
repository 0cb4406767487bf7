package GatewayRows;

# The edge beside what does its work elsewhere: nginx's own limit_req (which
# reads no token), HAProxy, and nginx's Lua module with a cache of tokens. Each
# is measured with everything on and bare, so that what it adds is known.

use strict;
use warnings;

use Gateway;
use Load;
use Peer;
use Rows;

my $CONNECTIONS = 32;

my %NAME = (
    limit_req => 'edge / nginx limit_req, 2 zones',
    haproxy   => 'edge / HAProxy jwt_verify, 2 tables',
    lua       => 'edge / nginx Lua, cache, 2 windows',
);
sub rows {
    return map { ($_, "$_, added CPU") } @NAME{qw(limit_req haproxy lua)};
}

# The gateways that are installed here.
sub gateways {
    my ($peer) = @_;
    my %gateway;
    for my $kind (qw(haproxy lua)) {
        my $missing = Gateway::missing($kind);
        print "  skipped: $kind is not here (./configure.sh --peers)\n" if $missing;
        $gateway{$kind} = Gateway->new($kind, $peer) if !$missing;
    }
    return %gateway;
}

# What a variant adds to its bare one, as the CPU of a result.
sub added {
    my ($with, $bare) = @_;
    return [ map { { %{ $with->[$_] }, added_us => $with->[$_]{cpu_us} - $bare->[$_]{cpu_us} } } 0 .. $#$with ];
}

sub run {
    return if !wanted(rows());
    my $peer    = Peer->new(clients => ['one-1:0:0']);
    my $tokens  = $peer->tokens('one', 200, 1);
    my %gateway = gateways($peer);
    my $get = sub {
        my ($at, $path) = @_;
        my $paths = write_lines("path-$path", "/$path");
        return sub {
            $peer->touch;
            return Load::http(url => $at->url, paths => $paths, tokens => $tokens,
                connections => $CONNECTIONS, servers => $at->servers);
        };
    };
    my $bare = $peer->plain;
    my %variant = (
        bare => $get->($bare, 'bare'), edge => $get->($bare, 'edge'), limit_req => $get->($bare, 'limit_req'),
        map { ($_ => $get->($gateway{$_}, 'edge'), "$_ bare" => $get->($gateway{$_}, 'bare')) } keys %gateway,
    );
    my $r    = interleave($ROUNDS, %variant);
    my $ours = added($r->{edge}, $r->{bare});
    for my $kind (grep { $r->{$_} } qw(limit_req haproxy lua)) {
        my $theirs = added($r->{$kind}, $r->{"$kind bare"} // $r->{bare});
        my %pair = (edge => $ours, $kind => $theirs);
        compare(\%pair, $NAME{$kind}, 'edge', $kind, floor => 1);
        compare(\%pair, "$NAME{$kind}, added CPU", 'edge', $kind, of => 'added_us', ceiling => 1, unit => ' us');
    }
    return;
}

1;
