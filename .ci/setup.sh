#!/usr/bin/env bash
# Makes sure that what `make test` and `make demo` need is on this machine, and
# installs what is missing with apt-get, dnf or brew. It says what it does, and
# touches nothing when everything is there.
#
#   .ci/setup.sh test    PostgreSQL >= 15, redis-server, tmux, a C compiler, promtool
#   .ci/setup.sh demo    PostgreSQL >= 15, redis-server
#   .ci/setup.sh bench   the same, and Node.js with npm for one of the peers
#
# The servers of these packages are never used: tests and the demo start their
# own on free ports. So the packages are kept from starting them.
set -euo pipefail

readonly OLDEST_POSTGRES=15

say() { echo "setup: $*" >&2; }

has() { command -v "$1" >/dev/null 2>&1; }

# has_postgres looks where the packages of the common systems put the server;
# devstack looks in the same places.
has_postgres() {
	local postgres dir major
	for postgres in "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres \
		/opt/homebrew/opt/postgresql*/bin/postgres /usr/local/opt/postgresql*/bin/postgres \
		/home/linuxbrew/.linuxbrew/opt/postgresql*/bin/postgres; do
		[[ -x "$postgres" ]] || continue
		dir=$(dirname "$postgres")
		[[ -x "$dir/initdb" ]] || continue
		major=$("$postgres" --version | grep -oE '[0-9]+' | head -n 1) || continue
		if ((major >= OLDEST_POSTGRES)); then return 0; fi
	done
	return 1
}

has_compiler() { has "$(go env CC)"; }

# missing prints the needs that are not met, one word each.
missing() {
	local need
	for need in "$@"; do
		case $need in
		postgresql) has_postgres || echo "$need" ;;
		compiler) has_compiler || echo "$need" ;;
		redis) has redis-server || echo "$need" ;;
		*) has "$need" || echo "$need" ;;
		esac
	done
}

# as_root runs a command as root: directly, through sudo, or not at all. Without
# a terminal sudo may not ask for a password.
as_root() {
	if [[ $(id -u) -eq 0 ]]; then
		"$@"
	elif has sudo && [[ -t 0 ]]; then
		sudo "$@"
	elif has sudo; then
		sudo -n "$@"
	else
		say "this needs root, and there is no sudo: $*"
		return 1
	fi
}

package_manager() {
	local manager
	for manager in apt-get dnf brew; do
		if has "$manager"; then
			echo "$manager"
			return
		fi
	done
}

# package prints the package of a need for a package manager.
package() {
	case $1:$2 in
	apt-get:postgresql) echo postgresql ;;
	apt-get:redis) echo redis-server ;;
	apt-get:compiler) echo gcc libc6-dev ;;
	apt-get:promtool | brew:promtool) echo prometheus ;;
	dnf:postgresql) echo postgresql-server ;;
	dnf:redis) if dnf -q info redis >/dev/null 2>&1; then echo redis; else echo valkey-compat-redis; fi ;;
	dnf:compiler) echo gcc ;;
	brew:postgresql) echo postgresql@17 ;;
	brew:compiler) echo gcc ;;
	brew:npm) echo node ;;
	*) echo "$2" ;;
	esac
}

# install_apt installs packages and keeps their servers from starting:
# policy-rc.d is what Debian asks before it starts one.
install_apt() {
	local policy=/usr/sbin/policy-rc.d rc=0
	if [[ ! -e $policy ]]; then
		as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" || return 1
		trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	as_root apt-get update -q </dev/null >&2 || say "apt-get update failed; trying with the lists at hand"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null >&2 || rc=1
	return "$rc"
}

install() {
	local manager packages=() need word
	manager=$(package_manager)
	if [[ -z $manager ]]; then
		say "no apt-get, dnf or brew here"
		return 1
	fi
	for need in "$@"; do
		for word in $(package "$manager" "$need"); do packages+=("$word"); done
	done
	say "installing with $manager: ${packages[*]}"
	case $manager in
	apt-get) install_apt "${packages[@]}" ;;
	dnf) as_root dnf install -y -q "${packages[@]}" </dev/null >&2 ;;
	brew) HOMEBREW_NO_AUTO_UPDATE=1 brew install -q "${packages[@]}" </dev/null >&2 ;;
	esac
}

main() {
	local needs=() need lacking failed=0
	case ${1:-} in
	test)
		needs=(postgresql redis tmux compiler)
		;;
	demo) needs=(postgresql redis) ;;
	bench) needs=(postgresql redis npm) ;;
	*)
		say "usage: $0 test|demo|bench"
		exit 2
		;;
	esac
	if ! has go; then
		say "Go is missing: https://go.dev/dl/"
		exit 1
	fi

	# By itself: not every system has a package of it, and the rest must not fail for
	# that. Without it the tests of the alert rules are skipped.
	if [[ $1 == test && -n $(missing promtool) ]]; then
		case $(package_manager) in apt-get | brew) install promtool || say "going on without promtool" ;; esac
	fi

	lacking=$(missing "${needs[@]}")
	[[ -n $lacking ]] || return 0
	say "missing here: ${lacking//$'\n'/ }"
	# shellcheck disable=SC2086 # One word per need.
	install $lacking || say "could not install them"

	for need in $(missing "${needs[@]}"); do
		case $need in
		postgresql)
			say "PostgreSQL $OLDEST_POSTGRES or newer is needed. Debian and Ubuntu: apt-get install postgresql. Fedora: dnf install postgresql-server. macOS: brew install postgresql@17."
			failed=1
			;;
		compiler)
			say "a C compiler is needed by the race detector. Debian and Ubuntu: apt-get install gcc libc6-dev. Fedora: dnf install gcc. macOS: xcode-select --install."
			failed=1
			;;
		redis) say "going on without redis-server: an in-process stand-in takes its place" ;;
		npm) say "going on without npm: the peer that needs it is left out" ;;
		tmux) say "going on without tmux: the tests that drive a real terminal are skipped" ;;
		esac
	done
	return "$failed"
}

main "$@"
