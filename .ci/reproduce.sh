#!/usr/bin/env bash
# Builds the release twice, in two clones with paths of different length, and
# compares every checksum. The artifacts of the first build stay in dist/.
#
#   .ci/reproduce.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly SKIP=docker,sbom,sign,homebrew # need an engine, syft, a key, a tap

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Both clones first: a commit made meanwhile must not get into one of them.
commit=$(git rev-parse HEAD)
for name in a another-folder; do
	git clone -q . "$work/$name"
	git -C "$work/$name" checkout -q "$commit"
	git -C "$work/$name" remote set-url origin https://github.com/bandeja/inboxd
	# A snapshot needs a tag to count from.
	git -C "$work/$name" describe --tags >/dev/null 2>&1 || git -C "$work/$name" tag v0.0.0
done
for name in a another-folder; do
	(cd "$work/$name" && goreleaser release --snapshot --clean --skip=$SKIP)
done

if ! diff "$work/a/dist/checksums.txt" "$work/another-folder/dist/checksums.txt"; then
	echo "reproduce: the same commit gave different bytes" >&2
	exit 1
fi
rm -rf dist
cp -r "$work/a/dist" dist
cat dist/checksums.txt
echo "$(wc -l <dist/checksums.txt) passed, 0 failed: equal in both folders"
