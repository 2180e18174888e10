#!/bin/sh
# Usage: layers.sh ROOT LAYER…
#
# Puts the layers of an image on each other in the folder ROOT, each a tar (plain, gzip, bzip2 or
# xz) in which `.wh.NAME` deletes NAME and `.wh..wh..opq` empties its folder.
#
# A layer is somebody else's: it may hold a link to / and then a file behind the link.  So every
# layer is unpacked from inside: a static busybox, chrooted to ROOT, to which links cannot lead
# anywhere else.
set -eu

root=$1
shift
bb=$(command -v busybox) || {
    echo "layers.sh: busybox is missing: apt-get install busybox-static" >&2
    exit 1
}
mkdir -p "$root/.welkin-import"
cp "$bb" "$root/.welkin-import/busybox"
for layer in "$@"; do
    case $(od -An -tx1 -N4 "$layer" | tr -d ' ') in
    28b52ffd) zstd -dcq "$layer" >"$root/.welkin-import/layer" ;;
    *) cp "$layer" "$root/.welkin-import/layer" ;;
    esac
    chroot "$root" /.welkin-import/busybox sh -eu -c '
        b=/.welkin-import/busybox
        $b tar -tf /.welkin-import/layer | $b grep -E "(^|/)\.wh\." | while IFS= read -r f; do
            dir=$($b dirname "/$f")
            name=$($b basename "/$f")
            case $name in
            .wh..wh..opq) $b find "$dir" -mindepth 1 -maxdepth 1 -exec $b rm -rf {} + ;;
            .wh..wh.*) ;;
            *) $b rm -rf "$dir/${name#.wh.}" ;;
            esac
        done
        cd /
        $b tar -xpf /.welkin-import/layer
        $b tar -tf /.welkin-import/layer | $b grep -E "(^|/)\.wh\." | while IFS= read -r f; do
            $b rm -rf "/$f"
        done
    '
done
rm -rf "$root/.welkin-import"
