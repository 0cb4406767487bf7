package Edge;

# An nginx of our own with the module, on a free port of loopback, in a folder
# of its own, in front of an echo of what the backend would be sent.
#
#   my $edge = Edge->new(limit_address => '600 60');    # conf/, filled in
#   my $token = $edge->mint(client_id => 'app_a');      # a good one, changed
#   my $res = $edge->get('/v3/x', token => $token);
#   is $res->{status}, 200;  $res->{headers}{'x-request-id'};  $res->{json};
#
# raw() sends bytes and returns what came back. Everything ends with the object.
#
# pour() sends many requests on few connections, each made by a function; with
# clock => 1, clock_ahead() lets windows close without waiting.
#
# TWOCARE_MODULE and TWOCARE_BUILD say what is tested; NGINX_PRELOAD is
# LD_PRELOAD of nginx alone, for a module built with AddressSanitizer.

use strict;
use warnings;

use Carp qw(croak);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Select;
use JSON::PP;
use POSIX qw(_exit WNOHANG);
use Pace;
use Time::HiRes qw(sleep time);

my $BUILD  = $ENV{TWOCARE_BUILD}  // 'build';
my $MODULE = $ENV{TWOCARE_MODULE} // "$BUILD/nginx/ngx_http_twocare_module.so";
my $NGINX  = $ENV{NGINX}
  // (grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin')[0];
my $ISSUER   = 'https://edge.test';
my $AUDIENCE = 'https://edge.test/v3';

sub new {
    my ($class, %options) = @_;
    my $self = bless {
        dir   => tempdir('twocare-edge-XXXXXX', TMPDIR => 1),
        owner => $$,
        pids  => [],
        json  => JSON::PP->new->utf8->canonical,
        %options,
    }, $class;
    $self->{port} = free_port();
    chmod 0755, $self->{dir};
    mkdir "$self->{dir}/$_" for qw(state nginx log);
    mkdir "$self->{dir}/nginx/$_" for qw(body fastcgi proxy uwsgi scgi);
    $self->separate_reports if $ENV{NGINX_PRELOAD};
    $self->clock_ahead(0) if $self->{clock};
    $self->make_state unless $options{no_state};
    $self->start_echo;
    $self->write_conf;
    $self->start unless $options{stopped};
    return $self;
}

sub _absolute { return $_[0] =~ m{^/} ? $_[0] : _cwd() . "/$_[0]" }
sub module  { return _absolute($MODULE) }
sub nginx   { return $NGINX }
sub tool    { return "$BUILD/tests/$_[0]" }
sub issuer  { return $ISSUER }
sub audience { return $AUDIENCE }
sub path    { return "$_[0]{dir}/$_[1]" }
sub _cwd    { require Cwd; return Cwd::getcwd() }

sub free_port {
    my $sock = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1)
      or die "no free port: $!\n";
    return $sock->sockport;
}

sub run {
    my (@command) = @_;
    open my $pipe, '-|', @command or die "@command: $!\n";
    my $out = do { local $/ = undef; <$pipe> };
    close $pipe or die "@command failed ($?)\n";
    return $out;
}

sub spawn {
    my ($self, $log, @command) = @_;
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', $log;
        open STDERR, '>>', $log;
        my @preload = grep { $_ } $ENV{NGINX_PRELOAD}, $self->{clock} && _absolute(tool('preload_clock.so'));
        $ENV{LD_PRELOAD}  = "@preload" if @preload && $command[0] eq $NGINX;
        $ENV{CLOCK_AHEAD} = $self->path('clock') if $self->{clock};
        exec { $command[0] } @command or _exit(127);
    }
    push @{ $self->{pids} }, $pid;
    return $pid;
}

sub write_file {
    my ($path, $text) = @_;
    open my $fh, '>', "$path.new" or die "$path: $!\n";
    print {$fh} $text;
    close $fh or die "$path: $!\n";
    rename "$path.new", $path or die "$path: $!\n";
    return;
}

sub read_file {
    my ($path) = @_;
    open my $fh, '<', $path or return '';
    local $/ = undef;
    return scalar <$fh>;
}

# Wait until the condition holds, within so many seconds.
sub wait_for { return Pace::within(@_) }

# --- state and tokens -------------------------------------------------------------

sub make_state {
    my ($self) = @_;
    $self->key($_) for 'RS256', 'ES256';
    $self->keys('RS256', 'ES256');
    $self->clients(@{ $self->{clients} // [] });
    $self->revoked;
    $self->touch;
    return;
}

# A private key by name ("RS256", "RS256-other"), made when first asked for.
sub key {
    my ($self, $name) = @_;
    my $file = $self->path("$name.pem");
    my ($alg) = $name =~ /^([A-Za-z0-9]+)/;
    run(tool('tool_edge'), 'key', $alg, $file) unless -e $file;
    return $file;
}

sub keys {
    my ($self, @names) = @_;
    write_file($self->path('state/jwks.json'),
        run(tool('tool_edge'), 'jwks', map { $self->key($_) } @names));
    return;
}

sub clients {
    my ($self, @rows) = @_;
    run(tool('tool_edge'), 'clients', $self->path('state/clients.map'), @rows);
    return;
}

sub revoked {
    my ($self, @rows) = @_;
    run(tool('tool_edge'), 'revoked', $self->path('state/revoked.map'), @rows);
    return;
}

sub touch {
    my ($self) = @_;
    run(tool('tool_edge'), 'touch', $self->path('state/alive'));
    return;
}

my $serial = 0;

# Good claims with changes; undef takes a claim away.
sub claims {
    my ($self, %change) = @_;
    my $now = int time;
    my %claims = (
        iss => $ISSUER, sub => 'user_1', aud => $AUDIENCE, client_id => 'app_test',
        iat => $now - 1, exp => $now + 600, jti => 'jti_' . ++$serial . "_$$",
        scope => 'patient:read patient:write', tenant => '1', %change,
    );
    delete $claims{$_} for grep { !defined $claims{$_} } CORE::keys %claims;
    return $self->{json}->encode(\%claims);
}

# A token. Names beginning with '-' say how: -key, -typ, -header, -sig, -claims.
sub mint {
    my ($self, %how) = @_;
    my %opt = map { substr($_, 1) => delete $how{$_} } grep { /^-/ } CORE::keys %how;
    my @args = ($self->key($opt{key} // 'RS256'), $opt{claims} // $self->claims(%how));
    push @args, $opt{typ} if defined $opt{typ};
    push @args, '--header', $opt{header} if defined $opt{header};
    push @args, '--sig',    $opt{sig}    if defined $opt{sig};
    my $token = run(tool('tool_edge'), 'mint', @args);
    chomp $token;
    return $token;
}

# --- nginx ---------------------------------------------------------------------------

sub start_echo {
    my ($self) = @_;
    my @sockets = map { $self->path("echo-$_.sock") } 0 .. 1;
    $self->{echo} = $self->spawn($self->path('log/echo'), tool('tool_echo'), @sockets);
    wait_for(5, sub { @sockets == grep { -S } @sockets }) or die "tool_echo did not start\n";
    $self->{sockets} = \@sockets;
    return;
}

sub upstreams {
    my ($self) = @_;
    my $servers = join '', map { "server unix:$_ max_fails=0; " } @{ $self->{sockets} };
    return join '',
      map { "upstream twocare_$_ { zone twocare_$_ 256k; least_conn; $servers keepalive 64; }\n" }
      qw(fast slow);
}

# conf/NAME with its placeholders filled in, and then changed by edit->().
sub template {
    my ($self, $name) = @_;
    my $text = read_file("conf/$name");
    my %with = (
        RUN_DIR       => $self->{dir},
        CONF_DIR      => $self->path('nginx'),
        STATE_DIR     => $self->path('state'),
        ISSUER        => $ISSUER,
        AUDIENCE      => $AUDIENCE,
        LIMIT_ADDRESS => $self->{limit_address} // '1000000 1000000',
        LIMIT_FAILURES => $self->{limit_failures} // 'off',
    );
    $text =~ s/^(\s*[^#\s].*?|)\@([A-Z_]+)\@/$1 . ($with{$2} \/\/ die "$name: $2\n")/gem
      for 1 .. 3;
    return $text;
}

# Lines of http { }: nginx's own folders are not an ordinary user's to write.
sub temp_paths {
    my ($self) = @_;
    return join '', map { "    ${_}_temp_path $self->{dir}/nginx/" . s/client_body/body/r . ";\n" }
      qw(client_body fastcgi proxy uwsgi scgi);
}

sub conf {
    my ($self) = @_;
    my $workers = $self->{workers} // 2;
    my $extra   = $self->{extra}   // '';
    my $user    = $> == 0 ? 'user root;' : '';
    my $http    = $self->{http}    // '';
    # nginx hands its environment on to a new binary only where it is named.
    my $preload = $ENV{NGINX_PRELOAD} ? 'env LD_PRELOAD; env ASAN_OPTIONS; env UBSAN_OPTIONS;' : '';
    my $temp    = $self->temp_paths;
    return <<"END";
load_module @{[ $self->{module} // module() ]};
$user
$preload
worker_processes $workers;
pid $self->{dir}/nginx.pid;
error_log $self->{dir}/log/error.log @{[ $self->{level} // 'notice' ]};
events { worker_connections 1024; }
http {
    access_log off;
    default_type text/plain;
$temp
    include $self->{dir}/nginx/twocare_http.conf;
    $http
    server {
        listen 127.0.0.1:$self->{port} backlog=1024;
        server_name edge.test;
        access_log $self->{dir}/log/access.log twocare;
        lingering_timeout 200ms;
        $extra
        include $self->{dir}/nginx/twocare_server.conf;
    }
}
END
}

# The module alone, without our includes: a configuration with one worker, the
# given lines of http { } and server { }.
sub bare {
    my ($self, $http, $server) = @_;
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = $self->temp_paths;
    return <<"END";
load_module @{[ module() ]};
$user
worker_processes 1;
pid $self->{dir}/nginx.pid;
error_log $self->{dir}/log/error.log notice;
events { }
http {
    access_log off;
$temp
    $http
    server {
        listen 127.0.0.1:$self->{port};
        $server
    }
}
END
}

sub write_conf {
    my ($self) = @_;
    for my $name (qw(twocare_http.conf twocare_server.conf twocare_status.conf edge_params)) {
        write_file($self->path("nginx/$name"), $self->template($name));
    }
    write_file($self->path('nginx/twocare_upstreams.conf'), $self->upstreams);
    write_file($self->path('nginx/nginx.conf'),             $self->conf);
    return;
}

sub command {
    my ($self, @more) = @_;
    return ($NGINX, '-p', $self->path('nginx'), '-e', $self->path('log/error.log'),
        '-c', $self->path('nginx/nginx.conf'), @more);
}

sub start {
    my ($self) = @_;
    $self->{master} = $self->spawn($self->path('log/nginx'), $self->command('-g', 'daemon off;'));
    $self->answers
      or die "nginx did not start:\n" . read_file($self->path('log/error.log'));
    return;
}

sub answers {
    my ($self) = @_;
    return wait_for(10, sub {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) ? 1 : 0;
    });
}

sub worker_pids {
    my ($self) = @_;
    my @pids;
    for my $file (glob '/proc/[0-9]*/stat') {
        my $stat = read_file($file);
        my ($pid, $ppid) = $stat =~ /^(\d+) \(nginx\) \S (\d+)/ or next;
        next if $ppid != $self->{master};
        push @pids, $pid if read_file("/proc/$pid/cmdline") =~ /worker process(?! is shutting)/;
    }
    return @pids;
}

# Reload, and wait until the old workers take no more connections.
sub reload {
    my ($self) = @_;
    my %old = map { $_ => 1 } $self->worker_pids;
    kill 'HUP', $self->{master};
    return wait_for(10, sub {
        my @now = $self->worker_pids;
        @now && !grep { $old{$_} } @now;
    });
}

# With Edge->new(clock => 1): nginx's monotonic clock is so many seconds ahead.
sub clock_ahead {
    my ($self, $seconds) = @_;
    open my $fh, -e $self->path('clock') ? '+<' : '>', $self->path('clock') or die "clock: $!\n";
    syswrite $fh, pack 'q', $seconds * 1000;
    close $fh or die "clock: $!\n";
    return;
}

# As an init system starts it: only such a master heeds USR2.
sub start_daemon {
    my ($self) = @_;
    my $pid = $self->spawn($self->path('log/nginx'), $self->command);
    waitpid $pid, 0;
    $self->answers or die "nginx did not start:\n" . read_file($self->path('log/error.log'));
    $self->{master} = 0 + read_file($self->path('nginx.pid'));
    return;
}

# What nginx and the sanitizers hold against us: nothing, hopefully.
# Processes that end together would write their reports through each other.
sub separate_reports {
    my ($self) = @_;
    for my $name (qw(ASAN_OPTIONS UBSAN_OPTIONS)) {
        $ENV{$name} = join ':', grep { length } $ENV{$name} // '', 'log_path=' . $self->path('log/sanitizer');
    }
    return;
}

sub complaints {
    my ($self) = @_;
    my $log = join '', map { read_file($_) } $self->path('log/nginx'), glob $self->path('log/sanitizer.*');
    $log .= error_log($self);
    $log =~ s/(==\d+==ERROR: LeakSanitizer.*?\nSUMMARY: [^\n]*\n)/leaks($1)/ges;
    return grep { /\[(?:alert|emerg|crit)\]|Sanitizer|runtime error|exited on signal| leak of / } split /\n/, $log;
}

# The leaks of a report that are not nginx's own. It leaks, without any module,
# a compile context of PCRE2 (72 bytes) for each configuration that it reads,
# and the three arrays of its 1,024 connections (432 bytes each) at its end.
sub leaks {
    my ($report) = @_;
    my @ours;
    while ($report =~ /^((?:Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) object.*?)\n(?:\n|\z)/gms) {
        my ($text, $bytes, $objects) = ($1, $2, $3);
        my $by_nginx = $text =~ /\n +#1 \S+ in ngx_alloc /;
        next if $by_nginx && ($bytes == 72 * $objects || $objects == 3 && $bytes == 1024 * 432);
        push @ours, $text;
    }
    return join "\n", @ours, '';
}

sub error_log  { return read_file($_[0]->path('log/error.log')) }
sub access_log { return read_file($_[0]->path('log/access.log')) }

# --- requests ----------------------------------------------------------------------------

sub connect {
    my ($self) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port},
        Timeout => 10) // croak "connect: $!";
}

# Send bytes on a new connection, read until it closes.
sub raw {
    my ($self, $bytes, $timeout) = @_;
    my $sock = $self->connect;
    my $sel  = IO::Select->new($sock);
    local $SIG{PIPE} = 'IGNORE';
    syswrite $sock, $bytes;
    my $in  = '';
    my $end = time + ($timeout // 10);
    while (time < $end && $sel->can_read($end - time)) {
        sysread($sock, $in, 65536, length $in) or last;
    }
    return $in;
}

# The first answer in $text.
sub parse {
    my ($self, $text) = @_;
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($line, @fields) = split /\r\n/, $head // '';
    my %res = (line => $line // '', body => $body // '', headers => {}, all => []);
    ($res{status}) = $res{line} =~ m{^HTTP/1\.1 (\d+)};
    for (@fields) {
        my ($name, $value) = /^([^:]+): ?(.*)$/ or next;
        $res{headers}{ lc $name } = $value;
        push @{ $res{all} }, lc $name;
    }
    if (($res{headers}{'transfer-encoding'} // '') eq 'chunked') {
        my $rest = $res{body};
        $res{body} = '';
        while ($rest =~ s/^([0-9a-f]+)\r\n//) {
            my $n = hex $1 or last;
            $res{body} .= substr $rest, 0, $n;
            $rest = substr $rest, $n + 2;
        }
        $res{whole} = $rest eq "\r\n" ? 1 : 0;
    }
    $res{json} = eval { $self->{json}->decode($res{body}) };
    return \%res;
}

sub raw_parsed { my ($self, @rest) = @_; return $self->parse($self->raw(@rest)) }

# Options: token, headers [name => value ...], body.
sub request {
    my ($self, $method, $path, %opt) = @_;
    my $body = $opt{body} // '';
    my @lines = ("$method $path HTTP/1.1", 'Host: edge.test', 'Connection: close');
    push @lines, "Authorization: Bearer $opt{token}" if defined $opt{token};
    push @lines, 'Content-Length: ' . length $body
      if length $body || $method =~ /^(POST|PUT|PATCH)$/;
    my @headers = @{ $opt{headers} // [] };
    while (my ($name, $value) = splice @headers, 0, 2) { push @lines, "$name: $value" }
    return $self->parse($self->raw(join("\r\n", @lines, '', $body)));
}

sub get  { my ($self, @rest) = @_; return $self->request('GET',  @rest) }
sub post { my ($self, @rest) = @_; return $self->request('POST', @rest) }

# The same request from many kept connections at once, each sending the next
# when it has its answer: { status => count, lost => connections closed unread }.
sub flood {
    my ($self, %opt) = @_;
    my ($total, $conns) = ($opt{requests}, $opt{connections});
    my $request = join "\r\n", 'GET ' . ($opt{path} // '/v3/x') . ' HTTP/1.1',
      'Host: edge.test', (defined $opt{token} ? "Authorization: Bearer $opt{token}" : ()), '', '';
    my ($sent, $done, %count, %in) = (0, 0);
    my $sel = IO::Select->new;
    my $next = sub {
        my ($sock) = @_;
        return $sel->remove($sock) if $sent >= $total;
        $sent++;
        syswrite $sock, $request;
    };
    my $open = sub { my $sock = $self->connect; $sel->add($sock); $in{$sock} = ''; $next->($sock) };
    local $SIG{PIPE} = 'IGNORE';
    $open->() for 1 .. $conns;
    my $end = time + ($opt{timeout} // 60);
    while ($done < $total && time < $end) {
        for my $sock ($sel->can_read(1)) {
            my $n = sysread $sock, $in{$sock}, 65536, length $in{$sock};
            if (!$n) {
                $sel->remove($sock);
                $count{ length $in{$sock} ? 'cut' : 'closed' }++;
                $done += $opt{repeat} ? 0 : 1;
                $sent-- if $opt{repeat};
                $open->();
                next;
            }
            while ($in{$sock} =~ /^(HTTP\/1\.1 (\d+).*?\r\n\r\n)/s) {
                my ($head, $status) = ($1, $2);
                my ($length) = $head =~ /\r\nContent-Length: (\d+)/i;
                my $body = substr $in{$sock}, length $head;
                if (defined $length) {
                    last if length $body < $length;
                    $in{$sock} = substr $body, $length;
                } else {
                    last unless $body =~ /^(?:[0-9a-f]+\r\n.*?)?0\r\n\r\n/s;
                    $in{$sock} = substr $body, $+[0];
                }
                $count{$status}++;
                $done++;
                $opt{each}->($done) if $opt{each};
                if ($head =~ /\r\nConnection: close/i) {
                    $sel->remove($sock);
                    $open->() if $sent < $total;
                    last;
                }
                $next->($sock);
            }
        }
    }
    return { %count, done => $done };
}

# Requests whose header lines $lines->(0 ... $n - 1) gives, a hundred at once on
# a connection: how many answers had which status.
sub pour {
    my ($self, $path, $n, $lines) = @_;
    my ($sent, %count) = (0);
    while ($sent < $n) {
        my $batch = $n - $sent < 100 ? $n - $sent : 100;
        my @requests = map {
            join "\r\n", "GET $path HTTP/1.1", 'Host: edge.test', $lines->($sent + $_),
              ($_ == $batch - 1 ? 'Connection: close' : ()), '', ''
        } 0 .. $batch - 1;
        $count{$_}++ for $self->raw(join '', @requests) =~ m{HTTP/1\.1 (\d\d\d) }g;
        $sent += $batch;
    }
    return \%count;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local ($?, $!, $@);
    kill 'QUIT', $self->{master} if $self->{master};
    my @left = grep { waitpid($_, WNOHANG) == 0 } @{ $self->{pids} };
    kill 'TERM', grep { $_ != ($self->{master} // 0) } @left;
    wait_for(5, sub { @left = grep { waitpid($_, WNOHANG) == 0 } @left; !@left });
    kill 'KILL', @left if @left;
    remove_tree($self->{dir}) unless $ENV{EDGE_KEEP};
    return;
}

1;
