#!/bin/sh
# Find what 2care needs, install what is missing (Debian 12 and 13), and write
# config.mk for make.
#
#   ./configure.sh               install what is missing, write config.mk
#   ./configure.sh --no-install  only report what is missing
#   ./configure.sh --check       also what `make check` and `make bench` use
#   ./configure.sh --peers       also the gateways that `make bench` compares
#                                with (HAProxy, nginx's Lua module)
#   ./configure.sh --prefix=DIR  where `make install` goes (default /usr/local)

set -eu
cd "$(dirname "$0")"

install=yes
check=no
peers=no
prefix=/usr/local

usage() {
	sed -n '2,11s/^# \{0,1\}//p' "$0"
	exit "$1"
}

for arg; do
	case $arg in
	--no-install)	install=no ;;
	--check)	check=yes ;;
	--peers)	peers=yes ;;
	--prefix=/*)	prefix=${arg#--prefix=} ;;
	-h|--help)	usage 0 ;;
	*)		echo "configure.sh: unknown option: $arg" >&2; usage 2 >&2 ;;
	esac
done

die() {
	echo "configure.sh: $*" >&2
	exit 1
}

# --- what is needed: a package, and how we see that it is there ------------

have() { command -v "$1" >/dev/null 2>&1; }
have_lib() { have pkg-config && pkg-config --exists "$1"; }
have_pg() { [ -n "$(pg_bin)" ]; }
have_fcgi() { [ -e /usr/include/fcgiapp.h ]; }
have_perl() { have perl && perl -M"$1" -e 1 2>/dev/null; }

# The newest PostgreSQL server that Debian put here: 15 on 12, 17 on 13.
pg_bin() {
	for dir in /usr/lib/postgresql/*/bin; do
		[ -x "$dir/initdb" ] && echo "$dir"
	done | sort -t/ -k5n | tail -n 1
}

missing=
need() {
	package=$1
	shift
	"$@" || missing="$missing $package"
}

find_missing() {
	missing=
	# to build
	need gcc		have gcc
	need libc6-dev		[ -e /usr/include/stdio.h ]
	need make		have make
	need mawk		have awk
	need pkgconf		have pkg-config
	need nginx		have_nginx
	need nginx-dev		[ -d /usr/share/nginx/src ]
	need libfcgi-dev	have_fcgi
	need libjansson-dev	have_lib jansson
	need libpq-dev		have_lib libpq
	need libssl-dev		have_lib openssl
	need libcurl4-openssl-dev have_lib libcurl
	need libsodium-dev	have_lib libsodium
	need libunistring-dev	[ -e /usr/include/unistr.h ]
	# to run
	need postgresql		have_pg
	need runit		have runsvdir
	need openssl		have openssl
	need curl		have curl
	need ca-certificates	[ -d /etc/ssl/certs ]
	# to test
	need check		have_lib check
	need perl		have prove
	need libio-socket-ssl-perl have_perl IO::Socket::SSL
	need nodejs		have node
	need npm		have npm
	need xz-utils		have xz
	need procps		have pgrep
	if [ $check = yes ]; then
		need clang		have clang
		need libclang-rt-dev	have_fuzzer
		need clang-tidy		have clang-tidy
		need cppcheck		have cppcheck
		need shellcheck		have shellcheck
		need wrk		have wrk
	fi
	if [ $peers = yes ]; then
		need haproxy		[ -x /usr/sbin/haproxy ]
		need libnginx-mod-http-lua have_nginx_lua
		need lua-luaossl	[ -e /usr/share/lua/5.1/openssl.lua ]
		need lua-cjson		[ -d /usr/share/lua/5.1/cjson ]
	fi
}

have_nginx() { have nginx || [ -x /usr/sbin/nginx ]; }
have_nginx_lua() { [ -e /usr/lib/nginx/modules/ngx_http_lua_module.so ]; }
have_fuzzer() { find /usr/lib/llvm-*/lib/clang -name "libclang_rt.fuzzer*" 2>/dev/null | grep -q .; }

# --- installing --------------------------------------------------------------

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

may_install() {
	[ "$(id -u)" = 0 ] && return 0
	have sudo && sudo -n true 2>/dev/null
}

agreed() {
	[ -t 0 ] && [ -t 1 ] || return 0
	printf 'Install them now? [Y/n] '
	read -r answer || return 1
	case $answer in
	''|y|Y|yes)	return 0 ;;
	*)		return 1 ;;
	esac
}

install_missing() {
	line="apt-get install -y --no-install-recommends$missing"
	have apt-get || die "this system has no apt-get; install by hand:$missing"
	may_install || die "not root and no passwordless sudo. Run as root:
    apt-get update && $line"
	echo "Missing packages:$missing"
	agreed || die "nothing installed. The line is:
    $line"
	export DEBIAN_FRONTEND=noninteractive
	as_root apt-get update -q ||
	    die "apt-get update failed (it says why above): is there a network?"
	# shellcheck disable=SC2086 # the list is meant to be split
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
	    --no-install-recommends $missing ||
	    die "apt-get could not install them (it says why above; is there a" \
	    "network?): with that mended, run ./configure.sh again"
}

PATH=$PATH:/usr/sbin:/sbin
find_missing
if [ -n "$missing" ]; then
	if [ $install = no ]; then
		echo "Missing packages:$missing"
		exit 1
	fi
	install_missing
	hash -r
	find_missing
	[ -z "$missing" ] || die "still missing after the installation:$missing"
fi

# --- the module must be built against the nginx that will load it -------------

nginx=$(command -v nginx)
version=$("$nginx" -v 2>&1 | sed -n 's/.*nginx\/\([0-9.]*\).*/\1/p')
headers=$(sed -n 's/^#define NGINX_VERSION *"\([0-9.]*\)".*/\1/p' \
    /usr/share/nginx/src/src/core/nginx.h)
[ "$version" = "$headers" ] || die "nginx is $version but nginx-dev is" \
    "$headers: upgrade both to the same version"

case $(uname -m) in
x86_64|aarch64)	;;
*)	echo "configure.sh: note: $(uname -m) is not a machine we test on" ;;
esac

cat > config.mk.tmp <<EOF
# Written by configure.sh; run it again instead of editing.
CC := gcc
NGINX := $nginx
NGINX_VERSION := $version
PG_BIN := $(pg_bin)
PREFIX := $prefix
PKG_CFLAGS := $(pkg-config --cflags libpq jansson openssl libcurl libsodium)
PKG_LIBS := $(pkg-config --libs libpq jansson openssl libcurl libsodium) -lfcgi -lunistring
CHECK_LIBS := $(pkg-config --libs check)
EOF
# Everything is compiled anew when config.mk changes.
cmp -s config.mk.tmp config.mk || mv config.mk.tmp config.mk
rm -f config.mk.tmp

echo "nginx $version, PostgreSQL in $(pg_bin), OpenSSL $(pkg-config --modversion openssl)."
echo "Wrote config.mk. Next: make run, or make test."
