// Serves the layers that no file holds as plain bytes, each as one file, for the kernel's EROFS driver.
//
// The mount is made in a directory that only root sees, and is detached as soon as EROFS holds the files: from then on no
// path leads to it. The kernel ends it, and with it this process's service, when the EROFS mount ends.
import { rmdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from '../erofs/mounts/run-directory.ts';
import { LayerFiles } from '../erofs/layer-files.ts';
import { mountDevFuse } from '../fuse/dev-fuse.ts';
import type { FuseMount } from '../fuse/driver.ts';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID } from '../sys/mount-calls.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';

const SOURCE = 'stratafs layers';

/** Layers that this process serves as files. */
export interface ServedLayers {
  readonly fuseMount: FuseMount;
  /** By reader, open for reading until `hide`. */
  readonly files: readonly FileHandle[];
  /** Detaches the mount, and closes `files`: what others have open goes on being served. May be called twice. */
  hide(): Promise<void>;
}

/** Resolves when the files are open; `readers` stay the caller's, and open until the mount is closed. */
export async function serveLayers(readers: readonly BlobReader[]): Promise<ServedLayers> {
  const directory = await makePrivateDirectory('layers');
  const files: FileHandle[] = [];
  let fuseMount: FuseMount | undefined;
  let isHidden = false;
  const hide = async (): Promise<void> => {
    if (isHidden) return;
    isHidden = true;
    for (const file of files) await file.close();
    await fuseMount?.detach({ lazy: true });
    rmdirSync(directory);
  };
  try {
    fuseMount = await mountDevFuse(new LayerFiles(readers), directory, {
      source: SOURCE,
      flags: MS_NOSUID | MS_NODEV | MS_NOEXEC,
      // Users of the EROFS mount read these files through it.
      allowOther: true,
    });
    for (let i = 0; i < readers.length; i++) files.push(await open(join(directory, String(i)), 'r'));
    return { fuseMount, files, hide };
  } catch (error) {
    await hide();
    throw error;
  }
}
