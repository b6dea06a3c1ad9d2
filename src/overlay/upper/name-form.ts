// NameForm: the names and xattrs of an upper that hide names of the layers, in addition to the whiteouts and marks of kernel
// overlayfs. There are two, of which one is chosen when the upper is opened: kernelNames and aufsNames (aufs-form.ts).

export interface NameForm {
  /** True for a name that is hidden, and that users can't create. */
  isReserved(name: Uint8Array): boolean;

  /** True if the directory `name` of `dir` hides the names of the layers by a reserved name, or by fuse-overlayfs's xattr. */
  isOpaque(dir: number, name: Uint8Array): boolean;

  /** The path (latin1, from the root of the layers) of the lower file that a file is a copy of; undefined without such an xattr. */
  readOrigin(dir: number, name: Uint8Array): string | undefined;
}

/** The form of kernel overlayfs: a name `.wh.x` has no special meaning. */
export const kernelNames: NameForm = {
  isReserved: () => false,
  isOpaque: () => false,
  readOrigin: () => undefined,
};
