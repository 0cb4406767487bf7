package Gateway;

# Another gateway that does the edge's work, as a peer: its configuration comes
# from bench/peers. It shares the folder, the key and the issuer of a Peer.

use strict;
use warnings;

use Cwd qw(getcwd);
use IO::Socket::INET;

use Edge;

# More than any run asks for; what differs is the counting, not the refusing.
my $LIMIT = 1_000_000_000;

my $MODULES = '/usr/lib/nginx/modules';

my %KIND = (
    haproxy => {
        there    => sub { defined program('haproxy') },
        config   => 'haproxy.cfg',
        command  => sub { (program('haproxy'), '-db', '-f', $_[0]) },
    },
    lua => {
        there    => sub {
            -e "$MODULES/ngx_http_lua_module.so" && -e '/usr/share/lua/5.1/openssl.lua'
              && -d '/usr/share/lua/5.1/cjson';
        },
        config   => 'lua.conf',
        command  => sub { (Edge::nginx(), '-c', $_[0], '-g', 'daemon off;') },
    },
);

sub program {
    my ($name) = @_;
    return (grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin')[0];
}

sub missing {
    my ($kind) = @_;
    return !$KIND{$kind}{there}->();
}

# Start one beside a Peer, which ends it.
sub new {
    my ($class, $kind, $peer) = @_;
    my $self = bless { kind => $kind, port => Edge::free_port() }, $class;
    my $conf = $peer->path($KIND{$kind}{config});
    Edge::write_file($conf, filled($KIND{$kind}{config}, $self->names($peer)));
    $self->{pid} = $peer->spawn($peer->path("log/$kind"), $KIND{$kind}{command}->($conf));
    Edge::wait_for(10, sub {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) ? 1 : 0;
    }) or die "$kind did not start:\n" . Edge::read_file($peer->path("log/$kind"));
    return $self;
}

sub names {
    my ($self, $peer) = @_;
    my $public = $peer->path('RS256.public.pem');
    Edge::run('openssl', 'pkey', '-in', $peer->key('RS256'), '-pubout', '-out', $public);
    my $gif = $peer->path('empty.gif');
    Edge::write_file($gif, pack 'H*', '47494638396101000100800100000000ffffff21f90401000001002c'
      . '00000000010001000002024c01003b');
    return (
        DIR => $peer->{dir}, HERE => getcwd() . '/bench/peers', PORT => $self->{port},
        KEY => $public, ISSUER => Edge::issuer(), AUDIENCE => Edge::audience(),
        LIMIT => $LIMIT, GIF => $gif, MODULES => $MODULES, THREADS => cores(),
        USER => $> == 0 ? 'user root;' : '',
    );
}

sub cores {
    my $n = Edge::run('getconf', '_NPROCESSORS_ONLN');
    chomp $n;
    return $n;
}

sub filled {
    my ($name, %with) = @_;
    my @lines = split /^/m, Edge::read_file("bench/peers/$name");
    for my $line (grep { !/^\s*#/ } @lines) {
        $line =~ s/\@([A-Z]+)\@/$with{$1} \/\/ die "$name: $1\n"/ge;
    }
    return join '', @lines;
}

sub url { my ($self) = @_; return "http://127.0.0.1:$self->{port}" }

sub servers { my ($self) = @_; return { $self->{kind} => [ $self->{pid} ] } }

1;
