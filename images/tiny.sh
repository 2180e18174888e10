#!/bin/sh
# Makes the root folder of Welkin's default image: busybox and welkin-init, nothing else.
#
#   images/tiny.sh OUTDIR INITBIN [BUSYBOX]
#
# Needs no network and about a second.  What it holds is in images/README.md.
set -eu

[ $# -ge 2 ] || { echo "usage: tiny.sh OUTDIR INITBIN [BUSYBOX]" >&2; exit 2; }
out=$1
init=$2
busybox=${3:-/bin/busybox}
here=$(dirname "$0")

[ -x "$init" ] || { echo "tiny.sh: $init is not a program" >&2; exit 1; }
[ -x "$busybox" ] || { echo "tiny.sh: $busybox is not a program (busybox-static)" >&2; exit 1; }
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then
    echo "tiny.sh: $out is not empty" >&2
    exit 1
fi

umask 022
mkdir -p "$out"
cd "$out"
mkdir -p bin sbin usr/bin usr/sbin usr/lib usr/local/bin usr/local/sbin etc/ssl/certs etc/skel \
    proc sys dev run root home mnt media opt srv var/log var/lib var/cache var/spool var/tmp \
    var/www usr/share/udhcpc usr/share/ca-certificates
mkdir -p -m 1777 tmp
chmod 1777 tmp var/tmp
chmod 700 root
ln -s /run var/run

cd - >/dev/null
cp "$busybox" "$out/bin/busybox"
cp "$init" "$out/sbin/init"
cp "$here/yum.sh" "$out/usr/bin/yum"
cp "$here/services.sh" "$out/sbin/service"
cd "$out"
chmod 755 bin/busybox sbin/init usr/bin/yum sbin/service

# Applets whose place is taken by welkin-init or our scripts, or that need a system that is not here.
skip=" init linuxrc poweroff reboot halt shutdown busybox rpm "
./bin/busybox --list-full | while read -r path; do
    name=${path##*/}
    case $skip in *" $name "*) continue ;; esac
    mkdir -p "${path%/*}"
    ln -s /bin/busybox "$path"
done
for name in poweroff reboot halt shutdown telinit; do ln -s init "sbin/$name"; done
ln -s /sbin/init usr/bin/cloud-init
ln -s /sbin/init bin/bash # becomes busybox's sh: scripts that begin with #!/bin/bash are the rule
ln -s yum usr/bin/rpm
ln -s service sbin/chkconfig
ln -s /sbin/service usr/bin/systemctl
mkdir -p opt/aws/bin etc/init.d etc/cfn
for name in cfn-init cfn-signal cfn-get-metadata cfn-hup cfn-elect-cmd-leader \
    cfn-send-cmd-result eic_run_authorized_keys; do
    ln -s /sbin/init "opt/aws/bin/$name"
done
cat >etc/init.d/cfn-hup <<'EOS'
#!/bin/sh
# chkconfig: - 85 15
pid=/var/run/cfn-hup.pid
running() { [ -s $pid ] && kill -0 "$(cat $pid)" 2>/dev/null; }
stop() { ! running || kill "$(cat $pid)"; rm -f $pid; }
case ${1:-} in
start) running || /opt/aws/bin/cfn-hup ;;
stop) stop ;;
restart) stop; /opt/aws/bin/cfn-hup ;;
status) running && echo "cfn-hup is running" || { echo "cfn-hup is stopped"; exit 3; } ;;
*) echo "Usage: $0 {start|stop|restart|status}" >&2; exit 2 ;;
esac
EOS
chmod 755 etc/init.d/cfn-hup

cat >etc/passwd <<'EOF'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
EOF
cat >etc/group <<'EOF'
root:x:0:
daemon:x:1:
tty:x:5:
adm:x:4:ec2-user
wheel:x:10:ec2-user
www-data:x:33:
users:x:100:
ec2-user:x:1000:
nogroup:x:65534:
EOF
cat >etc/shadow <<'EOF'
root:*:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
www-data:*:19000:0:99999:7:::
ec2-user:!:19000:0:99999:7:::
nobody:*:19000:0:99999:7:::
EOF
sed 's/^\([^:]*\):x:[0-9]*:\(.*\)$/\1:*::\2/' etc/group >etc/gshadow
chmod 640 etc/shadow etc/gshadow
mkdir home/ec2-user
chmod 700 home/ec2-user
chown 1000:1000 home/ec2-user

echo '/bin/sh' >etc/shells
cat >etc/nsswitch.conf <<'EOF'
passwd: files
group: files
shadow: files
hosts: files dns
services: files
protocols: files
EOF
cat >etc/services <<'EOF'
ssh 22/tcp
domain 53/tcp
domain 53/udp
bootps 67/udp
bootpc 68/udp
http 80/tcp
ntp 123/udp
https 443/tcp
mysql 3306/tcp
postgresql 5432/tcp
http-alt 8080/tcp
EOF
printf 'ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6 41 IPv6\nipv6-icmp 58 IPv6-ICMP\n' \
    >etc/protocols
cat >etc/profile <<'EOF'
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
[ "$(id -u)" = 0 ] && PS1='[\u@\h \W]# ' || PS1='[\u@\h \W]$ '
EOF
cat >etc/os-release <<'EOF'
NAME="Welkin Tiny"
ID=welkin-tiny
ID_LIKE=busybox
VERSION_ID="1"
PRETTY_NAME="Welkin Tiny 1"
EOF
printf '\nWelkin Tiny 1: busybox and welkin-init.\n\n' >etc/motd
printf '# Certificates of authorities go here; this image has none.\n' >etc/ssl/certs/README
: >etc/fstab
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >etc/hosts

cat >usr/share/udhcpc/default.script <<'EOF'
#!/bin/sh
# What udhcpc runs.  The launcher configures eth0, so this is for further interfaces.
case $1 in
deconfig)
    ip addr flush dev "$interface"
    ip link set "$interface" up
    ;;
bound | renew)
    ip addr add "$ip/${mask:-24}" dev "$interface"
    for r in $router; do
        ip route add default via "$r" dev "$interface"
        break
    done
    ;;
esac
EOF
chmod 755 usr/share/udhcpc/default.script
