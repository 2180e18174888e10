#!/bin/sh
# Usage: layers.sh ROOT LAYER…
#
# Puts the layers of an image on each other in the folder ROOT, each a tar (plain, gzip, bzip2, xz
# or zstd) in which `.wh.NAME` deletes NAME and `.wh..wh..opq` empties its folder.
#
# A layer is somebody else's: it may hold a link to / and then a file behind the link.  So every
# layer is unpacked from inside, by a static busybox chrooted to ROOT, to which links cannot lead
# anywhere else.  The busybox lies on a read-only mount, which no layer can replace; the layer
# comes in by stdin.
set -eu

if [ -z "${WELKIN_LAYERS_MOUNTS:-}" ]; then
    exec unshare --mount --propagation private env WELKIN_LAYERS_MOUNTS=1 /bin/sh "$0" "$@"
fi
root=$1
shift
bb=$(command -v busybox) || {
    echo "layers.sh: busybox is missing: apt-get install busybox-static" >&2
    exit 1
}
tool=$root/.welkin-import
tar=$root.layer
trap 'rm -f "$tar"' EXIT
mkdir "$tool"
mount -t tmpfs -o mode=0755,nodev welkin-import "$tool"
cp "$bb" "$tool/busybox"
mount -o remount,ro "$tool"

# A script inside, with the layer as stdin.
inside() {
    chroot "$root" /.welkin-import/busybox sh -eu -c "b=/.welkin-import/busybox; cd /; $1" <"$tar"
}

for layer in "$@"; do
    case $(od -An -tx1 -N6 "$layer" | tr -d ' ') in
    28b52ffd*) zstd -dcq "$layer" >"$tar" ;;
    1f8b*) gzip -dc "$layer" >"$tar" ;;
    fd377a585a00) xz -dc "$layer" >"$tar" ;;
    425a68*) bzip2 -dc "$layer" >"$tar" ;;
    *) cp "$layer" "$tar" ;;
    esac
    inside '
        $b tar -tf - | $b grep -E "(^|/)\.wh\." | while IFS= read -r f; do
            dir=$($b dirname "/$f")
            name=$($b basename "/$f")
            case $name in
            .wh..wh..opq) $b find "$dir" -mindepth 1 -maxdepth 1 -exec $b rm -rf {} + ;;
            .wh..wh.*) ;;
            *) $b rm -rf "$dir/${name#.wh.}" ;;
            esac
        done'
    inside '$b tar -xpf -'
    inside '$b tar -tf - | $b grep -E "(^|/)\.wh\." | while IFS= read -r f; do
            $b rm -rf "/$f"
        done'
done
umount "$tool"
rmdir "$tool"
