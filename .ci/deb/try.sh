#!/usr/bin/env bash
# Installs the built packages in a throw-away Debian (.ci/deb/root.sh), upgrades,
# goes back, removes and purges them there, looks at what lies where after each
# step, and runs lintian. Needs root and lintian, no network and no minute;
# nothing outside of a temporary directory changes.
#
#   .ci/deb/try.sh DIST     the directory goreleaser wrote
set -euo pipefail

readonly DIST=${1:?say where goreleaser put the packages}

arch=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
readonly root=$work/root
passed=0

check() { # check WHAT COMMAND...
	local what=$1
	shift
	if ! "$@" >"$work/output" 2>&1; then
		echo "deb: $what: failed: $*" >&2
		cat "$work/output" >&2
		exit 1
	fi
	passed=$((passed + 1))
	echo "ok   $what"
}

inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
there() { [[ -e $root/$1 ]]; }
gone() { [[ ! -e $root/$1 ]]; }
user() { inside getent passwd inboxd && inside getent group inboxd-admin; }
nobody() { ! inside getent passwd inboxd && ! inside getent group inboxd && ! inside getent group inboxd-admin; }
version() { [[ $(inside dpkg-query -W -f '${Version}' inboxd) == "$1" ]]; }
page() { [[ $(man -M "$root/usr/share/man" -w "$2" "$1") == "$root"/usr/share/man/* ]]; }
completes() { inside bash -c "source /usr/share/bash-completion/completions/$1 && complete -p $1" && head -n 1 "$root/usr/share/zsh/vendor-completions/_$1" | grep -qx "#compdef $1" && grep -q "complete .*-c $1" "$root/usr/share/fish/vendor_completions.d/$1.fish"; }

deb() { # deb NAME: the newest package of that name
	find "$DIST" -name "$1_*_$arch.deb" | sort | tail -n 1
}

# older makes the same package as an older version with other settings, to
# upgrade from.
older() {
	local tree=$work/tree
	dpkg-deb -R "$(deb inboxd)" "$tree"
	sed -i 's/^Version: .*/Version: 0.0.0~before/' "$tree/DEBIAN/control"
	sed -i '1i # of the version before' "$tree/etc/inboxd/inboxd.yaml" "$tree/etc/default/inboxd"
	dpkg-deb -Zgzip -z1 -b "$tree" "$root/before.deb" >/dev/null
	rm -rf "$tree"
}

for name in inboxd inboxctl; do
	check "lintian finds no error in $name" lintian --fail-on error --tag-display-limit 0 "$(deb $name)"
done

"$(dirname "${BASH_SOURCE[0]}")/root.sh" "$root" passwd procps systemd
older
cp "$(deb inboxd)" "$root/inboxd.deb"
cp "$(deb inboxctl)" "$root/inboxctl.deb"

check "install the version before" inside dpkg -i /before.deb
check "it is the version before" version 0.0.0~before
check "the user and the operators' group are there" user
check "nobody can log in as it" inside sh -c 'getent passwd inboxd | grep -q nologin$'
for file in usr/bin/inboxd etc/inboxd/inboxd.yaml etc/default/inboxd usr/lib/systemd/system/inboxd@.service \
	usr/lib/systemd/system/inboxd-api.socket usr/lib/systemd/system/inboxd-admin.socket usr/lib/systemd/system/inboxd.target \
	usr/lib/systemd/system/inboxd-migrate.service usr/lib/sysusers.d/inboxd.conf usr/share/doc/inboxd/copyright; do
	check "$file" there "$file"
done
check "systemd finds the units and what they start" systemd-analyze verify --root="$root" --man=no inboxd@api.service inboxd@worker.service \
	inboxd-migrate.service inboxd-api.socket inboxd-admin.socket inboxd.target
check "man 8 inboxd" page inboxd 8
check "man 5 inboxd.yaml" page inboxd.yaml 5
check "bash, zsh and fish complete inboxd" completes inboxd
check "the program runs" inside inboxd version
check "the settings lack the secrets, and it says which" sh -c "chroot $root inboxd check-config --config /etc/inboxd/inboxd.yaml 2>&1 | grep -q INBOXD_DATABASE_URL"

inside sh -c 'echo "environment: mine" >>/etc/inboxd/inboxd.yaml'
check "upgrade" inside dpkg --force-confdef --force-confold -i /inboxd.deb
check "it is the new version" version "$(dpkg-deb -f "$(deb inboxd)" Version)"
check "the changed settings are kept" inside grep -q "environment: mine" /etc/inboxd/inboxd.yaml
check "settings that nobody has changed are the new ones" inside sh -c '! grep -q "version before" /etc/default/inboxd'
check "every other file is as it was packaged" sh -c "test \"\$(chroot $root dpkg -V inboxd | grep -v /usr/share/)\" = '??5?????? c /etc/inboxd/inboxd.yaml'"
check "install inboxctl" inside dpkg -i /inboxctl.deb
check "inboxctl is found and runs" inside sh -c 'command -v inboxctl && inboxctl version'
check "man 1 inboxctl" page inboxctl 1
check "bash, zsh and fish complete inboxctl" completes inboxctl
check "back to the version before" inside dpkg --force-confdef --force-confold -i /before.deb
check "the changed settings are still kept" inside grep -q "environment: mine" /etc/inboxd/inboxd.yaml

check "remove" inside dpkg -r inboxd inboxctl
check "the program is gone" gone usr/bin/inboxd
check "the settings stay" there etc/inboxd/inboxd.yaml
check "the user stays" user
inside mkdir -p /etc/credstore
inside sh -c 'echo x >/etc/credstore/inboxd.secret_key'
check "purge" inside dpkg -P inboxd inboxctl
check "the settings are gone" gone etc/inboxd
check "the user and its groups are gone" nobody
check "the secrets are left alone" there etc/credstore/inboxd.secret_key
check "no file of ours is left" sh -c "! find $root -xdev \( -name '*inboxd*' -o -name '*inboxctl*' \) -not -path '$root/*.deb' -not -path '*/credstore/*' -not -path '*/var/log/*' | grep ."

rm "$root/usr/bin/systemd-sysusers"
check "install on a machine without systemd" inside dpkg -i /inboxd.deb
check "the user and the operators' group are there as well" user
check "purge at once" inside dpkg -P inboxd
check "nothing of it is left" nobody

echo "$passed passed, 0 failed"
