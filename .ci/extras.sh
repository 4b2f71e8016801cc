#!/usr/bin/env bash
# Writes what packages hold beside the programs: completions/, man/ and the
# changelog of the deb. goreleaser calls it; the same commit gives the same bytes.
#
#   .ci/extras.sh VERSION DATE     v0.1.0 2026-10-05T12:00:00Z
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VERSION=${1:?say the version} DATE=${2:?say the date}

rm -rf completions man
mkdir -p completions man
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-X main.version=$VERSION -X main.date=$DATE" -o "$tools/" ./cmd/inboxd ./cmd/inboxctl

for tool in inboxd inboxctl; do
	for shell in bash zsh fish powershell; do
		"$tools/$tool" completion "$shell" >"completions/$tool.$shell"
	done
done
"$tools/inboxctl" man | gzip -9n >man/inboxctl.1.gz
"$tools/inboxd" man 8 | gzip -9n >man/inboxd.8.gz
"$tools/inboxd" man 5 | gzip -9n >man/inboxd.yaml.5.gz

cat >man/changelog.yaml <<END
- semver: ${VERSION#v}
  date: $DATE
  packager: The inboxd authors <bandeja@users.noreply.github.com>
  deb:
    urgency: medium
    distributions: [stable]
  changes:
    - note: "See CHANGELOG.md of this release."
END
