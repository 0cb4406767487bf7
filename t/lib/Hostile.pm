package Hostile;

# A client that says anything, byte by byte, and a judge of the answers.
#
#   my $enemy = Hostile->new($stack);
#   my $answer = $enemy->send($bytes, secure => 1, patience => 0.5);
#   my @faults = $enemy->judge($answer, $path);   # nothing: as it should be
#
# send() waits for one whole answer. {hung} is set when none came in time and
# the server did not close either once we had hung up.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP;
use Time::HiRes qw(time sleep);

my $ANSWER_WITHIN_S = 25;
my $CLOSE_WITHIN_S  = 5;

sub new {
    my ($class, $stack) = @_;
    $SIG{PIPE} = 'IGNORE';
    my ($port)  = $stack->env('AUTH_URL') =~ /:(\d+)$/;
    my ($plain) = $stack->env('HTTP_URL') =~ /:(\d+)/;
    return bless {
        stack => $stack, port => $port, plain => $plain, json => JSON::PP->new->utf8->allow_nonref->max_depth(2000),
    }, $class;
}

sub connect {
    my ($self, $secure) = @_;
    my $sock = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $secure ? $self->{port} : $self->{plain}, Timeout => 10)
      // die "connect: $!\n";
    IO::Socket::SSL->start_SSL($sock, SSL_ca_file => $self->{stack}->env('CA_FILE'), SSL_verifycn_name => 'localhost', SSL_hostname => 'localhost')
      // die "TLS: $SSL_ERROR\n"
      if $secure;
    $sock->blocking(0);
    return $sock;
}

# What can be read within $seconds; undef at the end of the connection. TLS has
# readable bytes without content: then the answer is '' although time is left.
sub more {
    my ($sock, $seconds) = @_;
    if (!($sock->can('pending') && $sock->pending)) {
        IO::Select->new($sock)->can_read($seconds) or return '';
    }
    my $n = sysread $sock, my $bytes, 65536;
    return $bytes if $n;
    return '' if !defined $n && ($!{EAGAIN} || $!{EINTR});
    return;
}

# How much of $bytes the server took; it may answer and close before the end.
sub write_all {
    my ($sock, $bytes) = @_;
    my ($at, $end) = (0, time + $ANSWER_WITHIN_S);
    while ($at < length $bytes && time < $end) {
        my $n = syswrite $sock, $bytes, 16384, $at;
        last if !defined $n && !$!{EAGAIN} && !$!{EINTR};
        $at += $n // 0;
        IO::Select->new($sock)->can_write(1) if !$n;
    }
    return $at;
}

# Options: secure, patience (s, when part of the request may be missing), head
# (a HEAD request, whose answer ends with its header).
sub send {
    my ($self, $bytes, %o) = @_;
    my $sock = $self->connect($o{secure});
    write_all($sock, $bytes);
    my $began = time;
    my $end   = $began + ($o{patience} // $ANSWER_WITHIN_S);
    my ($in, $answer, $closed) = ('');
    until ($answer = $self->parse($in, $o{head})) {
        my $left = $end - time;
        last if $left <= 0;
        my $got = more($sock, $left);
        $closed = !defined $got;
        last if $closed;
        $in .= $got;
    }
    my $waited = time - $began;
    if (!$answer) {
        # We hang up: then the server must, too.
        shutdown $sock, 1;
        $end = time + $CLOSE_WITHIN_S;
        while (!$closed && time < $end) {
            my $got = more($sock, $end - time);
            $closed = !defined $got;
            $in .= $got // '';
        }
        $answer = $self->parse($in, 1) // { text => $in };
    }
    # A request without a version is one of HTTP/0.9: the answer is a body.
    @$answer{qw(status body old)} = (200, $in, 1) if $closed && !$answer->{status} && $in =~ /^\{/;
    $answer->{hung} = 1 if !$answer->{status} && (!$closed || !$o{patience} && $waited >= $ANSWER_WITHIN_S);
    $answer->{waited} = $waited;
    close $sock;
    return $answer;
}

# The first whole answer in $text, 100 Continue skipped; undef while it grows.
sub parse {
    my ($self, $text, $head) = @_;
    $text =~ s{^HTTP/1\.1 100 .*?\r\n\r\n}{}s;
    my ($top, $body) = $text =~ /^(HTTP.*?)\r\n\r\n(.*)\z/s or return;
    my ($line, @fields) = split /\r\n/, $top;
    my %answer = (text => $text, line => $line, fields => \@fields, headers => {});
    ($answer{status}) = $line =~ m{^HTTP/1\.[01] (\d{3})(?: |$)};
    for (@fields) {
        my ($name, $value) = /^([\w-]+): ?(.*)$/ or ($answer{odd} = $_, next);
        $answer{headers}{ lc $name } = $value;
    }
    my $length = $answer{headers}{'content-length'};
    if ($head || ($answer{status} // 0) =~ /^(?:1..|204|304)$/) {
        $answer{body} = '';
        return \%answer;
    }
    if (defined $length) {
        return if length $body < $length;
        $answer{body} = substr $body, 0, $length;
        return \%answer;
    }
    return if ($answer{headers}{'transfer-encoding'} // '') ne 'chunked';
    my $whole = '';
    while ($body =~ s/^([0-9a-f]+)\r\n//i) {
        my $n = hex $1;
        if ($n == 0) {
            $answer{body} = $whole;
            return \%answer;
        }
        return if length $body < $n + 2;
        $whole .= substr $body, 0, $n + 2, '';
        substr $whole, -2, 2, '';
    }
    return;
}

# How an error body of each face must look: what is wrong with it, or nothing.
my %FORM = (
    fhir => sub {
        my ($json, $answer) = @_;
        return 'not an OperationOutcome' if ($json->{resourceType} // '') ne 'OperationOutcome';
        my $issues = $json->{issue};
        return 'no issue' if ref $issues ne 'ARRAY' || !@$issues;
        return 'an issue without severity or code' if grep { !$_->{severity} || !$_->{code} } @$issues;
        return ($answer->{headers}{'content-type'} // '') =~ m{^application/(?:fhir\+)?json} ? () : 'wrong type';
    },
    oauth => sub {
        my ($json) = @_;
        return 'no error' if ref $json->{error} || !length($json->{error} // '');
        return $json->{error_description} =~ /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/ ? () : 'error_description' if exists $json->{error_description};
        return;
    },
    json => sub {
        my ($json, $answer) = @_;
        my $error = $json->{error};
        return 'no error object' if ref $error ne 'HASH';
        return 'no code or message' if !$error->{code} || !length($error->{message} // '');
        return ($error->{requestId} // '') eq ($answer->{headers}{'x-request-id'} // '-') ? () : 'requestId';
    },
);

sub face {
    my ($path) = @_;
    return 'fhir'  if $path =~ m{^/v3/fhir(?:[/?]|$)};
    return 'oauth' if $path =~ m{^/(?:oauth|\.well-known)(?:[/?]|$)};
    return 'json';
}

# $faces: the names of the forms that an error may have here.
sub judge {
    my ($self, $answer, @faces) = @_;
    return 'hung' if $answer->{hung};
    my $status = $answer->{status};
    return if !defined $status && $answer->{text} eq '';
    return 'not HTTP' if !defined $status;
    return $answer->{line} if $status >= 500;
    return "a redirection ($status)" if $status =~ /^3/ && $status != 304;
    my @faults;
    push @faults, "a bad header line: $answer->{odd}" if defined $answer->{odd};
    push @faults, 'no X-Request-Id' if !$answer->{old} && ($answer->{headers}{'x-request-id'} // '') !~ /^req_[a-z0-9]{26}$/;
    my $body = $answer->{body};
    return @faults if !length $body;
    if (($answer->{headers}{'content-encoding'} // '') eq 'gzip') {
        gunzip(\$body => \my $plain);
        $body = $plain // '';
    }
    my $json = eval { $self->{json}->decode($body) };
    return (@faults, "not JSON: $@") if !defined $json;
    return @faults if $status < 400 || $answer->{old};
    my @wrong = map { [ $FORM{$_}->($json, $answer) ] } @faces;
    return @faults if grep { !@$_ } @wrong;
    return (@faults, map { @$_ } @wrong);
}

# PSS of processes, in KiB.
sub pss {
    my (@pids) = @_;
    my $sum = 0;
    for my $pid (@pids) {
        open my $fh, '<', "/proc/$pid/smaps_rollup" or next;
        while (<$fh>) { $sum += $1 if /^Pss:\s+(\d+)/ }
    }
    return $sum;
}

1;
