// A mark that everybody can read, on the root of an upper whose other marks are in `trusted.`, which root alone can see.
//
// Without those marks removed files come back, renamed directories are empty, and copies of metadata read as zeros. So a mount
// that can't see them refuses the upper. It does nothing else: nothing is gained by setting it.
export const HAS_TRUSTED_MARKS = 'user.overlay.stratafs.trusted';
