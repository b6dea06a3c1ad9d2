// A mount namespace of a test's own, without the mounts of the tests that run beside it.
//
// unshare(1) copies those, too, and the copies keep their daemons: each of the others' unmounting would wait for this
// test to end.

/** Before it: what is mounted beneath the working directory stays. `-il`: no helper, and nobody is asked or waited for. */
const letGo = `
  findmnt -rno TARGET -t fuse.stratafs | sort -r | while IFS= read -r target; do
    case $target in "$PWD"/*) ;; *) umount -il "$target" 2>/dev/null || : ;; esac
  done
  exec "$@"`;

/** unshare's arguments before the program that is to run. Needs root, findmnt. */
export const OWN_NAMESPACE: readonly string[] = ['-m', 'sh', '-c', letGo, 'sh'];
