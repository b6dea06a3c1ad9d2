#!/bin/sh
# Makes every kind of change that a layer can store to the tree in the current directory. Needs root, setfattr, setcap.
set -eu
mkdir -p lower/deep merged/sub again
: > "merged/$(printf 'n%.0s' $(seq 255))"
long=again/$(printf 'd%.0s' $(seq 200))
mkdir -p "$long/$(printf 'e%.0s' $(seq 200))"
printf 'text\n' > "$long/$(printf 'e%.0s' $(seq 200))/file"
printf 'not utf-8' > "$(printf 'again/\377name')"
printf 'new line' > "$(printf 'again/a\nb')"
printf one > again/linked
ln again/linked again/linked2
ln again/linked merged/linked3
ln -s ../nowhere again/symlink
ln again/symlink again/symlink2
mkfifo -m 640 again/fifo
mknod -m 660 again/char c 1 3
mknod -m 600 again/block b 7 200
# More than six and more than seven octal digits.
mknod -m 600 again/high-minor c 4095 262144
: > again/high-owner
chown 262144:2097152 again/high-owner
printf head > again/sparse
printf tail | dd of=again/sparse bs=1 seek=3000000 conv=notrunc status=none
truncate -s 5000000 again/sparse
truncate -s 1000000 again/hole
printf cap > again/capable
chmod 755 again/capable
setcap cap_net_raw+ep again/capable
setfattr -n user.text -v 'a=b' again/linked
setfattr -n trusted.bytes -v 0x00ff10 again
chown 123456:7890123 again/fifo
chmod 6755 again/linked
touch -d '1960-02-03 04:05:06.123456789' again/sparse
touch -d '2040-02-03 04:05:06.987654321' again/capable
touch -h -d '2001-02-03 04:05:06.5' again/symlink
chmod 1777 again
