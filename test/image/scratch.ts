// A directory of its own for a test, and archives to put there: members in any order, links, whatever is wanted wrong.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { onTestFinished } from 'vitest';

/** Content; a symlink's or a hard link's target. */
export type Member = string | Buffer | { symlink: string } | { link: string } | { directory: true };

/** In the order in which the tar will have them; a name may come twice. */
export type Members = readonly (readonly [name: string, content: Member])[];

export async function scratchDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'stratafs-image-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

export async function tarOf(members: Members): Promise<Buffer> {
  const tar = pack();
  const mtime = new Date(1_700_000_000_000);
  for (const [name, member] of members) {
    if (typeof member === 'string' || Buffer.isBuffer(member)) tar.entry({ name, mtime }, member);
    else if ('symlink' in member) tar.entry({ name, mtime, type: 'symlink', linkname: member.symlink });
    else if ('directory' in member) tar.entry({ name, mtime, type: 'directory' });
    else tar.entry({ name, mtime, type: 'link', linkname: member.link });
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Writes a tar to a scratch directory; its path. */
export async function tarFile(members: Members, name = 'image.tar'): Promise<string> {
  const path = join(await scratchDirectory(), name);
  await pipeline([await tarOf(members)], createWriteStream(path));
  return path;
}

/** Writes the members, none of them a link, to a scratch directory; its path. */
export async function directoryOf(members: Members): Promise<string> {
  const root = await scratchDirectory();
  for (const [name, member] of members) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), member as string | Buffer);
  }
  return root;
}

export function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
