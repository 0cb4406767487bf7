# Beside other sites: an nginx with two sites and limit_req of its own answers
# them byte for byte as before when 2care is added, and when it is removed.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;

my $edge = Edge->new(stopped => 1, clients => ['app_test:1000:1000']);
my ($one, $two) = map { Edge::free_port() } 1 .. 2;
my $ours = $edge->{port};
my $dir  = $edge->path('sites');

mkdir $dir;
mkdir "$dir/$_" for qw(one two);
Edge::write_file("$dir/one/index.html", "<html>one</html>\n");
Edge::write_file("$dir/one/data.json",  '{"a":' . '1' x 5000 . "}\n");
Edge::write_file("$dir/two/index.html", "two\n");
utime 1_700_000_000, 1_700_000_000, glob "$dir/*/*";

sub conf {
    my ($with) = @_;
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = $edge->temp_paths;
    my ($load, $http, $server) = ('') x 3;
    if ($with) {
        $load   = 'load_module ' . Edge::module() . ';';
        $http   = "include $edge->{dir}/nginx/twocare_http.conf;";
        $server = "server { listen 127.0.0.1:$ours; server_name edge.test;"
          . " include $edge->{dir}/nginx/twocare_server.conf; }";
    }
    return <<"END";
$load
$user
worker_processes 1;
pid $edge->{dir}/nginx.pid;
error_log $edge->{dir}/log/error.log notice;
events { worker_connections 256; }
http {
$temp
    $http
    log_format plain '\$request_method \$uri \$status \$body_bytes_sent';
    access_log $edge->{dir}/log/sites.log plain;
    limit_req_zone \$binary_remote_addr zone=sites:1m rate=1r/m;
    server {
        listen 127.0.0.1:$one;
        server_name one.test;
        root $dir/one;
        add_header X-Site one always;
        gzip on; gzip_types application/json;
        error_page 404 /missing.html;
        location = /missing.html { return 404 "nothing here\\n"; }
        location /limited { limit_req zone=sites burst=1 nodelay; return 200 "limited\\n"; }
        location /slow/ { limit_req zone=sites; alias $dir/one/; }
        location /secret { auth_basic one; auth_basic_user_file $dir/none; }
        location /v3/ { return 200 "their own v3\\n"; }
    }
    server {
        listen 127.0.0.1:$two;
        root $dir/two;
        client_max_body_size 10;
        location /deny { deny all; }
        location /gone { fastcgi_pass unix:/nonexistent/gone.sock; }
        location /redirect { return 301 /index.html; }
    }
    $server
}
END
}

my $end = "\r\nHost: one.test\r\nConnection: close\r\n";
my @requests = (
    [ $one, "GET / HTTP/1.1$end\r\n" ],
    [ $one, "HEAD / HTTP/1.1$end\r\n" ],
    [ $one, "GET /data.json HTTP/1.1${end}Accept-Encoding: gzip\r\n\r\n" ],
    [ $one, "GET /data.json HTTP/1.1${end}Range: bytes=0-9\r\n\r\n" ],
    [ $one, "GET / HTTP/1.1${end}If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\n" ],
    [ $one, "GET /none HTTP/1.1$end\r\n" ],
    [ $one, "GET /secret HTTP/1.1$end\r\n" ],
    [ $one, "GET /secret HTTP/1.1${end}Authorization: Bearer x\r\n\r\n" ],
    [ $one, "GET /v3/x HTTP/1.1${end}Authorization: Bearer x\r\n\r\n" ],
    (map { [ $one, "GET /slow/data.json HTTP/1.1$end\r\n" ] } 1 .. 2),
    [ $two, "GET / HTTP/1.1$end\r\n" ],
    [ $two, "GET /deny HTTP/1.1$end\r\n" ],
    [ $two, "GET /gone HTTP/1.1$end\r\n" ],
    [ $two, "GET /redirect HTTP/1.1$end\r\n" ],
    [ $two, "POST / HTTP/1.1${end}Content-Length: 100\r\n\r\n" ],
    [ $two, "OPTIONS / HTTP/1.1$end\r\n" ],
    [ $two, "TRACE / HTTP/1.1$end\r\n" ],
    [ $two, "GARBAGE\r\n\r\n" ],
    [ $two, 'GET /' . 'x' x 40_000 . " HTTP/1.1$end\r\n" ],
    [ $two, "GET / HTTP/1.1${end}X: " . 'x' x 40_000 . "\r\n\r\n" ],
);

sub ask {
    my @answers;
    for my $request (@requests) {
        local $edge->{port} = $request->[0];
        push @answers, $edge->raw($request->[1]) =~ s/^Date: [^\r]*/Date: -/mr;
    }
    return \@answers;
}

# A server of its own each time: limit_req begins anew.
sub with_conf {
    my ($with, $work) = @_;
    Edge::write_file($edge->path('nginx/nginx.conf'), conf($with));
    local $edge->{port} = $one;
    $edge->start;
    my $result = $work->();
    kill 'QUIT', $edge->{master};
    waitpid $edge->{master}, 0;
    return $result;
}

my $before = with_conf(0, \&ask);
my $token  = $edge->mint;
my $beside = with_conf(1, sub {
    my $answers = ask();
    local $edge->{port} = $ours;
    is $edge->get('/v3/x', token => $token)->{status}, 200, '2care answers beside them';
    is $edge->get('/v3/x')->{status}, 401, 'and refuses';
    return $answers;
});
my $after = with_conf(0, \&ask);

for my $i (0 .. $#requests) {
    my $what = substr($requests[$i][1], 0, 30) =~ s/\s+$//r;
    ok length $before->[$i], "$what is answered";
    is $beside->[$i], $before->[$i], "$what: the same with 2care";
    is $after->[$i],  $before->[$i], "$what: the same without it again";
}
unlike join('', @$beside), qr/x-request-id|ratelimit|twocare|2care/i, 'nothing of ours in them';

done_testing;
