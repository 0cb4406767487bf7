#!/bin/bash
# Foreign eyes on the code: a second compiler, clang-tidy, cppcheck,
# shellcheck. Arguments: the C files. Needs ./configure.sh --check.

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
flags=(-std=c11 -D_GNU_SOURCE -Ibackend "-I$build/gen"
    $(pkg-config --cflags libpq jansson openssl libcurl libsodium))

echo "== clang"
for file in "$@"; do
	clang "${flags[@]}" -Wall -Wextra -Wshadow -Werror -fsyntax-only "$file"
done
echo "== clang-tidy"
printf '%s\n' "${hand[@]}" | xargs -P 2 -n 4 sh -c '
	for file; do clang-tidy --quiet "$file" -- '"${flags[*]}"' 2>/dev/null || exit 255; done' sh
echo "== cppcheck"
cppcheck --quiet --std=c11 --enable=warning,performance,portability \
    --inline-suppr --error-exitcode=2 --suppress=missingIncludeSystem \
    --suppress=normalCheckLevelMaxBranches -D_GNU_SOURCE -Ibackend \
    -j 2 "${hand[@]}"
echo "== shellcheck"
git ls-files '*.sh' .ci/run | xargs shellcheck -x
