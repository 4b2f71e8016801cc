#!/usr/bin/env bash
# Installs the built packages in a throw-away Debian, upgrades, removes and purges
# them there, looks at what lies where after each step, and runs lintian. Needs
# root, debootstrap and lintian; nothing outside of a temporary directory changes.
#
#   .ci/deb/try.sh DIST     the directory goreleaser wrote
set -euo pipefail

readonly DIST=${1:?say where goreleaser put the packages} SUITE=${SUITE:-bookworm}

arch=$(dpkg --print-architecture)
root=$(mktemp -d)
# An interrupted debootstrap leaves /proc mounted in there.
trap 'umount -q "$root/proc" "$root/sys" || true; rm -rf --one-file-system "$root"' EXIT
passed=0

check() { # check WHAT COMMAND...
	local what=$1
	shift
	if ! "$@"; then
		echo "deb: $what: failed: $*" >&2
		exit 1
	fi
	passed=$((passed + 1))
	echo "ok   $what"
}

inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
there() { [[ -e $root/$1 ]]; }
gone() { [[ ! -e $root/$1 ]]; }
user() { inside getent passwd inboxd >/dev/null; }
nobody() { ! user; }

deb() { # deb NAME: the newest package of that name
	find "$DIST" -name "$1_*_$arch.deb" | sort | tail -n 1
}

# older makes the same package with an older version, to upgrade from.
older() {
	local tree
	tree=$(mktemp -d)
	dpkg-deb -R "$(deb inboxd)" "$tree"
	sed -i 's/^Version: .*/Version: 0.0.0~before/' "$tree/DEBIAN/control"
	sed -i 's/^slots: 64/slots: 32/' "$tree/etc/inboxd/inboxd.yaml"
	dpkg-deb -b "$tree" "$root/before.deb" >/dev/null
	rm -rf "$tree"
}

for name in inboxd inboxctl; do
	check "lintian finds no error in $name" lintian --fail-on error --tag-display-limit 0 "$(deb $name)"
done

debootstrap --variant=minbase --include=passwd "$SUITE" "$root" ${MIRROR:+"$MIRROR"} >/dev/null
older
cp "$(deb inboxd)" "$root/inboxd.deb"
cp "$(deb inboxctl)" "$root/inboxctl.deb"

check "install the version before" inside dpkg -i /before.deb
check "the user is there" user
check "the operators' group is there" inside getent group inboxd-admin
check "nobody can log in as it" inside sh -c 'getent passwd inboxd | grep -q nologin$'
for file in usr/bin/inboxd etc/inboxd/inboxd.yaml etc/default/inboxd usr/lib/systemd/system/inboxd@.service \
	usr/lib/systemd/system/inboxd-api.socket usr/lib/systemd/system/inboxd-admin.socket usr/lib/systemd/system/inboxd.target \
	usr/lib/systemd/system/inboxd-migrate.service usr/lib/sysusers.d/inboxd.conf usr/share/man/man8/inboxd.8.gz \
	usr/share/man/man5/inboxd.yaml.5.gz usr/share/bash-completion/completions/inboxd \
	usr/share/zsh/vendor-completions/_inboxd usr/share/fish/vendor_completions.d/inboxd.fish usr/share/doc/inboxd/copyright; do
	check "$file" there "$file"
done
check "the program runs" inside inboxd version
check "the settings lack the secrets, and it says which" sh -c "chroot $root inboxd check-config --config /etc/inboxd/inboxd.yaml 2>&1 | grep -q INBOXD_DATABASE_URL"

inside sh -c 'echo "environment: mine" >>/etc/inboxd/inboxd.yaml'
check "upgrade" inside dpkg --force-confold -i /inboxd.deb
check "the changed settings are kept" inside grep -q "environment: mine" /etc/inboxd/inboxd.yaml
check "install inboxctl" inside dpkg -i /inboxctl.deb
check "inboxctl runs" inside inboxctl version
check "its manual page" there usr/share/man/man1/inboxctl.1.gz

check "remove" inside dpkg -r inboxd inboxctl
check "the program is gone" gone usr/bin/inboxd
check "the settings stay" there etc/inboxd/inboxd.yaml
check "the user stays" user
inside mkdir -p /etc/credstore
inside sh -c 'echo x >/etc/credstore/inboxd.secret_key'
check "purge" inside dpkg -P inboxd inboxctl
check "the settings are gone" gone etc/inboxd
check "the user is gone" nobody
check "the secrets are left alone" there etc/credstore/inboxd.secret_key
check "no file of ours is left" sh -c "! find $root -xdev \( -name '*inboxd*' -o -name '*inboxctl*' \) -not -path '$root/*.deb' -not -path '*/credstore/*' -not -path '*/var/log/*' -not -path '*/proc/*' | grep ."

echo "$passed passed, 0 failed"
