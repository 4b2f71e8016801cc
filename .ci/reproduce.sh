#!/usr/bin/env bash
# Builds the release twice, in two clones with paths of different length, and
# compares every checksum; the programs must be static, small, and know their
# version. The artifacts of the first build stay in dist/.
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

readonly MOST=30000000 # bytes of a program
version=v$(sed -n 's/.*"version":"\([^"]*\)".*/\1/p' dist/metadata.json)
for program in dist/inboxd_*/inboxd dist/inboxctl_*/inboxctl*; do
	size=$(wc -c <"$program")
	if ((size > MOST)); then
		echo "reproduce: $program has $size bytes, more than $MOST" >&2
		exit 1
	fi
	echo "$size $program"
done
for program in "dist/inboxd_linux_$(go env GOARCH)"*/inboxd "dist/inboxctl_linux_$(go env GOARCH)"*/inboxctl; do
	"$program" version | grep -E "(^| )${version//./[.]}( |$)" >/dev/null || { echo "reproduce: $program does not say $version" >&2; exit 1; }
	file -b "$program" | grep 'statically linked' >/dev/null || { echo "reproduce: $program is not static" >&2; exit 1; }
done
cat dist/checksums.txt
echo "$(wc -l <dist/checksums.txt) passed, 0 failed: equal in both folders"
