#!/usr/bin/env bash
# Lets an older inboxd and this one work side by side on one database and one
# Redis: the old one makes the schema and serves, this one migrates it under load,
# joins, and both go on for a minute while operators turn the dial. Fails on any
# error of either, any answer that is lost or doubled.
#
#   .ci/skew.sh [OLD]      a commit or tag; the newest tag before this commit, or
#                          without one the commit before the newest migration
#   SECONDS_TOGETHER=60
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

newest_migration() { git log -1 --first-parent -m --format=%H --diff-filter=A -- daemon/internal/store/migrations; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build makes the program of a commit.
build() {
	rm -rf "$work/source"
	mkdir "$work/source"
	git archive "$1" | tar -x -C "$work/source"
	local version
	version=$(git describe --tags --always "$1")
	CGO_ENABLED=0 go -C "$work/source" build -trimpath -buildvcs=false -ldflags "-X main.version=$version" -o "$work/inboxd" ./cmd/inboxd
}

old=${1:-$(git describe --tags --abbrev=0 HEAD^ 2>/dev/null || echo "$(newest_migration)^")}
old=$(git rev-parse --verify "$old^{commit}")
# Between releases a single commit need not build; then the one before it does.
for ((tries = 0; ; tries++)); do
	if build "$old"; then break; fi
	if [[ -n ${1:-} ]] || ((tries == 10)); then exit 1; fi
	old=$(git rev-parse --verify "$old^")
done
echo "skew: $(git log -1 --format='%h %s' "$old") beside $(git log -1 --format='%h %s')"

INBOXD_SKEW_OLD=$work/inboxd INBOXD_SKEW_SECONDS=${SECONDS_TOGETHER:-60} CGO_ENABLED=1 \
	go run ./daemon/internal/devstack/withstack -- go test -count=1 -timeout 10m -v -run '^TestTwoVersionsSideBySide$' ./daemon
