#!/bin/bash
# The rules of the house that a compiler does not see: who may include whom,
# functions we do not use, widths, file sizes. Prints each breach as
# file:line: what, and fails when there is one.

set -u
cd "$(dirname "$0")/.." || exit 1
breaches=0

breach() {
	echo "$1"
	breaches=$((breaches + 1))
}

sources() { git ls-files -- "$@" | grep -v '^backend/fhir/gen/'; }

# --- includes point down this list, never up or sideways ----------------------

declare -A below=(
	[base]="base"
	[wire]="wire base"
	[fhir]="fhir wire base"
	[rest]="rest fhir wire base"
	[oauth]="oauth rest fhir wire base"
	[platform]="platform rest fhir wire base"
	[api]="api oauth platform rest fhir wire base"
	[jobs]="jobs oauth platform rest fhir wire base"
	[main]="main jobs api oauth platform rest fhir wire base"
)

check_includes() {
	local file layer line included
	for file in $(sources 'backend/*.c' 'backend/*.h'); do
		layer=${file#backend/}
		layer=${layer%%/*}
		while IFS=: read -r line included; do
			case " ${below[$layer]} " in
			*" $included "*) ;;
			*) breach "$file:$line: $layer may not include $included/" ;;
			esac
		done < <(sed -n '/^#include "[a-z0-9]*\//{=;s/#include "\([a-z0-9]*\)\/.*/\1/p}' \
		    "$file" | paste -d: - -)
	done
	# The module shares these of base/, which allocate nothing.
	for file in $(sources 'ngx_module/*.c' 'ngx_module/*.h'); do
		while IFS=: read -r line included; do
			case $included in
			base/str.h|base/hash.h|base/code.h|base/jdoc.h|base/jose.h|base/state.h) ;;
			*) breach "$file:$line: the module may not include $included" ;;
			esac
		done < <(sed -n '/^#include "[a-z]*\//{=;s/#include "\(.*\)"/\1/p}' \
		    "$file" | paste -d: - -)
	done
	# What the module shares knows neither jansson nor a database.
	for file in backend/base/{str,hash,code,jdoc,jose,state}*.[ch]; do
		grep -nE '#include <(jansson|libpq-fe|fcgi)' "$file" /dev/null |
		    sed 's/$/: not in base\//'
	done | grep . && breaches=$((breaches + 1))
}

# --- functions that have no place here ----------------------------------------

banned='strcpy|strcat|sprintf|vsprintf|strtok|strtok_r|atoi|atol|atof|gets|alloca|system|popen|mktemp|tmpnam|strncpy|strncat'

check_banned() {
	local hits
	hits=$(sources 'backend/*.[ch]' 'ngx_module/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' |
	    xargs grep -nE "(^|[^A-Za-z0-9_>.])($banned)[[:space:]]*\(" /dev/null |
	    grep -vE '^[^:]+:[0-9]+:[[:space:]]*(/?\*|//)')
	[ -z "$hits" ] || while IFS= read -r hit; do
		breach "$hit  <- banned function"
	done <<<"$hits"
}

# --- shape --------------------------------------------------------------------

check_shape() {
	local file
	for file in $(sources 'backend/*.[ch]' 'ngx_module/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]'); do
		# clang-format off marks tables whose rows may be long.
		expand -t 8 "$file" | awk -v file="$file" '
			/clang-format off/ { table = 1 }
			/clang-format on/ { table = 0 }
			length($0) > 80 && !table { printf "%s:%d: wider than 80\n", file, NR }
			/[ \t]$/ { printf "%s:%d: blank at the end of the line\n", file, NR }
			END { if (NR > 700) printf "%s:%d: longer than 700 lines: split it by noun\n", file, NR }'
		grep -nE '\b(TODO|FIXME|XXX)\b' "$file" /dev/null | sed 's/$/  <- unfinished/'
	done
	for file in $(sources 'ngx_module/*.[ch]'); do
		grep -nP '\t' "$file" /dev/null | sed 's/$/  <- tab in the module/' | head -3
		grep -nE '(^|[^:])//' "$file" /dev/null | sed 's/$/  <- \/\/ comment/' | head -3
	done
}

# --- every header says what it is, every file its duty --------------------------

check_comments() {
	local file
	for file in $(sources 'backend/*.[ch]' 'ngx_module/*.[ch]' 'tests/*.c' 'bench/*.c'); do
		grep -q '/\*' <(head -n 12 "$file") ||
		    echo "$file:1: no comment says what this file is for"
	done
}

check_includes
check_banned
found=$(check_shape; check_comments)
if [ -n "$found" ]; then
	echo "$found"
	breaches=$((breaches + $(wc -l <<<"$found")))
fi
if [ $breaches -gt 0 ]; then
	echo "tools/check.sh: $breaches breaches"
	exit 1
fi
echo "tools/check.sh: fine"
