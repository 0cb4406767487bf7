#!/bin/bash
# tools/install.sh install|uninstall DESTDIR PREFIX
#
# Put 2care beside the nginx that is already here: the module where nginx
# looks for modules, but not enabled; includes in /etc/twocare; units for
# systemd; without DESTDIR also the user twocare. Nothing of nginx's own is
# touched, and uninstall removes exactly what install put: settings that were
# changed, state, secrets and the user stay.

set -eu
cd "$(dirname "$0")/.."
verb=$1 dest=$2 prefix=$3
build=${BUILD:-build}
nginx=$(sed -n 's/^NGINX := //p' config.mk)
modules=$("$nginx" -V 2>&1 | sed -n 's/.*--modules-path=\([^ ]*\).*/\1/p')
units=/usr/lib/systemd/system
state=/var/lib/twocare
user=twocare
[ -n "$modules" ] || { echo "install.sh: $nginx does not say where its modules are" >&2; exit 1; }

# mode, source, target
files=(
	"0755 $build/twocare $prefix/bin/twocare"
	"0644 $build/nginx/ngx_http_twocare_module.so $modules/ngx_http_twocare_module.so"
	"0644 conf/twocare_http.conf /etc/twocare/twocare_http.conf"
	"0644 conf/twocare_server.conf /etc/twocare/twocare_server.conf"
	"0644 conf/twocare_status.conf /etc/twocare/twocare_status.conf"
	"0644 conf/edge_params /etc/twocare/edge_params"
	"0644 conf/bench.conf /etc/twocare/bench.conf"
	"0644 conf/systemd/twocare-backend.service $units/twocare-backend.service"
	"0644 conf/systemd/twocare-jobs.service $units/twocare-jobs.service"
)

loader=/usr/share/nginx/modules-available/mod-http-twocare.conf

enabled=/etc/nginx/modules-enabled/50-mod-http-twocare.conf

# The includes name folders; these are the installed ones. Issuer and audience
# are said once, in the server that serves the API, so that installing again
# changes nothing of yours.
fill() {
	sed -i -e "s|@BINDIR@|$prefix/bin|g" -e "s|@CONF_DIR@|/etc/twocare|g" \
	    -e "s|@STATE_DIR@|/var/lib/twocare/state|g" \
	    -e "s|@LIMIT_ADDRESS@|600 60|g" -e "s|@LIMIT_FAILURES@|60|g" \
	    -e "/^twocare_issuer/d" -e "/^twocare_audience/d" \
	    -e "s|^# What jobs writes.*|# What jobs writes.|" "$1"
}

make_user() {
	[ -z "$dest" ] && [ "$(id -u)" = 0 ] || return 0
	getent passwd $user >/dev/null || useradd --system --user-group \
	    --no-create-home --home-dir $state --shell /usr/sbin/nologin $user
	chgrp $user /etc/twocare/twocare.conf
}

upstreams() {
	local pool=$1 count=$2 i
	echo "upstream twocare_$pool {"
	echo "    zone twocare_$pool 256k;"
	echo "    least_conn;"
	for ((i = 0; i < count; i++)); do
		echo "    server unix:/run/twocare/$pool-$i.sock max_fails=1 fail_timeout=3s;"
	done
	printf '    keepalive 64;\n    keepalive_timeout 60s;\n    keepalive_requests 1000000;\n}\n'
}

case $verb in
install)
	for row in "${files[@]}"; do
		read -r mode from to <<<"$row"
		install -D -m "$mode" "$from" "$dest$to"
		case $to in
		*.conf|*.service|*_params) fill "$dest$to" ;;
		esac
	done
	{ upstreams fast 8; upstreams slow 4; } >"$dest/etc/twocare/twocare_upstreams.conf"
	install -D -m 0644 /dev/null "$dest$loader"
	echo "load_module $modules/ngx_http_twocare_module.so;" >"$dest$loader"
	[ -e "$dest/etc/twocare/twocare.conf" ] ||
	    install -m 0640 conf/twocare.conf "$dest/etc/twocare/twocare.conf"
	install -d -m 0755 "$dest$state"
	make_user
	echo "Installed. README.md, \"Behind the nginx you already run\", says what comes next."
	;;
uninstall)
	for row in "${files[@]}"; do
		read -r mode from to <<<"$row"
		rm -f "$dest$to"
	done
	rm -f "$dest$loader" "$dest/etc/twocare/twocare_upstreams.conf"
	# nginx would not start with a link to what is gone.
	if [ "$(readlink "$dest$enabled")" = $loader ]; then
		rm -f "$dest$enabled"
		echo "Removed $enabled: remove our includes from nginx's configuration, too."
	fi
	if cmp -s conf/twocare.conf "$dest/etc/twocare/twocare.conf"; then
		rm -f "$dest/etc/twocare/twocare.conf"
	fi
	# Folders that are empty now, ours and what DESTDIR had to hold them.
	if [ -n "$dest" ]; then
		for row in "${files[@]}" "- - $loader"; do
			read -r mode from to <<<"$row"
			(cd "$dest" && rmdir -p ".${to%/*}") 2>/dev/null || true
		done
		(cd "$dest" && rmdir -p ".$state") 2>/dev/null || true
	else
		rmdir /etc/twocare "$state" 2>/dev/null || true
	fi
	echo "Uninstalled."
	;;
*)
	sed -n '2,8s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
