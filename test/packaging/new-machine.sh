#!/bin/sh
# The package on a machine of its own: boots a Debian with systemd in a container without a network, and does there what the
# README says, and some of what it does not. As root: sh test/packaging/new-machine.sh PACKAGE.deb [FOLDER]
# FOLDER is kept, so that the Debian in it is made but once. Needs debootstrap and systemd-nspawn; takes minutes. Not part of
# the tests that run at each commit.
set -eu
package=$1
root=${2:-$(mktemp -d)/debian}
here=$(dirname "$0")

if [ ! -e "$root/etc/debian_version" ]; then
  debootstrap --variant=minbase \
    --include=systemd,systemd-sysv,dbus,adduser,ca-certificates,curl,libatomic1,libstdc++6,logrotate,openssl,procps \
    "${SUITE:-bookworm}" "$root"
fi
# Each time as new.
machine=$root.run
rm -rf "$machine"
cp -a "$root" "$machine"
trap 'rm -rf "$machine"' EXIT
cp "$package" "$machine/root/"
install -m 755 "$here/walk.sh" "$machine/root/walk.sh"
cat >"$machine/etc/systemd/system/walk.service" <<'UNIT'
[Unit]
Description=What a new user does
After=multi-user.target
[Service]
Type=oneshot
WorkingDirectory=/root
ExecStart=/root/walk.sh
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=file:/root/said
StandardError=inherit
[Install]
WantedBy=default.target
UNIT
mkdir -p "$machine/etc/systemd/system/default.target.wants"
ln -s ../walk.service "$machine/etc/systemd/system/default.target.wants/walk.service"
timeout 600 systemd-nspawn --quiet --directory="$machine" --boot --private-network --register=no --keep-unit \
  --console=pipe </dev/null >"$machine/console" 2>&1 || true
cat "$machine/root/said" || cat "$machine/console"
tail -n 1 "$machine/root/said" | grep -qx 'all went well'
