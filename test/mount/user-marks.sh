# Marks in user.overlay.* that a user without rights has set on files of his own. Prints what root's mount shows of them.
#
# $1: kernel, stratafs or stratafs-overlay.
set -u

# plant DIRECTORY: each mark that can be lied with, owned by 65534
plant() {
  (
    cd "$1" || exit 1
    truncate -s 7 metacopy && setfattr -n user.overlay.metacopy metacopy &&
      setfattr -n user.overlay.redirect -v /etc/shadow metacopy
    truncate -s 7 byname && setfattr -n user.overlay.metacopy byname
    truncate -s 7 fileredirect && setfattr -n user.overlay.redirect -v /etc/shadow fileredirect
    mkdir absolute && setfattr -n user.overlay.redirect -v /private absolute
    mkdir nowhere && setfattr -n user.overlay.redirect -v /gone nowhere
    mkdir shown && setfattr -n user.overlay.redirect -v private shown
    mkdir opaque && setfattr -n user.overlay.opaque -v y opaque && echo own >opaque/own
    mkdir both && setfattr -n user.overlay.opaque -v y both && setfattr -n user.overlay.redirect -v /private both
    mkdir pure && setfattr -n user.overlay.opaque -v y pure && mkdir pure/absolute pure/name
    setfattr -n user.overlay.redirect -v /private pure/absolute && setfattr -n user.overlay.redirect -v private pure/name
    truncate -s 7 pure/metacopy && setfattr -n user.overlay.metacopy pure/metacopy
    echo data >escaped && setfattr -n user.overlay.overlay.opaque -v y escaped && setfattr -n user.overlay.other -v y escaped
    setfattr -n trusted.overlay.overlay.opaque -v y escaped && setfattr -n trusted.overlay.other -v y escaped
    chown -R 65534:65534 .
  ) || exit 1
}

mkdir -p low/etc low/private low/shown low/opaque low/whiteouts low/last mid up up2 work work2 point
echo SECRET >low/etc/shadow && chmod 600 low/etc/shadow
echo secret >low/private/secret && chmod 700 low/private
for file in byname shown/file opaque/file whiteouts/hidden whiteouts/kept; do echo below >"low/$file"; done
# In the lowest layer a redirect means nothing; a metacopy does.
setfattr -n user.overlay.redirect -v /private low/last
truncate -s 7 low/lastcopy && setfattr -n user.overlay.metacopy low/lastcopy
for directory in mid up up2; do plant $directory; done
mkdir mid/last up/last up2/last
# The kernel knows whiteouts of this form in lower layers alone.
mkdir mid/whiteouts && setfattr -n user.overlay.opaque -v x mid/whiteouts
: >mid/whiteouts/hidden && setfattr -n user.overlay.whiteout -v y mid/whiteouts/hidden

look() {
  (
    cd point || exit 1
    LC_ALL=C ls -1 . pure
    for name in * pure/*; do
      stat -c '%n %F %u %a' "$name" 2>&1
      [ ! -f "$name" ] || { stat -c %s "$name" && tr '\0' 0 <"$name" && echo; }
      [ ! -d "$name" ] || ls -1 "$name"
      getfattr -h -d -m overlay "$name" 2>&1 | grep -v overlay.origin
    done
    # What is EPERM can't be removed, replaced, nor moved.
    [ "$1" != writes ] || {
      rm metacopy; mv metacopy moved; rm -d absolute; mkdir absolute; chmod 600 byname; ln metacopy linked; : >pure/metacopy
    } 2>&1
  )
}

show() {
  echo "== $1"
  case $mounter in
    kernel) mount -t overlay overlay -o "$1" point ;;
    stratafs) eval "$S mount -o '$1,noprovenance' point" ;;
    stratafs-overlay) eval "$O -o '$1,noprovenance' point" ;;
  esac
  look "${2:-}"
  umount point
}

mounter=$1
show lowerdir=mid:low
show lowerdir=mid:low,userxattr
show lowerdir=low,upperdir=up,workdir=work
show lowerdir=mid:low,upperdir=up2,workdir=work2,userxattr writes
