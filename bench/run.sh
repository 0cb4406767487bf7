#!/bin/sh
# Load and its peers in one run; prints a table of ratios. See bench/run.pl.
#
#   make bench                        everything
#   ONLY='get|search' make bench      rows whose name matches
#   ROUNDS=9 SECONDS_PER_RUN=3        pairs of each row; seconds of each run
#   TARGET=https://host/v3 CLIENT_ID=... CLIENT_SECRET=... [CA_FILE=...]
#                                     absolute figures of a remote install

set -eu
cd "$(dirname "$0")/.."
exec perl -Ibench/lib -It/lib bench/run.pl
