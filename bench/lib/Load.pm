package Load;

# What makes load, and what it cost the servers. Each function returns
# { rate, requests, bad, cpu_us, parts, max_ms }: requests per second, how many
# were answered otherwise than expected, CPU microseconds of the servers per
# request, and the same of each server.
#
# A server is a name and the pids of its masters: { nginx => [12], ... }.

use strict;
use warnings;

use IO::Handle;
use JSON::PP;
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(sleep time);

our $SECONDS = 2;
our $THREADS = 2;

# Sessions are set as the workers set theirs (backend/wire/pg_link.c).
my $SESSION    = '-c plan_cache_mode=force_generic_plan -c jit=off';
my $START_LOCK = 20_000_003;

my $TICK_US = 1e6 / sysconf(_SC_CLK_TCK);

sub capture {
    my (@command) = @_;
    my $pid = open my $pipe, '-|';
    defined $pid or die "fork: $!\n";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    my $out = do { local $/ = undef; <$pipe> };
    close $pipe or die "@command[0 .. 1] ... failed ($?):\n$out";
    return $out // '';
}

# --- CPU of the servers --------------------------------------------------------

# CPU microseconds that each server has used so far: its masters, all processes
# below them, and those that have ended.
sub cpu {
    my ($servers) = @_;
    my (%used, %children);
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $fh, '<', $file or next;
        my $stat = <$fh> // next;
        my ($pid, $rest) = $stat =~ /^(\d+) \(.*\) \S (.*)$/s or next;
        my @field = split ' ', $rest;
        $used{$pid} = $field[10] + $field[11] + $field[12] + $field[13];
        push @{ $children{ $field[0] } }, $pid;
    }
    my %sum;
    for my $name (keys %$servers) {
        my @todo = @{ $servers->{$name} };
        while (defined(my $pid = shift @todo)) {
            $sum{$name} += ($used{$pid} // 0) * $TICK_US;
            push @todo, @{ $children{$pid} // [] };
        }
    }
    return \%sum;
}

# Run $load->() between two looks at the servers' CPU.
sub costed {
    my ($servers, $load) = @_;
    my $before = cpu($servers);
    my $result = $load->();
    # Sessions that have just ended are counted when they are gone for good.
    sleep 0.3;
    my $after  = cpu($servers);
    my $n      = $result->{requests} || 1;
    $result->{parts} = { map { $_ => ($after->{$_} - $before->{$_}) / $n } keys %$servers };
    $result->{cpu_us} = 0;
    $result->{cpu_us} += $_ for values %{ $result->{parts} };
    return $result;
}

# --- HTTP ------------------------------------------------------------------------

# Options: url, method, paths, tokens, bodies (files), connections, seconds,
# servers, refused (true: every answer must be an error).
sub http {
    my (%o) = @_;
    my $seconds = $o{seconds} // $SECONDS;
    return costed($o{servers} // {}, sub {
        my $out = capture('wrk', "-t$THREADS", '-c' . ($o{connections} // 32), "-d${seconds}s",
            '--timeout', '10s', '-s', 'bench/rotate.lua', $o{url}, '--',
            $o{method} // 'GET', $o{paths}, $o{tokens} // '-', $o{bodies} // '-');
        my ($line) = $out =~ /^(\{.*\})$/m or die "wrk said:\n$out";
        my $said = decode_json($line);
        my $bad  = $o{refused} ? $said->{requests} - $said->{status} : $said->{status};
        return {
            rate     => $said->{requests} / $said->{us} * 1e6,
            requests => $said->{requests},
            bad      => $bad + $said->{socket},
            bytes    => $said->{bytes} / ($said->{requests} || 1),
            (map { ($_ . '_ms' => $said->{ $_ . '_us' } / 1000) } qw(p50 p99 max)),
        };
    });
}

# --- pgbench -----------------------------------------------------------------------

# Options: pgbench, host, scripts (chosen at random), clients, seconds, servers,
# define. The first second (connecting, preparing) is not counted.
sub pgbench {
    my (%o) = @_;
    local $ENV{PGOPTIONS} = $SESSION;
    my $seconds = $o{seconds} // $SECONDS;
    my @define  = map { ('-D', "$_=$o{define}{$_}") } sort keys %{ $o{define} // {} };
    return costed($o{servers} // {}, sub {
        my $out = capture($o{pgbench}, '-n', '-M', 'prepared', '-h', $o{host}, '-U', 'twocare',
            '-c', $o{clients}, '-j', $o{clients} < 2 ? 1 : 2, '-T', $seconds + 1, '-P', 1, @define,
            (map { ('-f', $_) } @{ $o{scripts} }), 'twocare');
        my ($first_s, $first_tps) = $out =~ /^progress: ([\d.]+) s, ([\d.]+) tps/m;
        my ($n)      = $out =~ /actually processed: (\d+)/;
        my ($failed) = $out =~ /failed transactions: (\d+)/;
        $first_s && $n or die "pgbench said:\n" . substr $out, 0, 2000;
        my $rate = ($n - $first_s * $first_tps) / ($seconds + 1 - $first_s);
        return { rate => $rate, requests => $n, bad => ($failed // 0) + ($out =~ /aborted/ ? 1 : 0) };
    });
}

# The count of clients with which pgbench is fastest.
sub best_clients {
    my (%o) = @_;
    my ($best, $rate) = (1, 0);
    for my $clients (@{ $o{among} }) {
        my $r = pgbench(%o, clients => $clients, seconds => 1);
        ($best, $rate) = ($clients, $r->{rate}) if $r->{rate} > $rate;
    }
    return $best;
}

# --- bundles --------------------------------------------------------------------------

# Post each file once from so many clients. Options: load (the program), url,
# token (file), ca_file, clients, files, servers. Requests are records.
sub bundles {
    my (%o) = @_;
    local $ENV{CA_FILE} = $o{ca_file};
    return costed($o{servers}, sub {
        my $said = decode_json(capture($o{load}, $o{clients}, $o{url}, $o{token}, @{ $o{files} }));
        return {
            rate     => $said->{entries} / $said->{seconds},
            requests => $said->{entries},
            bad      => $said->{bad},
            max_ms   => $said->{max_ms},
        };
    });
}

# Run each script once, each in a pgbench of its own, all at the same moment:
# they wait for a lock before their first statement. Options: pgbench, host,
# database, instance, scripts, records (that they write together), servers.
sub replay {
    my (%o) = @_;
    local $ENV{PGOPTIONS} = $SESSION;
    open my $lock, '|-', $o{instance}->psql($o{database}), '-o', '/dev/null' or die "psql: $!\n";
    $lock->autoflush(1);
    print {$lock} "select pg_advisory_lock($START_LOCK);\n";
    $o{instance}->wait_until('exists (' . locks('granted') . ')');
    my @pids = map { spawn($o{pgbench}, '-n', '-M', 'extended', '-h', $o{host}, '-U', 'twocare',
        '-c', 1, '-t', 1, '-f', $_, $o{database}) } @{ $o{scripts} };
    $o{instance}->wait_until('(' . locks('not granted', 'count(*)') . ') = ' . @pids);
    return costed($o{servers}, sub {
        my $begin = time;
        close $lock or die "psql failed\n";
        my $bad = grep { waitpid($_, 0) && $? } @pids;
        return { rate => $o{records} / (time - $begin), requests => $o{records}, bad => $bad };
    });
}

# The first statement of a replay's script.
sub start_together { return "select pg_advisory_lock_shared($START_LOCK);\n" }

sub locks {
    my ($state, $what) = @_;
    return 'select ' . ($what // '1') . " from pg_locks where locktype = 'advisory' and objid = $START_LOCK and $state";
}

sub spawn {
    my (@command) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    open STDOUT, '>', '/dev/null';
    exec { $command[0] } @command or POSIX::_exit(127);
}

1;
