# Runs an image by Debian's containerd and runc on our snapshotter, in a mount namespace of its own, and prints what it finds.
#
# $1: the directory of all data; $2: the program stratafs; $3: HOST/NAME:TAG; $4: "pull", or "rpull" for layers that are not
# unpacked; the rest: options of the snapshotter.
set -eu
place=$1 program=$2 image=$3 how=$4
shift 4
snapshotter= containerd=
trap 'kill -9 $snapshotter $containerd 2>/dev/null || :' EXIT

# until_ok COMMAND...: a minute at most
until_ok() {
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries = 600 ]; then
      echo "never succeeded: $*" >&2
      tail -n 20 "$place/snapshotter.log" "$place/containerd.log" >&2
      exit 1
    fi
    sleep 0.1
  done
}

serve() {
  "$program" snapshotter --root "$place/root" --socket "$place/run/socket" "$@" 2>>"$place/snapshotter.log" &
  snapshotter=$!
}

cat >"$place/config.toml" <<EOF
version = 2
root = "$place/containerd"
state = "$place/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$place/containerd.sock"
[proxy_plugins.stratafs]
  type = "snapshot"
  address = "$place/run/socket"
EOF
serve "$@"
until_ok test -S "$place/run/socket"
stat -c '%a %U' "$place/run/socket" "$place/run" "$place/root"
containerd -c "$place/config.toml" >"$place/containerd.log" 2>&1 &
containerd=$!
export CONTAINERD_ADDRESS="$place/containerd.sock"
export CONTAINERD_SNAPSHOTTER=stratafs
until_ok ctr version

if [ "$how" = pull ]; then
  ctr images pull --plain-http "$image" >/dev/null
else
  ctr-remote images rpull --plain-http "$image" >/dev/null 2>&1
fi
echo "blobs $(ctr content ls -q | wc -l)"
echo "snapshots $(ctr snapshots ls | grep -c Committed)"

ctr run --rm "$image" first busybox sh -c 'busybox cat /etc/name; echo written >/etc/name; busybox rm /old; busybox cat /etc/name; busybox ls /'
ctr run -d "$image" second busybox sleep 100000

kill -9 $snapshotter
{ wait $snapshotter || :; } 2>/dev/null
serve "$@"
until_ok ctr snapshots ls
echo 'after kill -9'
ctr task exec --exec-id look second busybox cat /etc/name
ctr run --rm "$image" third busybox ls /
echo "image mounts $(grep -c "$place/root/images" /proc/self/mountinfo)"

ctr task delete -f second >/dev/null 2>&1 || :
ctr containers rm second
ctr images rm --sync "$image" >/dev/null
echo 'left'
ctr snapshots ls | grep -v KEY || :
find "$place/root" -mindepth 2 -not -path "$place/root/cache/*"
grep "$place/" /proc/self/mountinfo || :
ps -eo args | grep "[m]ount .*$place/root/images" || :
echo 'end'
