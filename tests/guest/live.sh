#!/bin/sh
# Boots welkin-init in real sandboxes and looks at what came of it.
#
#   tests/guest/live.sh INITBIN SANDBOX TINY_SCRIPT
#
# Needs root.  Without it: says so and ends with 77.  Last line: N passed, N failed.
set -u

init=$1
sandbox=$2
tiny=$3
[ "$(id -u)" = 0 ] || { echo "live.sh: not root, skipped"; exit 77; }

top=$(mktemp -d /tmp/welkin-guest-live-XXXXXX)
trap 'rm -rf "$top"' EXIT
passed=0
failed=0
"$tiny" "$top/root" "$init" || exit 1
md=$top/md
mkdir -p "$md/meta-data/public-keys/0" "$md/meta-data/placement"
printf i-0123456789abcdef0 >"$md/meta-data/instance-id"
printf ip-172-31-0-5.ec2.internal >"$md/meta-data/local-hostname"
printf us-east-1 >"$md/meta-data/placement/region"
echo 'ssh-ed25519 AAAAKEY me' >"$md/meta-data/public-keys/0/openssh-key"

# A new disk.
fresh() {
    work=$(mktemp -d "$top/work-XXXXXX")
    disk=$work/0-upper
}

# boot [MARKER [SIGNAL]]: one boot of the disk until the marker; the console is in $console.
boot() {
    "$sandbox" -r "$top/root" -i "$init" -d "${service-$md}" -w "$work" -t 20 ${userns-} \
        -m "${1:-finished at}" -s "${2:-10}" >"$work/console" 2>&1
    console=$work/console
    log=$disk/var/log/cloud-init.log
}

# ok NAME COMMAND...: the command's success is the test's.
ok() {
    name=$1
    shift
    if "$@" >/dev/null 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        tail -n 25 "$console" | sed 's/^/    /'
    fi
}
no() { name=$1; shift; ok "$name" sh -c '! "$@"' no "$@"; }
lines() { [ "$(wc -l <"$1")" = "$2" ]; }

# --- a script, once ---------------------------------------------------------------
fresh
printf '#!/bin/sh -x\necho one >>/root/count\necho to-stderr >&2\nhostname\n' >"$md/user-data"
boot
ok 'user data runs (UD-01)' lines "$disk/root/count" 1
ok 'its output and trace are on the console' grep -q '+ echo to-stderr' "$console"
ok 'and in the log (UD-19)' grep -q '^to-stderr' "$disk/var/log/cloud-init-output.log"
ok 'the host name is set' grep -q '^ip-172-31-0-5' "$console"
ok 'power off is seen as SIGINT' grep -q 'ended by signal 2$' "$console"
ok 'status is done' grep -q '"errors": \[\]' "$disk/var/lib/cloud/data/result.json"
ok 'the key is installed' grep -q AAAAKEY "$disk/home/ec2-user/.ssh/authorized_keys"
ok 'root is told to use the other user' grep -q 'Please login as the user' \
    "$disk/root/.ssh/authorized_keys"
ok 'the semaphore lies where cloud-init has it' \
    test -f "$disk/var/lib/cloud/instances/i-0123456789abcdef0/sem/config_scripts_user"
ok 'user-data.txt is as it was given' cmp "$md/user-data" \
    "$disk/var/lib/cloud/instances/i-0123456789abcdef0/user-data.txt"
boot
ok 'a reboot does not run it (UD-03)' lines "$disk/root/count" 1
printf '#!/bin/sh\necho changed >>/root/count\n' >"$md/user-data"
boot
ok 'changed user data does not run (UD-04)' lines "$disk/root/count" 1
printf i-0fedcba9876543210 >"$md/meta-data/instance-id"
boot
ok 'a new instance of the same disk runs it' lines "$disk/root/count" 2
printf i-0123456789abcdef0 >"$md/meta-data/instance-id"

# --- signals ----------------------------------------------------------------------
for s in '2 1' '15 1' '30 2' '12 2' '38 2' '39 1' '37 2'; do
    fresh
    boot 'finished at' "${s% *}"
    ok "signal ${s% *} ends init by signal ${s#* }" grep -q "ended by signal ${s#* }\$" "$console"
done
for s in 'poweroff 2' 'reboot 1' 'halt 2' 'poweroff -f 2' 'shutdown -h now 2' \
    'shutdown -r now 1'; do
    fresh
    printf '#!/bin/sh\n%s\nsleep 5\n' "${s% *}" >"$md/user-data"
    boot 'never seen'
    ok "${s% *} in the guest" grep -q "ended by signal ${s##* }\$" "$console"
done
fresh
printf '#!/bin/sh\nshutdown -h +5\nshutdown -c\nps\n' >"$md/user-data"
boot
ok 'a shutdown can be cancelled' grep -q 'is cancelled' "$console"
fresh
printf '#!/bin/sh\ntrap "" TERM\necho stubborn\nwhile :; do sleep 1; done\n' >"$md/user-data"
boot stubborn 30
ok 'what ignores SIGTERM is killed' grep -q 'ended by signal 2$' "$console"

# --- scripts that fail ------------------------------------------------------------
fresh
printf '#!/bin/sh\nexit 3\n' >"$md/user-data"
boot
ok 'a failing script does not stop the boot (UD-09)' grep -q 'finished at' "$console"
ok 'and is the reason in result.json' \
    grep -q 'Runparts: 1 failures (part-001) in 1 attempted commands' \
    "$disk/var/lib/cloud/data/result.json"
fresh
printf '#!/no/such/interpreter\n' >"$md/user-data"
boot
ok 'a missing interpreter is named' grep -q 'Errno 2' "$console"
ok 'and the boot goes on' grep -q 'finished at' "$console"
fresh
printf 'replicate-every=1min | replicate-every=5min' >"$md/user-data"
boot
ok 'plain text is unhandled (UD-20)' \
    grep -qF "Unhandled non-multipart (text/x-not-multipart) userdata: 'b'replicate-every" "$log"
fresh
head -c 16384 /dev/urandom >"$md/user-data"
boot
ok 'binary user data does not stop the boot (UD-06)' grep -q 'finished at' "$console"
fresh
rm "$md/user-data"
boot
ok 'no user data is fine' grep -q '"errors": \[\]' "$disk/var/lib/cloud/data/result.json"

# --- other forms ------------------------------------------------------------------
fresh
printf '#!/bin/sh\necho from-gzip\n' | gzip >"$md/user-data"
boot
ok 'gzip is inflated' grep -q '^from-gzip' "$console"
cat >"$md/user-data" <<'EOF'
Content-Type: multipart/mixed; boundary="//"
MIME-Version: 1.0

--//
Content-Type: text/cloud-config; charset="us-ascii"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
Content-Disposition: attachment; filename="cloud-config.txt"

#cloud-config
cloud_final_modules:
- [scripts-user, always]

--//
Content-Type: text/x-shellscript; charset="us-ascii"
Content-Disposition: attachment; filename="userdata.txt"

#!/bin/sh
echo always >>/root/count; echo MARK
--//--
EOF
fresh
boot MARK
boot MARK
ok 'scripts-user, always runs at every boot' lines "$disk/root/count" 2
printf '#cloud-boothook\n#!/bin/sh\necho hook-$INSTANCE_ID >>/root/count\n' >"$md/user-data"
fresh
boot
boot
ok 'a boothook runs at every boot' grep -q hook-i-0123456789abcdef0 "$disk/root/count"
ok 'twice' lines "$disk/root/count" 2
printf '#part-handler\n' >"$md/user-data"
fresh
boot
ok 'a part handler is refused loudly' grep -q 'does not support: it is NOT applied' "$console"
mkdir -p "$md/inc"
printf '#!/bin/sh\necho included\n' >"$md/inc/script"
printf '#include\nfile:///etc/included\nhttp://127.0.0.1:1/gone\n' >"$md/user-data"
fresh
mkdir -p "$disk/etc"
printf '#!/bin/sh\necho included\n' >"$disk/etc/included"
boot
ok 'an include is read' grep -q '^included' "$console"
ok 'one that cannot be read is an error' grep -q 'Fetching from http://127.0.0.1:1/gone' "$log"

# --- cloud-config -----------------------------------------------------------------
cat >"$md/user-data" <<'EOF'
#cloud-config
hostname: web1
bootcmd: [[sh, -c, "echo boot >>/root/boots; echo \"it's\""], "echo id $INSTANCE_ID"]
write_files:
- {path: /etc/a/b, content: "x\n", permissions: '0640', owner: "www-data:adm"}
- {path: /etc/a/b, content: "y\n", append: true, permissions: '0640'}
- {path: /etc/gz, encoding: gz+b64, content: H4sIAAAAAAAAA8tIzcnJ5wIAIDA6NgYAAAA=}
- {path: /etc/late, content: z, defer: true, owner: "bob:bob"}
groups: [{hackers: [ec2-user]}, empty]
users: [default, {name: bob, groups: "wheel, hackers", sudo: "ALL=(ALL) NOPASSWD:ALL",
  ssh_authorized_keys: [ssh-ed25519 BOBKEY], passwd: $6$a$b, lock_passwd: false},
  {name: eve, homedir: "/home/eve\nroot2:x:0:0::/root"}]
chpasswd: {expire: false, list: ["  ec2-user:$6$xx$yy"]}
packages: [htop]
ntp: {enabled: true}
runcmd: ["echo run as $(id -un) on $(hostname)", [echo, "a  b", $HOME]]
final_message: "done $version $uptime"
EOF
fresh
boot 'done welkin'
ok 'runcmd strings are shell' grep -q '^run as root on web1' "$console"
ok 'runcmd lists are not' grep -q '^a  b $HOME' "$console"
ok 'bootcmd quotes' grep -q "^it's" "$console"
ok 'write_files appends' lines "$disk/etc/a/b" 2
ok 'with its mode and owner' test "$(stat -c %a:%u:%g "$disk/etc/a/b")" = 640:33:4
ok 'gz+b64 is decoded' grep -q hello "$disk/etc/gz"
ok 'a user is made' grep -q '^bob:x:1001:' "$disk/etc/passwd"
ok 'with a password hash' grep -q '^bob:$6$a$b:' "$disk/etc/shadow"
ok 'in groups' grep -q '^hackers:x:[0-9]*:ec2-user,bob' "$disk/etc/group"
ok 'with a key' grep -q BOBKEY "$disk/home/bob/.ssh/authorized_keys"
ok 'with sudo' grep -q '^bob ALL' "$disk/etc/sudoers.d/90-cloud-init-users"
ok 'deferred files come after users' test "$(stat -c %u "$disk/etc/late")" = 1001
ok 'chpasswd sets a hash' grep -q '^ec2-user:$6$xx$yy:' "$disk/etc/shadow"
ok 'a field that would be a line of its own is refused' \
    grep -q 'User eve: a field holds a colon or a line end' "$log"
no 'and no such user is made' grep -q -e ^eve -e ^root2 "$disk/etc/passwd"
ok 'packages that there are not are an error' \
    grep -q 'Package command yum failed with exit code 1' "$log"
ok 'an unknown key is named' grep -q "key 'ntp' is not implemented" "$log"
boot 'done welkin'
ok 'bootcmd runs at every boot' lines "$disk/root/boots" 2
ok 'users are not made twice' test "$(grep -c '^bob:' "$disk/etc/passwd")" = 1
printf '#cloud-config\na: [\n' >"$md/user-data"
fresh
boot
ok 'broken YAML is an error in words' grep -q 'Failed at merging in cloud config part' "$console"

# --- asking -----------------------------------------------------------------------
cat >"$md/user-data" <<'EOF'
#!/bin/sh
sleep 0.1
cloud-init status; cloud-init query region; cloud-init --version; cloud-init clean
echo "refused with $?"
(cloud-init status --wait; echo WAITED) &
EOF
fresh
boot WAITED
ok 'status while running' grep -q '^status: running' "$console"
ok 'status --wait' grep -q '^status: done' "$console"
ok 'query' grep -q '^us-east-1' "$console"
ok 'the rest is refused' grep -q '^refused with 2' "$console"
ok 'a daemon left behind still writes to the log' grep -q WAITED \
    "$disk/var/log/cloud-init-output.log"

# --- in a user namespace, as the launcher does it ------------------------------------
printf '#!/bin/sh\ncat /proc/self/uid_map; echo in-userns; reboot\nsleep 5\n' >"$md/user-data"
fresh
userns=-u
boot 'never seen'
ok 'boots in a user namespace' grep -q in-userns "$console"
no 'without complaint' grep -q -e WARNING -e 'welkin-init:' "$console"
ok 'and reboots' grep -q 'ended by signal 1$' "$console"
userns=

# --- no metadata ------------------------------------------------------------------
fresh
service=$top/none
mkdir -p "$top/none" "$disk/var/lib/cloud/scripts/per-boot"
printf '#!/bin/sh\necho per-boot-ran\n' >"$disk/var/lib/cloud/scripts/per-boot/x"
chmod 755 "$disk/var/lib/cloud/scripts/per-boot/x"
boot
ok 'without an instance id the boot goes on' grep -q 'goes on without user data' "$console"
ok 'and per-boot scripts run' grep -q per-boot-ran "$console"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
