#!/bin/sh
# Makes the root folder of a Debian image with systemd, cloud-init and sshd: a machine as
# users know it from EC2.
#
#   images/debian.sh OUTDIR [SUITE]
#
# Needs root, mmdebstrap, and a Debian mirror (MIRROR, default http://deb.debian.org/debian).
# cloud-init is left as Debian ships it; the launcher says `ci.datasource=Ec2` on argv.
set -eu

[ $# -ge 1 ] || { echo "usage: debian.sh OUTDIR [SUITE]" >&2; exit 2; }
out=$1
suite=${2:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}

if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then
    echo "debian.sh: $out is not empty" >&2
    exit 1
fi

packages=systemd,systemd-sysv,dbus,libpam-systemd,cloud-init,openssh-server,python3,sudo
packages=$packages,curl,ca-certificates,iproute2,iputils-ping,netcat-openbsd,procps,less
packages=$packages,isc-dhcp-client,ifupdown,kmod,udev,adduser,passwd,apt-utils,tzdata
packages=$packages,e2fsprogs,fdisk,xfsprogs,vim-tiny,busybox

set -- --mode="${MODE:-root}" --variant=minbase --include="$packages" \
    --aptopt='Acquire::Languages "none"' --dpkgopt=path-exclude='/usr/share/doc/*' \
    --dpkgopt=path-exclude='/usr/share/man/*' --dpkgopt=path-exclude='/usr/share/locale/*' \
    --dpkgopt=path-include='/usr/share/doc/*/copyright'

# Each of these would be shared by every instance of the image, or is of the build host.
set -- "$@" --customize-hook='rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/resolv.conf' \
    --customize-hook=': >"$1"/etc/machine-id; rm -f "$1"/var/lib/dbus/machine-id' \
    --customize-hook='echo localhost >"$1"/etc/hostname' \
    --customize-hook='printf "127.0.0.1 localhost\n::1 localhost ip6-localhost\n" >"$1"/etc/hosts' \
    --customize-hook='rm -rf "$1"/var/lib/cloud "$1"/var/log/cloud-init*.log' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin'

# What has no meaning in a sandbox and only makes the boot slow or the log red.
set -- "$@" --customize-hook='for u in systemd-timesyncd.service e2scrub_reap.service \
    apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer getty@tty1.service \
    sys-kernel-debug.mount sys-kernel-tracing.mount; do
        ln -sf /dev/null "$1/etc/systemd/system/$u"; done' \
    --customize-hook='printf "LANG=C.UTF-8\n" >"$1"/etc/default/locale' \
    --customize-hook='printf "%s\n" "source /etc/network/interfaces.d/*" "auto lo" \
        "iface lo inet loopback" >"$1"/etc/network/interfaces'

exec mmdebstrap "$@" "$suite" "$out" "deb $mirror $suite main" \
    "deb $mirror $suite-updates main" \
    "deb ${SECURITY_MIRROR:-http://deb.debian.org/debian-security} $suite-security main"
