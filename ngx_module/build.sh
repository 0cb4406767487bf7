#!/bin/bash
# Build the module against the installed nginx (Debian package nginx-dev).
#
#   ngx_module/build.sh FOLDER [asan]
#
# leaves FOLDER/ngx_http_twocare_module.so. Compiles nothing when that is newer
# than every source and was made for this very nginx.

set -euo pipefail

SRC=/usr/share/nginx/src
SO=ngx_http_twocare_module.so

[ $# -ge 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
module=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
kind=${2:-plain}

[ -e "$SRC/conf_flags" ] ||
    { echo "build.sh: the package nginx-dev is missing" >&2; exit 1; }

case $kind in
plain)
	cc_opt="-g -O2 -flto -fPIC -fstack-protector-strong -D_FORTIFY_SOURCE=2"
	;;
asan)
	cc_opt="-g -O1 -fPIC -fno-omit-frame-pointer -fsanitize=address,undefined"
	;;
*)
	echo "build.sh: unknown kind '$kind'" >&2
	exit 2
	;;
esac
cc_opt="$cc_opt -D_GNU_SOURCE -Wshadow -Wformat -Werror=format-security"
# nginx loads modules into one space of names: ours shows three, so that calls
# between our files are direct and no other module's function is met by chance.
echo '{ global: ngx_modules; ngx_module_names; ngx_module_order; local: *; };' \
    > "$out/exports"
ld_opt="-fPIC -Wl,--version-script=$out/exports"
[ "$kind" = asan ] || ld_opt="$ld_opt -O2 -flto"
[ "$kind" = asan ] && ld_opt="$ld_opt -fsanitize=address,undefined"
[ "$kind" = asan ] || ld_opt="$ld_opt -Wl,-z,relro -Wl,-z,now"

# Packages keep their files' times: an upgrade shows in what they say.
made_for="$kind $(cat "$SRC/conf_flags" "$SRC/src/core/nginx.h" | cksum)"

fresh() {
	local newer
	[ -e "$out/$SO" ] &&
	    [ "$(cat "$out/kind" 2>/dev/null)" = "$made_for" ] || return 1
	newer=$(find "$module" "$module/../backend/base" "$SRC" -type f \
	    \( -name '*.[ch]' -o -name config -o -name build.sh \
	    -o -name conf_flags \) -newer "$out/$SO" -print -quit)
	[ -z "$newer" ]
}

if fresh; then
	touch "$out/$SO"
	exit 0
fi

# nginx's configure writes into its own folder: it works on a copy.
rm -rf "$out/src" "$out/objs"
cp -r "$SRC" "$out/src"
cd "$out/src"
# shellcheck disable=SC1091
. ./conf_flags
./configure --with-cc-opt="$cc_opt" --with-ld-opt="$ld_opt" \
    "${NGX_CONF_FLAGS[@]}" --add-dynamic-module="$module" \
    --builddir="$out/objs" > "$out/configure.log" 2>&1 ||
    { tail -n 20 "$out/configure.log" >&2; exit 1; }
make -s -k -j2 -f "$out/objs/Makefile" modules > "$out/make.log" 2>&1 ||
    { cat "$out/make.log" >&2; exit 1; }
# A new inode: a running nginx keeps the text that it has mapped.
cp "$out/objs/$SO" "$out/$SO.new"
mv "$out/$SO.new" "$out/$SO"
echo "$made_for" > "$out/kind"
