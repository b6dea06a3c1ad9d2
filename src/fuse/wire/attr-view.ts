// AttrView: what a reply shows of the attributes that depend on who looks. The encoders apply it to every inode's.
export interface AttrView {
  /** The user ID that is shown for a stored one; `showGroup` likewise. */
  showUser(id: number): number;
  showGroup(id: number): number;
  /** File type and permission bits. The type stays. */
  showMode(mode: number): number;
}

/** Everything as it is stored. */
export const attrsAsStored: AttrView = {
  showUser: (id) => id,
  showGroup: (id) => id,
  showMode: (mode) => mode,
};
