// What the manual pages say beyond the commands' own help, in the layout of help-text.ts.

export interface Topic {
  readonly title: string;
  readonly text: string;
}

export const introduction = `
stratafs shows what a container of a saved image would see. The image is an archive of "docker save", "podman save" or
skopeo(1), an OCI image layout, or a bare stack of layers, which are tars or directories. It stays as it is: nothing is
unpacked, and reads go to the layers in place, compressed ones too. With an upper directory a mount takes writes, which
land there, in kernel overlayfs's form.

Other commands look into an image without mounting it, and need neither /dev/fuse nor root: how it was made, where its
layers lie, which layer a path comes from, what differs, what is wasted. An image that was never looked at before is
indexed first.`;

const source: Topic = {
  title: 'SOURCE',
  text: `
A source is the path of an archive, of a layout or of a layer, with or without what kind it is; commands that only look
take a mount point of stratafs, too, and mean the image that is mounted there.

  PATH                        any of these, found out by looking
  docker-archive:PATH[:REF]   what "docker save", "podman save" and skopeo(1) write, of every age
  oci:DIR[:REF]               an OCI image layout
  oci-archive:PATH[:REF]      an OCI image layout in a tar
  dir:DIR                     what "skopeo copy ... dir:DIR" and "podman save --format oci-dir" write

"-" is standard input. A pipe, in whatever way it is named, is read once into the cache directory.

REF chooses one of several images, by name, by the beginning of its ID or of a digest, or by its place, which is @0 for
the first. Names may be spelled as any tool does: alpine:3 is docker.io/library/alpine:3, and localhost/alpine:3. Where
several would do, the error lists them.

Layers count from 1 at the base. Where a layer is asked for, the beginning of its digest or DiffID will do too.`,
};

const environment: Topic = {
  title: 'ENVIRONMENT',
  text: `
  XDG_CACHE_HOME      where the cache directory stratafs lies; ~/.cache where it is unset or not absolute
  TMPDIR              where --tmp and the option tmp make their upper directory; /tmp where it is unset
  SOURCE_DATE_EPOCH   seconds since 1970: the time that commit, flatten and squash put into what they write
  DEBUG               stratafs:* logs to standard error, and adds the stack to a failure`,
};

const files: Topic = {
  title: 'FILES',
  text: `
  ~/.cache/stratafs   indexes of layers, by digest, and what can't be read in place, unpacked; may be deleted at any time
  UPPER.work          the work directory that --upper makes beside an upper directory
  .dive-ci            where "stratafs waste --ci" looks for rules
  /etc/fuse.conf      user_allow_other in it lets an ordinary user give allow_other`,
};

/** Behind the commands and the mount options of stratafs(1). */
export const commandTopics: readonly Topic[] = [
  source,
  {
    title: 'EXIT STATUS',
    text: `
  0   done
  1   failed, with one message on standard error that begins with "stratafs:" and says what to do; also what "diff --exit-code", "which" and "waste --ci" found
  2   the command line could not be understood`,
  },
  environment,
  files,
];

export const helperTopics: readonly Topic[] = [
  {
    title: 'EXIT STATUS',
    text: `
  0    mounted; the mount answers
  1    the command line could not be understood
  32   the mount failed`,
  },
  {
    title: 'FILES',
    text: `
  /sbin/mount.stratafs   where mount(8) looks for it

Without it, lines of fstab(5) of the type fuse.stratafs do, where mount.fuse3(8) is installed.`,
  },
  {
    title: 'EXAMPLES',
    text: `
Lines of /etc/fstab:

  /srv/app.tar /mnt/app stratafs ro,nofail 0 0
  /srv/app.tar /mnt/work stratafs upper=/srv/changes,nofail 0 0
  app /mnt/dirs stratafs lowerdir=/srv/b:/srv/a,nofail 0 0

The same by hand:

  mount -t stratafs /srv/app.tar /mnt/app -o ro`,
  },
];

export const unmountHelperTopics: readonly Topic[] = [
  {
    title: 'EXIT STATUS',
    text: `
  0    unmounted
  1    the command line could not be understood
  32   it is busy, or nothing of FUSE is mounted there`,
  },
  {
    title: 'FILES',
    text: `
  /sbin/umount.fuse.stratafs   where umount(8) looks for it
  /sbin/umount.fuse            where it looks for it given no more than a path`,
  },
];

export const overlayTopics: readonly Topic[] = [
  {
    title: 'MOUNT OPTIONS',
    text: `
They are those of stratafs(1), where each is described, except that metacopy and redirect_dir are off unless they are
turned on, any upper directory is taken over any layers, and an option that is not known is told and ignored.`,
  },
  {
    title: 'EXIT STATUS',
    text: `
  0   mounted; the mount answers
  1   failed, with one message on standard error`,
  },
];
