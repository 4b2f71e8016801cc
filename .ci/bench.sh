#!/usr/bin/env bash
# Runs the benchmarks of every package that has some, one package after the
# other so that they do not disturb each other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=()
while IFS= read -r dir; do packages+=("./$dir"); done < <(
	grep -rl --include='*_test.go' '^func Benchmark' cmd admin tui daemon | while IFS= read -r file; do dirname "$file"; done | sort -u
)
if ((${#packages[@]} == 0)); then
	echo "bench: no package has benchmarks" >&2
	exit 0
fi
exec go test -run '^$' -bench "${BENCH:-.}" -benchmem -p 1 -timeout 60m "${packages[@]}"
