// NameForm: which names and xattrs of an upper hide names of the layers, beside the whiteouts and marks of kernel overlayfs.
// The upper has one of two, chosen when it is opened: kernelNames, or aufsNames (aufs-form.ts).

export interface NameForm {
  /** True for a name that never shows, and that no user can make. */
  isReserved(name: Uint8Array): boolean;

  /** True if the directory `name` of `dir` hides the names of the layers by a reserved name, or by fuse-overlayfs's xattr. */
  isOpaque(dir: number, name: Uint8Array): boolean;

  /** The path from the root of the layers that a file is a copy of, latin1; undefined if it has no such xattr. */
  readOrigin(dir: number, name: Uint8Array): string | undefined;
}

/** The form of kernel overlayfs: a file called `.wh.x` is an ordinary file. */
export const kernelNames: NameForm = {
  isReserved: () => false,
  isOpaque: () => false,
  readOrigin: () => undefined,
};
