#!/bin/sh
# Makes two layers' worth of real files with all that a file can have: real-files.sh DIRECTORY, as root.
# DIRECTORY/base and DIRECTORY/top are what is packed; top has whiteouts in AUFS form.
set -eu
mkdir "$1/base" "$1/top"

cd "$1/base"
mkdir -p etc usr/bin usr/share/doc var/empty gone/deep kept mixed
chmod 1777 var/empty
chmod 2750 usr/share
chown 1000:1001 usr/share/doc
echo config >etc/config
head -c 300000 /dev/urandom >usr/bin/tool
chmod 4755 usr/bin/tool
ln usr/bin/tool usr/bin/tool-alias
ln usr/bin/tool etc/tool-elsewhere
setcap cap_net_bind_service=ep usr/bin/tool
ln -s ../etc/config usr/link
ln -s /absolute/nowhere usr/dangling
ln usr/dangling usr/dangling-too
mkfifo -m 600 var/pipe
mknod -m 666 var/null c 1 3
mknod -m 660 var/disk b 259 70000
touch -- "$(printf 'odd\nname \377 \\ *')" '-dash' 'caf\303\251'
touch "$(printf '%0255d' 0)"
deep=deep
for i in 1 2 3 4 5 6; do deep="$deep/directory-$i-with-a-rather-long-name-that-goes-on-and-on"; done
mkdir -p "$deep"
echo deep >"$deep/file"
ln -s "$deep/file" long-link
setfattr -n user.comment -v 'some text' etc/config
setfattr -n user.binary -v 0x00ff0a3d00 etc/config
setfattr -n user.directory -v yes kept
echo one >gone/deep/file
echo one >kept/replaced
echo one >kept/removed
echo one >mixed/file
# Data at 0, 1 MiB and 5 MiB, holes between, and a hole at the end.
truncate -s 7340032 sparse
printf 'begin' | dd of=sparse conv=notrunc status=none
dd if=/dev/urandom of=sparse bs=4096 seek=256 count=3 conv=notrunc status=none
dd if=/dev/urandom of=sparse bs=4096 seek=1280 count=1 conv=notrunc status=none
truncate -s 1048576 all-hole
: >empty
# Dates that fit 32 bits, 33, 34 and none.
touch -d '1969-12-31 23:59:58.25 UTC' etc/config
touch -d '2038-01-19 03:14:08.123456789 UTC' usr/bin/tool
touch -d '2200-06-01 00:00:00.5 UTC' empty

cd "$1/top"
mkdir -p kept mixed new usr/bin
touch .wh.gone kept/.wh.removed mixed/.wh..wh..opq
echo two >kept/replaced
echo two >mixed/other
echo two >new/file
ln new/file usr/bin/new-link
chmod 700 kept
chown 7:8 kept
touch -h -d '2020-02-02 02:02:02.02 UTC' kept mixed new usr usr/bin .
