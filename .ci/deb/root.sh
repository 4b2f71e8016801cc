#!/usr/bin/env bash
# Makes a small Debian out of the packages this machine runs on: the essential
# ones, those named, and what they need. It takes seconds and no network. dpkg in
# there knows each of them; nothing has been started or set up.
#
#   .ci/deb/root.sh FOLDER PACKAGE...
set -euo pipefail

readonly ROOT=${1:?say the folder}
shift

# closure prints the packages named, the essential ones and what those need.
closure() {
	local todo=("$@") name seen=" "
	mapfile -t -O ${#todo[@]} todo < <(dpkg-query -W -f '${Essential} ${Package}\n' | sed -n 's/^yes //p')
	while ((${#todo[@]})); do
		name=${todo[0]}
		todo=("${todo[@]:1}")
		[[ $seen != *" $name "* ]] || continue
		# Of alternatives, and of what no package is called, only what is here.
		dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || continue
		seen+="$name "
		echo "$name"
		mapfile -t -O ${#todo[@]} todo < <(dpkg-query -W -f '${Pre-Depends},${Depends}\n' "$name" | tr ',|' '\n' | sed 's/(.*//; s/:.*//; s/[[:space:]]//g' | grep . || true)
	done
}

mkdir -p "$ROOT"/{usr/bin,usr/sbin,usr/lib,usr/lib64,dev,proc,tmp,root,var/tmp}
chmod 1777 "$ROOT/tmp" "$ROOT/var/tmp"
for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$ROOT/$dir"; done
for device in null:3 zero:5 urandom:9; do mknod -m 666 "$ROOT/dev/${device%:*}" c 1 "${device#*:}"; done

mapfile -t packages < <(closure "$@")
# Through the links above, as dpkg does, and without what no test looks at.
dpkg -L "${packages[@]}" | sort -u | grep -vE '^$|^/\.$|^/usr/share/(doc|locale|man|info|zoneinfo)/|^(package|diverted|locally)|diverted' |
	while IFS= read -r path; do if [[ -f $path || -L $path ]]; then echo "${path#/}"; fi; done |
	tar -C / -c --no-recursion --verbatim-files-from -T - | tar -C "$ROOT" -x --keep-directory-symlink
cp -a /etc/alternatives "$ROOT/etc/"
cp /usr/share/base-passwd/passwd.master "$ROOT/etc/passwd"
cp /usr/share/base-passwd/group.master "$ROOT/etc/group"
sed 's/:.*/:*:19000:0:99999:7:::/' "$ROOT/etc/passwd" >"$ROOT/etc/shadow"
sed 's/:.*/:*::/' "$ROOT/etc/group" >"$ROOT/etc/gshadow"
chmod 640 "$ROOT/etc/shadow" "$ROOT/etc/gshadow"
ldconfig -r "$ROOT"

mkdir -p "$ROOT"/var/lib/dpkg/{info,updates,triggers} "$ROOT/var/log"
dpkg-query -s "${packages[@]}" >"$ROOT/var/lib/dpkg/status"
: >"$ROOT/var/lib/dpkg/available"
cp /var/lib/dpkg/info/format "$ROOT/var/lib/dpkg/info/"
for name in "${packages[@]}"; do
	cp /var/lib/dpkg/info/"$name".* /var/lib/dpkg/info/"$name:"* "$ROOT/var/lib/dpkg/info/" 2>/dev/null || true
done
echo "deb: ${#packages[@]} packages, $(du -sm "$ROOT" | cut -f1) MB" >&2
