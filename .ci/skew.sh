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

old=${1:-$(git describe --tags --abbrev=0 HEAD^ 2>/dev/null || echo "$(newest_migration)^")}
old=$(git rev-parse --verify "$old^{commit}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git archive "$old" | tar -x -C "$work"
echo "skew: $(git log -1 --format='%h %s' "$old") beside $(git log -1 --format='%h %s')"
(cd "$work" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-X main.version=$(git -C "$OLDPWD" describe --tags --always "$old")" -o inboxd ./cmd/inboxd)

INBOXD_SKEW_OLD=$work/inboxd INBOXD_SKEW_SECONDS=${SECONDS_TOGETHER:-60} CGO_ENABLED=1 \
	go run ./daemon/internal/devstack/withstack -- go test -count=1 -timeout 10m -v -run '^TestTwoVersionsSideBySide$' ./daemon
