// Makes a synthetic layer of a million entries: 1,000 directories of 999 files of up to 20 bytes.
// usage: npm run bench:million -- [OUT-DIR]   (default: /var/tmp/stratafs-bench); makes OUT-DIR/million.tar, 1 GB
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TarWriter } from './tar-writer.ts';

export const millionEntries = 1_000_000;

/** The path of OUT-DIR/million.tar, which is made if it isn't there. */
export async function makeMillion(directory: string): Promise<string> {
  const path = join(directory, 'million.tar');
  if (existsSync(path)) return path;
  mkdirSync(directory, { recursive: true });
  const tar = new TarWriter(`${path}.part`);
  for (let d = 0; d < 1000; d++) {
    const parent = `dir${String(d).padStart(4, '0')}`;
    await tar.directory(parent);
    for (let f = 0; f < 999; f++) {
      await tar.file(`${parent}/file${String(f).padStart(6, '0')}.txt`, Buffer.from(`${d} ${f}\n`));
    }
  }
  await tar.close();
  renameSync(`${path}.part`, path);
  return path;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(await makeMillion(process.argv[2] ?? '/var/tmp/stratafs-bench'));
}
