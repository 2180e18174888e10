#!/bin/sh
# yum and rpm in the tiny image: a front over what the image can really give.
#
# There is no repository behind it.  Packages are what busybox is under the names that Amazon Linux
# has for it, the CloudFormation helpers, which Welkin provides, and httpd, which is busybox's web
# server with the folders and the init script that scripts expect.  Whatever else is asked for is
# answered as yum answers for what it does not have.
set -u

installed=/var/lib/welkin-yum/installed # NAME holds VERSION-RELEASE
busybox=$(busybox | sed -n '1s/^BusyBox v\([0-9.]*\).*/\1/p')-1.busybox

# Of every package that there is.
version_of() {
    case $1 in
    aws-cfn-bootstrap) echo 2.0-1.welkin ;;
    httpd | bash | wget | unzip | tar | gzip | bzip2 | xz | which | vim-minimal | nc | telnet | \
        patch | cpio | less | sed | grep | gawk | diffutils | findutils | coreutils | procps-ng | \
        iproute | iputils | cronie | bc) echo "$busybox" ;;
    *) return 1 ;;
    esac
}

is_installed() { # NAME
    case $1 in
    httpd) [ -e "$installed/httpd" ] || return 1 ;;
    aws-cfn-bootstrap) [ -e /opt/aws/bin/cfn-init ] || return 1 ;;
    esac
    version_of "$1" >/dev/null
}

# The package that a spec means: NAME, NAME-VERSION, NAME-VERSION-RELEASE, each with .ARCH.
match() {
    spec=${1%.noarch}
    spec=${spec%.x86_64}
    if version_of "$spec" >/dev/null; then
        name=$spec
        return
    fi
    for name in "${spec%-*}" "${spec%-*-*}"; do
        v=$(version_of "$name") || continue
        case $spec in "$name-$v" | "$name-${v%-*}") return ;; esac
    done
    return 1
}

all() {
    for n in aws-cfn-bootstrap bash bc bzip2 coreutils cpio cronie diffutils findutils gawk grep \
        gzip httpd iproute iputils less nc patch procps-ng sed tar telnet unzip vim-minimal wget \
        which xz; do echo "$n"; done
}

install_httpd() {
    mkdir -p /var/www/html /etc/httpd/conf /var/log/httpd /etc/init.d "$installed"
    cat >/etc/init.d/httpd <<'SCRIPT'
#!/bin/sh
# chkconfig: - 85 15
# busybox's web server, as the service httpd.
pid=/var/run/httpd.pid
running() { [ -s $pid ] && kill -0 "$(cat $pid)" 2>/dev/null; }
start() {
    running && return 0
    start-stop-daemon -S -b -m -p $pid -x /bin/busybox -- httpd -f -h /var/www/html
    for i in 1 2 3 4 5 6 7 8 9 10; do
        running && return 0
        usleep 20000
    done
    return 1
}
stop() {
    running || return 0
    kill "$(cat $pid)"
    for i in 1 2 3 4 5 6 7 8 9 10; do
        running || break
        usleep 20000
    done
    rm -f $pid
}
case ${1:-} in
start) start ;;
stop) stop ;;
restart | reload | graceful) stop && start ;;
status)
    if running; then
        echo "httpd (pid $(cat $pid)) is running..."
    else
        echo "httpd is stopped"
        exit 3
    fi
    ;;
*)
    echo "Usage: $0 {start|stop|restart|reload|status}" >&2
    exit 2
    ;;
esac
SCRIPT
    chmod 755 /etc/init.d/httpd
    grep -q '^apache:' /etc/group || echo apache:x:48: >>/etc/group
    grep -q '^apache:' /etc/passwd ||
        echo apache:x:48:48:Apache:/usr/share/httpd:/sbin/nologin >>/etc/passwd
    echo "$busybox" >"$installed/httpd"
}

# An image may have been imported without them (welkin image import --no-helpers).
install_bootstrap() {
    mkdir -p /opt/aws/bin || return 1
    for n in cfn-init cfn-signal cfn-get-metadata cfn-hup cfn-elect-cmd-leader \
        cfn-send-cmd-result; do
        ln -sf /sbin/init "/opt/aws/bin/$n" || return 1
    done
}

remove_httpd() {
    /etc/init.d/httpd stop
    chkconfig httpd off
    rm -f /etc/init.d/httpd "$installed/httpd"
}

install() {
    done=0
    had=0
    for spec in "$@"; do
        if ! match "$spec"; then
            echo "No package $spec available."
        elif is_installed "$name"; then
            echo "Package $name-$(version_of "$name").noarch already installed and latest version"
            had=1
        else
            case $name in
            aws-cfn-bootstrap) install_bootstrap ;;
            *) install_httpd ;;
            esac || return 1
            echo "Installed: $name.noarch 0:$(version_of "$name")"
            done=1
        fi
    done
    [ $done = 1 ] && echo "Complete!" && return 0
    [ $had = 1 ] && echo "Nothing to do" && return 0
    echo "Error: Nothing to do" >&2
    return 1
}

update() {
    for spec in "$@"; do
        if ! match "$spec" || ! is_installed "$name"; then
            echo "No Match for argument: $spec"
        else
            echo "Package $name-$(version_of "$name").noarch is at its latest version"
        fi
    done
    echo "No packages marked for update"
}

remove() {
    for spec in "$@"; do
        if ! match "$spec" || ! is_installed "$name"; then
            echo "No Match for argument: $spec"
        elif [ "$name" = httpd ]; then
            remove_httpd && echo "Removed: httpd"
        else
            echo "Error: $name is part of this image and cannot be removed" >&2
            return 1
        fi
    done
}

row() { printf '%-40s %-24s %s\n' "$1.noarch" "$(version_of "$1")" "$2"; }

list() { # installed|available|all SPEC…
    what=$1
    shift
    [ $# -gt 0 ] || set -- $(all)
    found=0
    for spec in "$@"; do
        match "$spec" || continue
        if is_installed "$name"; then
            [ "$what" = available ] && continue
            row "$name" installed
        else
            [ "$what" = installed ] && continue
            row "$name" welkin
        fi
        found=1
    done
    [ $found = 1 ] && return
    echo "Error: No matching Packages to list" >&2
    return 1
}

yum_main() {
    words=
    for w in "$@"; do
        case $w in
        -y | -q | -C | -v | -t | -e0 | -d0 | --assumeyes | --quiet | --cacheonly | --verbose | \
            --showduplicates | --nogpgcheck) ;;
        -*)
            echo "yum: the option $w is not implemented by Welkin's front" >&2
            exit 1
            ;;
        *) words="$words $w" ;;
        esac
    done
    set -f
    set -- $words
    verb=${1:-}
    [ $# -eq 0 ] || shift
    case $verb in
    install | reinstall | localinstall) install "$@" ;;
    update | upgrade) update "$@" ;;
    downgrade) echo "Error: Nothing to do" >&2; exit 1 ;;
    remove | erase) remove "$@" ;;
    makecache) echo "Metadata Cache Created" ;;
    clean | check-update | repolist) ;;
    list)
        case ${1:-all} in
        installed | available | all)
            what=${1:-all}
            [ $# -eq 0 ] || shift
            list "$what" "$@"
            ;;
        *) list all "$@" ;;
        esac
        ;;
    *)
        echo "yum: '$verb' is not implemented by Welkin's front: there are install, update, remove," \
            "list, makecache" >&2
        exit 1
        ;;
    esac
}

# Queries of installed packages; files are busybox's rpm's business.
rpm_main() {
    quiet=0
    format='%{NAME}-%{VERSION}-%{RELEASE}\n'
    query=
    specs=
    original=$*
    while [ $# -gt 0 ]; do
        case $1 in
        -q | --query) query=one ;;
        -qa) query=all ;;
        -a | --all) query=all ;;
        --quiet) quiet=1 ;;
        --nosignature) ;;
        --queryformat | --qf) format=$2; shift ;;
        -*) exec busybox rpm $original ;;
        *) specs="$specs $1" ;;
        esac
        shift
    done
    [ -n "$query" ] || exec busybox rpm $original
    [ -n "$specs" ] || [ $query = one ] || specs=$(all)
    status=0
    for spec in $specs; do
        if match "$spec" && is_installed "$name"; then
            [ $quiet = 1 ] && continue
            v=$(version_of "$name")
            printf "$(echo "$format" | sed "s/%{NAME}/$name/; s/%{VERSION}/${v%-*}/
                s/%{RELEASE}/${v#*-}/")"
        elif [ $query = one ]; then
            [ $quiet = 1 ] || echo "package $spec is not installed"
            status=1
        fi
    done
    exit $status
}

case ${0##*/} in
rpm) rpm_main "$@" ;;
*) yum_main "$@" ;;
esac
