#!/usr/bin/env bash
# Checks the units of configs/systemd without starting anything: they hold no
# unknown key, and the service is exposed by no more than 1.2 of 10 points
# (`systemd-analyze security`). Needs systemd >= 252.
#
#   .ci/systemd.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly MOST=12 # tenths of a point

if ! command -v systemd-analyze >/dev/null; then
	echo "systemd: systemd-analyze is missing: apt-get install systemd" >&2
	exit 1
fi

units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
# The program need not be installed here, and %i needs an instance.
for unit in configs/systemd/*.service configs/systemd/*.socket configs/systemd/*.target; do
	sed 's#^ExecStart=/usr/bin/inboxd#ExecStart=/bin/true#' "$unit" >"$units/$(basename "$unit")"
done

systemd-analyze verify --man=no "$units/inboxd@api.service" "$units/inboxd-migrate.service" "$units"/*.socket "$units"/*.target
echo "systemd: the units are clean"
for unit in inboxd@.service inboxd-migrate.service; do
	systemd-analyze security --offline=true --threshold=$MOST --no-pager "$units/$unit" | tail -n 1
done
