#!/bin/sh
# service, chkconfig and systemctl in the tiny image, where services are the scripts of
# /etc/init.d and no init supervises them.
#
# What is enabled has a link in /etc/rc.d/rc3.d and is started at each boot by a per-boot script of
# welkin-init, which is there only while something is enabled: other boots pay nothing for it.
set -u

rc=/etc/rc.d/rc3.d
boot=/var/lib/cloud/scripts/per-boot/50-services
me=${0##*/}

script() {
    name=${1%.service}
    case $name in */* | '') return 1 ;; esac
    [ -x "/etc/init.d/$name" ]
}

unknown() {
    case $me in
    systemctl) echo "Unit $name.service could not be found." >&2; exit "${1:-5}" ;;
    chkconfig) echo "error reading information on service $name: No such file or directory" >&2 ;;
    *) echo "$name: unrecognized service" >&2 ;;
    esac
    exit 1
}

enable() {
    script "$1" || unknown
    mkdir -p $rc "${boot%/*}"
    ln -sf "../../init.d/$name" "$rc/S85$name"
    printf '#!/bin/sh\nfor s in %s/S*; do [ ! -x "$s" ] || "$s" start; done\n' $rc >$boot
    chmod 755 $boot
}

disable() {
    script "$1" || unknown
    rm -f "$rc/S85$name"
    rmdir $rc 2>/dev/null && rm -f $boot
    return 0
}

is_enabled() { script "$1" && [ -L "$rc/S85$name" ]; }

run() { # NAME VERB
    script "$1" || unknown
    "/etc/init.d/$name" "$2"
}

case $me in
service)
    [ $# -ge 2 ] || { echo "Usage: service NAME COMMAND" >&2; exit 1; }
    run "$1" "$2"
    ;;
chkconfig)
    case "${1:-} ${2:-}" in
    --add\ *) enable "$2" ;;
    --del\ *) disable "$2" ;;
    --level*) [ "$4" = on ] && enable "$3" || disable "$3" ;;
    *\ on) enable "$1" ;;
    *\ off) disable "$1" ;;
    *-*\ *) echo "chkconfig: $* is not implemented" >&2; exit 2 ;;
    *\ ) is_enabled "$1" ;;
    *) echo "chkconfig: $* is not implemented" >&2; exit 2 ;;
    esac
    ;;
systemctl)
    now=
    verb=
    names=
    for w in "$@"; do
        case $w in
        --now) now=1 ;;
        -q | --quiet | --no-block | --no-pager) ;;
        -*) echo "systemctl: $w is not implemented" >&2; exit 1 ;;
        *) [ -n "$verb" ] && names="$names $w" || verb=$w ;;
        esac
    done
    [ "$verb" != daemon-reload ] || exit 0
    [ -n "$names" ] || { echo "systemctl: '$verb' is not implemented here" >&2; exit 1; }
    for n in $names; do
        case $verb in
        start | stop | restart | reload) run "$n" "$verb" || exit 1 ;;
        status) script "$n" || unknown 4; run "$n" status || exit 3 ;;
        is-active)
            if script "$n" && run "$n" status >/dev/null; then
                echo active
            else
                echo inactive
                exit 3
            fi
            ;;
        is-enabled)
            if is_enabled "$n"; then
                echo enabled
            else
                echo disabled
                exit 1
            fi
            ;;
        enable) enable "$n" && { [ -z "$now" ] || run "$n" start; } || exit 1 ;;
        disable) disable "$n" && { [ -z "$now" ] || run "$n" stop; } || exit 1 ;;
        *) echo "systemctl: '$verb' is not implemented here" >&2; exit 1 ;;
        esac
    done
    ;;
esac
