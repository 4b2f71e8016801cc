#!/usr/bin/env bash
# Runs golangci-lint at the pinned version. It takes one that is already
# installed if the version matches, else builds it once into .bin/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VERSION=2.15.0

find_linter() {
	local candidate
	for candidate in .bin/golangci-lint "$(go env GOPATH)/bin/golangci-lint" "$(command -v golangci-lint || true)"; do
		if [[ -x "$candidate" ]] && "$candidate" version 2>/dev/null | grep -qE "version v?${VERSION} "; then
			echo "$candidate"
			return
		fi
	done
}

linter=$(find_linter)
if [[ -z "$linter" ]]; then
	echo "lint: building golangci-lint v${VERSION} into .bin/ (once, about a minute)" >&2
	GOBIN="$PWD/.bin" CGO_ENABLED=0 go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v${VERSION}"
	linter=.bin/golangci-lint
fi
if (($# == 0)); then
	go -C bench vet ./... # a module of its own: it must not break unseen
fi
exec "$linter" run "${@:-./...}"
