// Descriptions of options that several commands have.

export const PLATFORM_ABOUT = "select a platform of a multi-platform image (default: this machine's)";
export const LAYER_ABOUT = 'use one layer only: its number, 1 for the base, or its digest';
export const UPTO_ABOUT = 'use the layers up to this one, a number or a digest';
export const NO_INDEX_CACHE_ABOUT = 'do not read or write cached layer indexes';
export const BYTES_ABOUT = 'print sizes in bytes';
export const JSON_ABOUT = 'print JSON';
export const NO_TRUNC_ABOUT = 'do not truncate output';
export const FORMAT_ABOUT = '"table", "table <template>", "json" or a template';

/** Of --socket. */
export const SOCKET_ABOUT = "the daemon's socket, in a directory of mode 0700";
/** Of --cache-size of a daemon. */
export const DAEMON_CACHE_ABOUT = 'memory for decompressed data of all mounts (default: 256M)';
