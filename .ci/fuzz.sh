#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME (default 30s each). `go test` alone only
# replays the seeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' cmd admin tui daemon | sort | while IFS=: read -r file func; do
	target=${func#func }
	echo "fuzz: ./$(dirname "$file") $target" >&2
	go test -run '^$' -fuzz "^${target}\$" -fuzztime "${FUZZTIME:-30s}" "./$(dirname "$file")" </dev/null
done
