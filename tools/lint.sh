#!/bin/bash
# Foreign eyes on the code: a second compiler, clang-tidy, cppcheck and the
# checker of shell scripts. Arguments: the C files. Each tool says all it finds.
# Needs ./configure.sh --check.

set -eu
cd "$(dirname "$0")/.."
for tool in clang clang-tidy cppcheck shellcheck; do
	command -v $tool >/dev/null || {
		echo "$tool is missing: run ./configure.sh --check" >&2
		exit 1
	}
done

build=${BUILD:-build}
hand=()
for file; do
	case $file in
	backend/fhir/gen/*) ;;
	*) hand+=("$file") ;;
	esac
done
read -ra flags <<<"-std=c11 -D_GNU_SOURCE -Ibackend -I$build/gen \
    $(pkg-config --cflags libpq jansson openssl libcurl libsodium)"

failed=
run() {
	local name=$1
	shift
	echo "== $name"
	"$@" || failed="$failed $name"
}

compile() {
	local file status=0
	for file; do
		clang "${flags[@]}" -Wall -Wextra -Wshadow -Werror \
		    -fsyntax-only "$file" || status=1
	done
	return $status
}

# A process for each file: version 14 mixes up the va_lists of several. Of its
# standard error only counts of what it left out would be seen.
tidy() {
	printf '%s\n' "$@" |
	    xargs -P "$(nproc)" -I '{}' clang-tidy --quiet '{}' -- \
	    "${flags[@]}" 2>/dev/null
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

run clang compile "$@"
run clang-tidy tidy "${hand[@]}"
run cppcheck check "${hand[@]}"
run shellcheck scripts
[ -z "$failed" ] || { echo "tools/lint.sh failed:$failed" >&2; exit 1; }
