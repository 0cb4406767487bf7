#!/bin/bash
# Build every fuzz target and run each for a while, from its committed corpus.
#
#   tests/fuzz/run.sh BUILD_FOLDER SECONDS [TARGET...]
#
# What is found is left in BUILD_FOLDER as crash-*; fails when something was.

set -eu
cd "$(dirname "$0")/../.."
build=$1 seconds=$2
shift 2
if [ $# -eq 0 ]; then
	for source in tests/fuzz/fuzz_*.c; do
		target=${source##*fuzz_}
		set -- "$@" "${target%.c}"
	done
fi

if ! echo 'int LLVMFuzzerTestOneInput(const char *p, long n)
    { (void)p; (void)n; return 0; }' |
    clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null; then
	echo "SKIPPED: fuzzing: clang has no libFuzzer (libclang-rt-dev)"
	exit "${FUZZ_SKIP_STATUS:-0}"
fi

san=("-fsanitize=address,undefined" -fno-sanitize-recover=all)
make -s BUILD="$build" CC=clang OPT=-O1 HARDEN= LDHARD= \
    SAN="${san[*]} -fsanitize=fuzzer-no-link -DARENA_DEBUG" WARN=-w "$build/libtwocare.a"
packages=(libpq jansson openssl libcurl libsodium)
read -ra flags <<<"$(pkg-config --cflags "${packages[@]}")"
read -ra libs <<<"$(pkg-config --libs "${packages[@]}")"
failed=
for target; do
	clang -std=c11 -D_GNU_SOURCE -g -O1 "${san[@]}" -fsanitize=fuzzer -Ibackend \
	    -I"$build/gen" "${flags[@]}" -o "$build/fuzz_$target" \
	    "tests/fuzz/fuzz_$target.c" "$build/libtwocare.a" "${libs[@]}" -lfcgi \
	    -lunistring
	mkdir -p "$build/corpus/$target"
	log=$build/fuzz_$target.log
	if "$build/fuzz_$target" -max_total_time="$seconds" -max_len=16384 \
	    -timeout=10 -print_final_stats=1 -artifact_prefix="$build/" \
	    "$build/corpus/$target" "tests/fuzz/corpus/$target" \
	    >"$log" 2>&1; then
		printf 'fuzz_%-10s %s runs\n' "$target" \
		    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
	else
		tail -n 100 "$log"
		failed="$failed $target"
	fi
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
