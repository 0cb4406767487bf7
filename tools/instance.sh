#!/bin/bash
# shellcheck disable=SC2174,SC2016,SC2015
# One instance of 2care, all of its parts under runit, in one folder.
#
#   tools/instance.sh run      start, print how to use it, stop on Ctrl-C
#   tools/instance.sh start    start in the background, return when healthy
#   tools/instance.sh stop     stop all parts; nothing when none runs
#   tools/instance.sh status   one line for each part
#
# Environment: RUN_DIR (run), PORT (8443, HTTPS), HTTP_PORT (PORT + 1, plain,
# loopback only), ENV (sandbox | production), BUILD (build), HOST (localhost),
# FAST_WORKERS, SLOW_WORKERS, LIMIT_ADDRESS ("hour minute", of loopback).
#
# What is where in RUN_DIR: env (shell assignments), pg (the cluster), socket,
# state (the edge's files), secret, tls, service (runit), log, nginx.

set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "$*"; }
die() { echo "2care: $*" >&2; exit 1; }

[ -r config.mk ] || die "config.mk is missing: run ./configure.sh first"
setting() { sed -n "s/^$1 := //p" config.mk; }

PATH=$PATH:/usr/sbin:/sbin
BUILD=$(realpath -m "${BUILD:-build}")
RUN_DIR=$(realpath -m -s "${RUN_DIR:-run}")
PORT=${PORT:-8443}
ENV=${ENV:-sandbox}
HOST=${HOST:-localhost}
# Each waits for its own commit, and commits that wait together share a flush:
# three a core; PostgreSQL has room for 100 sessions.
CORES=$(nproc)
FAST_WORKERS=${FAST_WORKERS:-$((CORES > 21 ? 64 : 3 * CORES))}
SLOW_WORKERS=${SLOW_WORKERS:-4}
NGINX=$(setting NGINX)
NGINX_VERSION=$(setting NGINX_VERSION)
PG_BIN=$(setting PG_BIN)
AS_ROOT=$([ "$(id -u)" = 0 ] && echo yes || echo no)
HEALTHY_WITHIN_S=60
SPACE_MB=200
SERVICES="postgres jobs backend nginx"

# sockaddr_un holds 107 bytes; ".s.PGSQL.5432" and "fast-255.sock" must fit.
SOCKET_DIR_MAX=90

# --- who runs what -----------------------------------------------------------

if [ "$AS_ROOT" = yes ]; then
	PG_USER=postgres
	APP_USER=twocare
	WEB_USER=$(sed -n 's/^user \([a-z-]*\).*/\1/p' /etc/nginx/nginx.conf 2>/dev/null || true)
	WEB_USER=${WEB_USER:-www-data}
else
	PG_USER=$(id -un)
	APP_USER=$PG_USER
	WEB_USER=$PG_USER
fi
WEB_GROUP=$(id -gn "$WEB_USER")

as() {
	local user=$1
	shift
	if [ "$AS_ROOT" = yes ]; then
		chpst -u "$user" "$@"
	else
		"$@"
	fi
}

ensure_users() {
	[ "$AS_ROOT" = yes ] || return 0
	getent passwd "$APP_USER" >/dev/null && return 0
	say "Creating the system user $APP_USER."
	useradd --system --user-group --no-create-home --home-dir /nonexistent \
	    --shell /usr/sbin/nologin "$APP_USER"
}

# As root, PostgreSQL and the workers run as users who may not be able to enter
# the folder we stand in (/root, a 0700 home): then the instance lives in
# /var/lib and RUN_DIR becomes a link to it.
place_run_dir() {
	local parent
	if [ ! -e "$RUN_DIR" ] && [ "$AS_ROOT" = yes ]; then
		parent=$(dirname "$RUN_DIR")
		mkdir -p "$parent" || die "RUN_DIR cannot be made in $parent"
		if ! chpst -u "$APP_USER" test -x "$parent"; then
			rm -f "$RUN_DIR"
			HOME_DIR=$(mktemp -d /var/lib/twocare-run.XXXXXX)
			chmod 0755 "$HOME_DIR"
			ln -s "$HOME_DIR" "$RUN_DIR"
			say "$parent is closed to the user $APP_USER: the instance lives in $HOME_DIR."
		fi
	fi
	mkdir -p "$RUN_DIR" 2>/dev/null && [ -w "$RUN_DIR" ] ||
	    die "$RUN_DIR cannot be written by $(id -un): choose another folder with RUN_DIR="
	HOME_DIR=$(realpath "$RUN_DIR")
	[ -O "$HOME_DIR" ] ||
	    die "$RUN_DIR belongs to $(stat -c %U "$HOME_DIR"): choose another folder with RUN_DIR="
}

# A long path does not fit a socket's address: then the sockets live elsewhere,
# in a folder that nobody can have prepared for us.
place_sockets() {
	local sum
	SOCKET_DIR=$HOME_DIR/socket
	if [ ${#SOCKET_DIR} -gt $SOCKET_DIR_MAX ]; then
		sum=$(printf %s "$HOME_DIR" | cksum | cut -d' ' -f1)
		SOCKET_DIR=/tmp/twocare-$(id -u)-$sum
		mkdir -m 0755 "$SOCKET_DIR" 2>/dev/null ||
		    { [ -d "$SOCKET_DIR" ] && [ ! -L "$SOCKET_DIR" ] &&
		    [ -O "$SOCKET_DIR" ]; } ||
		    die "$SOCKET_DIR is not ours: remove it, or choose a shorter RUN_DIR="
	fi
	PG_SOCKET_DIR=$SOCKET_DIR/pg
}

# A reload executes the program again, as a user who may not be able to enter the
# folder in which it was built: then it runs from a copy.
place_program() {
	PROGRAM=$BUILD/twocare
	[ "$AS_ROOT" = yes ] && ! chpst -u "$APP_USER" test -x "$PROGRAM" || return 0
	PROGRAM=$HOME_DIR/bin/twocare
	install -D -m 0755 "$BUILD/twocare" "$PROGRAM.new"
	mv "$PROGRAM.new" "$PROGRAM"
}

make_folders() {
	umask 022
	mkdir -p "$HOME_DIR"/{service,log,nginx,tls} "$SOCKET_DIR" "$PG_SOCKET_DIR"
	mkdir -p -m 0700 "$HOME_DIR"/{pg,secret}
	mkdir -p -m 0750 "$HOME_DIR/state" "$SOCKET_DIR/app"
	# An nginx that was killed leaves parts of requests there.
	rm -rf "$HOME_DIR"/nginx/{body,fastcgi,proxy,uwsgi,scgi}
	mkdir -m 0700 "$HOME_DIR"/nginx/{body,fastcgi,proxy,uwsgi,scgi}
	if [ "$AS_ROOT" = yes ]; then
		chown "$PG_USER" "$HOME_DIR/pg" "$PG_SOCKET_DIR"
		chown "$APP_USER:$WEB_GROUP" "$HOME_DIR/state" "$SOCKET_DIR/app"
		chown "$APP_USER" "$HOME_DIR/secret"
		chown "$WEB_USER" "$HOME_DIR"/nginx/*/
	fi
}

# --- PostgreSQL ----------------------------------------------------------------

make_cluster() {
	local me
	[ -e "$HOME_DIR/pg/PG_VERSION" ] && return 0
	say "Making a private PostgreSQL cluster in $RUN_DIR/pg."
	(cd "$HOME_DIR" && as "$PG_USER" "$PG_BIN/initdb" -D "$HOME_DIR/pg" \
	    -U postgres -A peer -E UTF8 --locale=C) >"$HOME_DIR/log/initdb" 2>&1 ||
	    { tail -n 5 "$HOME_DIR/log/initdb" >&2; die "initdb failed; all it said is in $RUN_DIR/log/initdb"; }
	me=$(id -un)
	cat conf/postgresql.conf >>"$HOME_DIR/pg/postgresql.conf"
	cat >>"$HOME_DIR/pg/postgresql.conf" <<-EOF
	listen_addresses = ''
	unix_socket_directories = '$PG_SOCKET_DIR'
	EOF
	echo "local all all peer map=run" >"$HOME_DIR/pg/pg_hba.conf"
	printf 'run %s %s\n' "$PG_USER" postgres "$me" postgres root postgres \
	    "$APP_USER" twocare "$me" twocare root twocare |
	    sort -u >"$HOME_DIR/pg/pg_ident.conf"
	[ "$AS_ROOT" = no ] || chown "$PG_USER" "$HOME_DIR"/pg/*.conf
}

PSQL() { "$PG_BIN/psql" -X -q -h "$PG_SOCKET_DIR" -U postgres "$@"; }

wait_for_postgres() {
	local i
	for i in $(seq 1 150); do
		PSQL -d postgres -c 'select 1' >/dev/null 2>&1 && return 0
		sleep 0.2
	done
	tail -n 20 "$HOME_DIR/log/postgres/current" >&2
	die "PostgreSQL did not start; its log is $RUN_DIR/log/postgres/current"
}

make_database() {
	PSQL -d postgres -tAc "select 1 from pg_roles where rolname = 'twocare'" |
	    grep -q 1 || PSQL -d postgres -c 'create role twocare login'
	PSQL -d postgres -tAc "select 1 from pg_database where datname = 'twocare'" |
	    grep -q 1 || PSQL -d postgres -c 'create database twocare owner twocare'
}

# --- settings, certificate, services ------------------------------------------

make_certificate() {
	local dir=$HOME_DIR/tls
	[ -e "$dir/key.pem" ] && return 0
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 825 -subj "/CN=$HOST" -keyout "$dir/key.pem" \
	    -out "$dir/cert.pem" -addext "subjectAltName=DNS:$HOST,DNS:localhost,IP:127.0.0.1,IP:::1" \
	    2>"$HOME_DIR/log/openssl" || { cat "$HOME_DIR/log/openssl" >&2; die "no certificate"; }
	chmod 0600 "$dir/key.pem"
}

make_settings() {
	ISSUER=https://$HOST:$PORT
	BASE_URL=$ISSUER/v3
	cat >"$HOME_DIR/twocare.conf" <<-EOF
	# Written by tools/instance.sh at each start.
	environment = $ENV
	issuer = $ISSUER
	base_url = $BASE_URL
	database = host=$PG_SOCKET_DIR dbname=twocare user=twocare
	socket_dir = $SOCKET_DIR/app
	state_dir = $HOME_DIR/state
	secret_dir = $HOME_DIR/secret
	user = $APP_USER
	socket_group = $WEB_GROUP
	fast_workers = $FAST_WORKERS
	slow_workers = $SLOW_WORKERS
	EOF
}

upstream() {
	local pool=$1 count=$2 i
	echo "upstream twocare_$pool {"
	echo "    zone twocare_$pool 256k;"
	echo "    least_conn;"
	for ((i = 0; i < count; i++)); do
		echo "    server unix:$SOCKET_DIR/app/$pool-$i.sock max_fails=1 fail_timeout=3s;"
	done
	echo "    keepalive 64;"
	echo "    keepalive_timeout 60s;"
	echo "    keepalive_requests 1000000;"
	echo "}"
}

# Where the kernel has no IPv6, no socket of it can be opened; from 1.25.1 on
# nginx wants `http2` to be a directive.
fit_nginx_conf() {
	[ -e /proc/net/if_inet6 ] || sed -i '/listen *\[::\]/d' "$1"
	[ "$(printf '1.25.1\n%s\n' "$NGINX_VERSION" | sort -V | head -n 1)" != 1.25.1 ] ||
	    sed -i -e '/listen /s/ ssl http2/ ssl/' -e '/listen .* ssl;/a\        http2       on;' "$1"
}

make_nginx_conf() {
	local user_line="" limit failures=60
	[ "$AS_ROOT" = no ] || user_line="user $WEB_USER;"
	if [ "$ENV" = sandbox ]; then
		limit=${LIMIT_ADDRESS:-1000000 1000000} failures=off
	else
		limit=${LIMIT_ADDRESS:-600 60}
	fi
	{ upstream fast "$FAST_WORKERS"; upstream slow "$SLOW_WORKERS"; } \
	    >"$HOME_DIR/nginx/twocare_upstreams.conf"
	for file in nginx.conf twocare_http.conf twocare_server.conf \
	    twocare_status.conf edge_params; do
		sed -e "s|@RUN_DIR@|$HOME_DIR|g" -e "s|@CONF_DIR@|$HOME_DIR/nginx|g" \
		    -e "s|@STATE_DIR@|$HOME_DIR/state|g" -e "s|@PORT@|$PORT|g" \
		    -e "s|@HTTP_PORT@|$HTTP_PORT|g" -e "s|@HOST@|$HOST|g" \
		    -e "s|@ISSUER@|$ISSUER|g" -e "s|@AUDIENCE@|$BASE_URL|g" \
		    -e "s|@USER_LINE@|$user_line|g" -e "s|@LIMIT_ADDRESS@|$limit|g" \
		    -e "s|@LIMIT_FAILURES@|$failures|g" \
		    -e "s|@MODULE@|$BUILD/nginx/ngx_http_twocare_module.so|g" \
		    -e "s|@TLS_CERT@|$HOME_DIR/tls/cert.pem|g" \
		    -e "s|@TLS_KEY@|$HOME_DIR/tls/key.pem|g" \
		    "conf/$file" >"$HOME_DIR/nginx/$file"
	done
	fit_nginx_conf "$HOME_DIR/nginx/nginx.conf"
	"$NGINX" -t -q -c "$HOME_DIR/nginx/nginx.conf" -p "$HOME_DIR/nginx" \
	    -e stderr || die "nginx refuses its configuration (above)"
}

# Root may have made the file in the folder of somebody else: it must only be.
begins_down() {
	[ -e "$HOME_DIR/service/$1/down" ] || touch "$HOME_DIR/service/$1/down"
}

# service NAME 'command line': a runit service with its log, begun down.
service() {
	local name=$1 dir=$HOME_DIR/service/$1
	mkdir -p "$dir/log" "$HOME_DIR/log/$name"
	begins_down "$name"
	printf '#!/bin/sh\nexec 2>&1\n%s\n' "$2" >"$dir/run.new"
	printf '#!/bin/sh\nexec svlogd -tt %q\n' "$HOME_DIR/log/$name" >"$dir/log/run.new"
	chmod 0755 "$dir/run.new" "$dir/log/run.new"
	mv "$dir/run.new" "$dir/run"
	mv "$dir/log/run.new" "$dir/log/run"
}

make_services() {
	local pg_as=""
	[ "$AS_ROOT" = no ] || pg_as="chpst -u $PG_USER "
	service postgres "exec ${pg_as}'$PG_BIN/postgres' -D '$HOME_DIR/pg'"
	# TERM would wait for the workers' connections; INT ends them.
	mkdir -p "$HOME_DIR/service/postgres/control"
	printf '#!/bin/sh\nkill -INT "$(head -n 1 %q)"\n' "$HOME_DIR/pg/postmaster.pid" \
	    >"$HOME_DIR/service/postgres/control/t"
	chmod 0755 "$HOME_DIR/service/postgres/control/t"
	service backend "exec '$PROGRAM' serve --conf '$HOME_DIR/twocare.conf'"
	service jobs "exec '$PROGRAM' jobs --conf '$HOME_DIR/twocare.conf'"
	service nginx "exec '$NGINX' -c '$HOME_DIR/nginx/nginx.conf' -p '$HOME_DIR/nginx' -e stderr -g 'daemon off;'"
}

SV() { sv "$@" >>"$HOME_DIR/log/sv" 2>&1; }

supervised() {
	[ -e "$HOME_DIR/runsvdir.pid" ] &&
	    kill -0 "$(cat "$HOME_DIR/runsvdir.pid")" 2>/dev/null &&
	    grep -q runsvdir "/proc/$(cat "$HOME_DIR/runsvdir.pid")/comm" 2>/dev/null
}

# A runsv may outlive the supervisor that started it.
attended() {
	sv status "$HOME_DIR/service/$1" >/dev/null 2>&1
}

running() {
	local name
	supervised && return 0
	for name in $SERVICES; do
		! attended "$name" || return 0
	done
	return 1
}

start_supervisor() {
	local i name
	setsid runsvdir -P "$HOME_DIR/service" </dev/null >>"$HOME_DIR/log/runsvdir" 2>&1 &
	echo $! >"$HOME_DIR/runsvdir.pid"
	for i in $(seq 1 100); do
		for name in $SERVICES; do
			attended "$name" || { sleep 0.1; continue 2; }
		done
		return 0
	done
	die "runit did not start; its log is $RUN_DIR/log/runsvdir"
}

# Up now, and again whenever its runsv has to be replaced.
up() {
	rm -f "$HOME_DIR/service/$1/down"
	SV up "$HOME_DIR/service/$1" ||
	    die "runit did not take the service $1; its log is $RUN_DIR/log/sv"
}

# --- clients and data ------------------------------------------------------------

ADMIN() { TWOCARE_CONF=$HOME_DIR/twocare.conf "$BUILD/twocare" admin "$@"; }

# A demo client without practical limits and one of the standard tier.
seed_clients() {
	[ "$ENV" = sandbox ] || return 0
	[ -e "$HOME_DIR/clients" ] && return 0
	ADMIN tenant create sandbox >/dev/null
	umask 077
	{
		ADMIN client create --tenant sandbox --name demo --tier enterprise \
		    --hour 1000000 --minute 1000000 --output env
		ADMIN client create --tenant sandbox --name standard \
		    --tier standard --output env | sed 's/^CLIENT_/STD_CLIENT_/'
	} >"$HOME_DIR/clients.new"
	mv "$HOME_DIR/clients.new" "$HOME_DIR/clients"
	umask 022
}

write_env() {
	umask 077
	cat >"$HOME_DIR/env.new" <<-EOF
	BASE_URL=$BASE_URL
	FHIR_URL=$BASE_URL/fhir
	AUTH_URL=$ISSUER
	HTTP_URL=http://127.0.0.1:$HTTP_PORT
	METRICS_URL=http://127.0.0.1:$HTTP_PORT/metrics
	CA_FILE=$HOME_DIR/tls/cert.pem
	PG_URL='host=$PG_SOCKET_DIR dbname=twocare user=twocare'
	STATE_DIR=$HOME_DIR/state
	ADMIN='env TWOCARE_CONF=$HOME_DIR/twocare.conf $BUILD/twocare admin'
	EOF
	[ ! -e "$HOME_DIR/clients" ] || cat "$HOME_DIR/clients" >>"$HOME_DIR/env.new"
	mv "$HOME_DIR/env.new" "$HOME_DIR/env"
	umask 022
}

# nginx reads the state when its workers start: with it there, no first request
# meets a worker that has not looked yet.
wait_for_state() {
	local i
	for i in $(seq 1 100); do
		[ -e "$HOME_DIR/state/alive" ] && [ -e "$HOME_DIR/state/jwks.json" ] &&
		    [ -e "$HOME_DIR/state/clients.map" ] &&
		    [ -e "$HOME_DIR/state/revoked.map" ] && return 0
		sleep 0.1
	done
	tail -n 5 "$HOME_DIR/log/jobs/current" >&2 || true
	die "jobs wrote no state; its log is $RUN_DIR/log/jobs/current"
}

wait_healthy() {
	local i
	for i in $(seq 1 $((HEALTHY_WITHIN_S * 5))); do
		curl -sf -o /dev/null --cacert "$HOME_DIR/tls/cert.pem" \
		    --noproxy '*' "$ISSUER/ready" && return 0
		sleep 0.2
	done
	for name in backend jobs nginx; do
		echo "--- $RUN_DIR/log/$name/current" >&2
		tail -n 5 "$HOME_DIR/log/$name/current" >&2 || true
	done
	die "not healthy after $HEALTHY_WITHIN_S s"
}

# A token of the demo client; the secret goes by standard input, not argv.
ask_token() {
	# shellcheck disable=SC1091
	. "$HOME_DIR/env"
	printf 'user = "%s:%s"\n' "$CLIENT_ID" "$CLIENT_SECRET" |
	    curl -sf --noproxy '*' -K - --cacert "$CA_FILE" \
	    -d grant_type=client_credentials "$AUTH_URL/oauth/token" |
	    sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p'
}

# The edge answers 503 until it has read its first state: ask again for a while.
token() {
	local i
	for i in $(seq 1 50); do
		ask_token && return 0
		sleep 0.2
	done
	return 1
}

seed_records() {
	local token file answer
	[ "$ENV" = sandbox ] || return 0
	[ -e "$HOME_DIR/seeded" ] && return 0
	token=$(token) || die "the token endpoint gave the demo client no token"
	for file in sql/seed/*.json; do
		answer=$(printf 'header = "Authorization: Bearer %s"\n' "$token" |
		    curl -s --noproxy '*' -K - --cacert "$HOME_DIR/tls/cert.pem" \
		    -o "$HOME_DIR/log/seed" -w '%{http_code}' \
		    -H 'Content-Type: application/fhir+json' \
		    --data-binary "@$file" "$BASE_URL/fhir")
		[ "$answer" = 200 ] ||
		    { cat "$HOME_DIR/log/seed" >&2; die "$file was refused: $answer"; }
	done
	touch "$HOME_DIR/seeded"
}

# --- the commands ------------------------------------------------------------------

port_free() {
	! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

check_ports() {
	local port
	for port in "$PORT" "$HTTP_PORT"; do
		port_free "$port" ||
		    die "port $port is taken: choose another, as in make run PORT=9443"
	done
}

check_space() {
	local free
	free=$(df -Pm "$HOME_DIR" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge $SPACE_MB ] ||
	    die "only $free MB are free below $RUN_DIR; an instance needs $SPACE_MB MB to begin"
}

# Folders are written into the configuration of nginx and PostgreSQL and into
# shell assignments, none of which we want to quote for.
check_settings() {
	local path
	[ -x "$BUILD/twocare" ] || die "$BUILD/twocare is missing: run make first"
	case $ENV in
	sandbox|production) ;;
	*) die "ENV is sandbox or production, not '$ENV'" ;;
	esac
	[[ $PORT =~ ^[1-9][0-9]{0,4}$ ]] && [ "$PORT" -lt 65535 ] ||
	    die "PORT is a number from 1 to 65534, not '$PORT'"
	HTTP_PORT=${HTTP_PORT:-$((PORT + 1))}
	[[ $HTTP_PORT =~ ^[1-9][0-9]{0,4}$ ]] && [ "$HTTP_PORT" -le 65535 ] ||
	    die "HTTP_PORT is a number from 1 to 65535, not '$HTTP_PORT'"
	for path in "$BUILD" "$RUN_DIR"; do
		[[ $path =~ ^[A-Za-z0-9_./+@:~-]+$ ]] ||
		    die "no instance can live in '$path': use letters, digits and _ . / + @ : ~ - only"
	done
}

# An environment is a database of its own: demo clients of a sandbox must never
# be good in production.
check_environment() {
	local was
	was=$(sed -n 's/^environment = //p' "$RUN_DIR/twocare.conf" 2>/dev/null) || return 0
	[ "$was" = "$ENV" ] ||
	    die "$RUN_DIR holds a $was instance: choose another folder, as in make run ENV=$ENV RUN_DIR=run-$ENV"
}

# The folder of an instance that may be there; false when there is none.
find_instance() {
	[ -d "$RUN_DIR/service" ] || return 1
	HOME_DIR=$(realpath "$RUN_DIR")
	[ -w "$HOME_DIR" ] ||
	    die "$RUN_DIR belongs to $(stat -c %U "$HOME_DIR"), who alone can do that"
}

# "down" first: what has ended must not be started again meanwhile. A runsv that
# has outlived its supervisor is told by itself; each ends its log service too.
halt() {
	local name
	for name in nginx jobs backend postgres; do
		begins_down "$name"
		SV -w 15 force-stop "$HOME_DIR/service/$name" || true
	done
	if supervised; then
		kill -HUP "$(cat "$HOME_DIR/runsvdir.pid")" 2>/dev/null || true
		for _ in $(seq 1 50); do
			supervised || break
			sleep 0.1
		done
	fi
	SV -w 5 exit "$HOME_DIR"/service/* || true
	rm -f "$HOME_DIR/runsvdir.pid"
}

# What is left half started is stopped; a second signal must not hinder that.
leave() {
	trap '' INT TERM HUP
	say "Stopping."
	stop
}

start() {
	check_settings
	check_environment
	if find_instance && supervised && [ -e "$HOME_DIR/env" ]; then
		# shellcheck disable=SC1091
		. "$HOME_DIR/env"
		ISSUER=$AUTH_URL
		wait_healthy
		seed_records
		return 0
	fi
	! { find_instance && running; } || halt
	check_ports
	ensure_users
	place_run_dir
	place_sockets
	check_space
	trap 'leave' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	make_folders
	place_program
	make_cluster
	make_certificate
	make_settings
	make_services
	make_nginx_conf
	start_supervisor
	up postgres
	wait_for_postgres
	make_database
	"$BUILD/twocare" migrate --conf "$HOME_DIR/twocare.conf" >/dev/null
	ADMIN secrets >/dev/null
	# A key that is there before the edge first looks is known to it from the
	# first token on.
	ADMIN key list --output json | grep -q kid || ADMIN key rotate >/dev/null
	seed_clients
	write_env
	up backend
	up jobs
	wait_for_state
	up nginx
	wait_healthy
	seed_records
}

stop() {
	find_instance && running || return 0
	halt
}

status() {
	find_instance && running || die "no instance runs in $RUN_DIR"
	supervised || say "The supervisor has ended: make start begins anew."
	sv status "$HOME_DIR"/service/*
}

tell() {
	local q="'"
	# shellcheck disable=SC1091
	. "$HOME_DIR/env"
	cat <<-EOF

	2care ($ENV) is running.
	  FHIR base  $FHIR_URL
	  settings   $RUN_DIR/env
	  logs       $RUN_DIR/log/
	EOF
	[ -n "${CLIENT_ID:-}" ] || return 0
	cat <<-EOF
	  client     $CLIENT_ID (its secret is in the settings)

	Paste into a second terminal:
	  . $RUN_DIR/env
	  TOKEN=\$(curl -s --cacert \$CA_FILE -u \$CLIENT_ID:\$CLIENT_SECRET -d grant_type=client_credentials \$AUTH_URL/oauth/token | sed ${q}s/.*"access_token": *"\\([^"]*\\)".*/\\1/${q})
	  curl -s --cacert \$CA_FILE -H "Authorization: Bearer \$TOKEN" "\$FHIR_URL/Patient?name=doe"

	EOF
}

run() {
	! { find_instance && running; } ||
	    die "an instance runs in $RUN_DIR already: make stop ends it"
	start
	tell
	say "Ctrl-C stops it."
	while supervised; do
		sleep 1
	done
	die "the supervisor ended; its log is $RUN_DIR/log/runsvdir"
}

case ${1:-} in
run)	run ;;
start)	start; trap - EXIT INT TERM HUP; tell ;;
stop)	stop ;;
status)	status ;;
*)	sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
