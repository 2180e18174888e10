#!/bin/sh
# Makes the root folder that DB instances of RDS run on: Debian with MariaDB and PostgreSQL.
#
#   images/database.sh OUTDIR [SUITE]
#
# Needs root, mmdebstrap, and a Debian mirror (MIRROR, default http://deb.debian.org/debian).
# welkin-init is process 1; at each boot it runs the agent (database-agent.sh), which brings the
# engine in line with what the service says in the user data.
set -eu

[ $# -ge 1 ] || { echo "usage: database.sh OUTDIR [SUITE]" >&2; exit 2; }
out=$1
suite=${2:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
agent=$(dirname "$0")/database-agent.sh

if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then
    echo "database.sh: $out is not empty" >&2
    exit 1
fi

packages=mariadb-server,postgresql,iproute2,procps,passwd,adduser,tzdata

set -- --mode="${MODE:-root}" --variant=minbase --include="$packages" \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=path-exclude='/usr/share/doc/*' --dpkgopt=path-exclude='/usr/share/man/*' \
    --dpkgopt=path-exclude='/usr/share/locale/*' \
    --dpkgopt=path-include='/usr/share/doc/*/copyright'

# No database of the build host's making: the agent makes one on the instance's own volume.
set -- "$@" --customize-hook='rm -rf "$1"/var/lib/mysql/* "$1"/var/lib/postgresql/*/main \
        "$1"/etc/postgresql/*/main' \
    --customize-hook='rm -f "$1"/etc/resolv.conf "$1"/etc/ssl/private/ssl-cert-snakeoil.key' \
    --customize-hook=': >"$1"/etc/machine-id; : >"$1"/etc/welkin-no-helpers' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin' \
    --customize-hook='mkdir -p "$1"/var/lib/cloud/scripts/per-boot' \
    --customize-hook="install -m 755 '$agent' \"\$1\"/var/lib/cloud/scripts/per-boot/50-database"

exec mmdebstrap "$@" "$suite" "$out" "deb $mirror $suite main" \
    "deb $mirror $suite-updates main" \
    "deb ${SECURITY_MIRROR:-http://deb.debian.org/debian-security} $suite-security main"
