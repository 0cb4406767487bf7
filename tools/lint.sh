#!/bin/bash
# Foreign eyes on the code: a second compiler, clang-tidy, cppcheck and the
# checker of shell scripts. Arguments: the C files; those of ngx_module/ are
# read with nginx's headers, which the module's build has prepared. Each tool
# says all it finds. Needs ./configure.sh --check.

set -eu
cd "$(dirname "$0")/.."
for tool in clang clang-tidy cppcheck shellcheck; do
	command -v $tool >/dev/null || {
		echo "$tool is missing: run ./configure.sh --check" >&2
		exit 1
	}
done

build=${BUILD:-build}
generated=() hand=() module=()
for file; do
	case $file in
	backend/fhir/gen/*) generated+=("$file") ;;
	ngx_module/*) module+=("$file") ;;
	*) hand+=("$file") ;;
	esac
done
# shellcheck disable=SC2034 # named to compile and tidy, as the module's are
read -ra flags <<<"-std=c11 -D_GNU_SOURCE -Ibackend -I$build/gen \
    $(pkg-config --cflags libpq jansson openssl libcurl libsodium)"
# nginx's handlers are given what not all of them use.
nginx=/usr/share/nginx/src/src
# shellcheck disable=SC2034 # named to compile and tidy
read -ra module_flags <<<"-std=gnu11 -D_GNU_SOURCE -Ibackend \
    -Wno-unused-parameter -isystem $build/nginx/objs -isystem $nginx/core \
    -isystem $nginx/event -isystem $nginx/event/modules \
    -isystem $nginx/os/unix -isystem $nginx/http \
    -isystem $nginx/http/modules -isystem $nginx/http/v2"

failed=
run() {
	local name=$1
	shift
	echo "== $name"
	"$@" || failed="$failed $name"
}

# compile FLAGS FILE..., where FLAGS names an array; so does tidy.
compile() {
	local -n with=$1
	local file status=0
	shift
	for file; do
		clang -Wall -Wextra -Wshadow -Werror "${with[@]}" \
		    -fsyntax-only "$file" || status=1
	done
	return $status
}

# A process for each file: version 14 mixes up the va_lists of several. Of its
# standard error only counts of what it left out would be seen.
tidy() {
	local -n with=$1
	shift
	printf '%s\n' "$@" |
	    xargs -P "$(nproc)" -I '{}' clang-tidy --quiet '{}' -- \
	    "${with[@]}" 2>/dev/null
}

check() {
	cppcheck --quiet --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --error-exitcode=2 \
	    --suppress=missingIncludeSystem \
	    --suppress=normalCheckLevelMaxBranches -D_GNU_SOURCE -Ibackend \
	    -j "$(nproc)" "$@"
}

scripts() {
	git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck -x
}

run clang compile flags "${generated[@]}" "${hand[@]}"
run clang-module compile module_flags "${module[@]}"
run clang-tidy tidy flags "${hand[@]}"
run clang-tidy-module tidy module_flags "${module[@]}"
run cppcheck check "${hand[@]}" "${module[@]}"
run shellcheck scripts
[ -z "$failed" ] || { echo "tools/lint.sh failed:$failed" >&2; exit 1; }
