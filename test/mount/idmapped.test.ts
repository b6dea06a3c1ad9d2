// Idmapped mounts (Linux 6.12 for FUSE) beside the kernel's own: an idmapped mount of a tmpfs that holds the same files.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { type Workplace, run, withWorkplace } from './stratafs.ts';

const script = fileURLToPath(new URL('idmap.py', import.meta.url));
/** Both sides in a mount namespace of its own: $S mounts the layer, and the same files lie on a tmpfs. */
const both = `
  mount -t tmpfs none "$PWD/plain" && mount -t tmpfs none "$PWD/scratch" && mkdir scratch/ours scratch/plain
  tar -x -p -f layer.tar -C plain && chmod 755 plain
  [ "$3" = rw ] || mount -o remount,ro plain
  "$1" mount $4 -o lowerdir=layer.tar mnt
  python3 "$2" plain idmapped-plain scratch/plain "$3" >plain.txt 2>&1
  python3 "$2" mnt idmapped scratch/ours "$3" >ours.txt 2>&1
  umount scratch/*/merged idmapped; "$1" unmount mnt
  cat plain.txt; echo ==; cat ours.txt`;

async function compare(place: Workplace, access: 'ro' | 'rw', ...options: string[]): Promise<string[]> {
  for (const name of ['plain', 'idmapped', 'idmapped-plain', 'scratch', 'layer']) mkdirSync(place.path(name));
  chmodSync(place.directory, 0o755);
  const layer = `cd layer && echo root >root && echo user >user && mkdir -m 1777 open && chown 1000:1000 user && chmod 755 . &&
    tar -c -f ../layer.tar --format=pax .`;
  execFileSync('sh', ['-ec', layer], { cwd: place.directory });
  const program = fileURLToPath(new URL('../../bin/stratafs', import.meta.url));
  const args = [...OWN_NAMESPACE, 'sh', '-c', both, 'sh', program, script, access, options.join(' ')];
  const outcome = await run('unshare', args, { cwd: place.directory, env: place.environment });
  expect(outcome.stderr).toBe('');
  return outcome.stdout.split('==\n');
}

describeWith(
  ['fuse', 'root', { kernel: '6.12' }, ...['python3', 'unshare', 'tar'].map((program) => ({ program }))],
  'an idmapped mount',
  () => {
    it('of a read-only mount shows mapped owners, and kernel overlayfs takes it', () =>
      withWorkplace(async (place) => {
        const [plain, ours] = await compare(place, 'ro');
        expect(plain).toContain('shown user 100644 101000 101000\n');
        expect(plain).toContain('101000 write through overlayfs ok\n');
        expect(ours).toBe(plain);
      }));

    it('of a writable mount checks and stores owners as a tmpfs does', () =>
      withWorkplace(async (place) => {
        const [plain, ours] = await compare(place, 'rw', '--tmp');
        expect(plain).toContain('stored open/file ');
        expect(ours).toBe(plain);
      }));
  },
);
