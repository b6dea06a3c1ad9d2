// Standard streams that take no more: /dev/full stands for a file on a full disk. GNU tools show what to do.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { COMMAND, fixture, run, withWorkplace } from '../../mount/stratafs.ts';

const image = fixture('expressweb.tar');
const programPath = (name: string): string => join(dirname(COMMAND), `${name}.cjs`);

it.each([
  ['tree', image],
  ['tree', '--json', image],
  ['inspect', image],
  ['history', image],
  ['cat', image, '/usr/src/app/package.json'],
  ['cp', `${image}:/usr/src/app/package.json`, '-'],
  ['report', '-o', '-', image],
  ['--help'],
])('%s reports in one line that standard output is full', (...args) =>
  withWorkplace(async (place) => {
    const shell = (script: string) =>
      run('bash', ['-c', script, process.execPath, COMMAND, ...args], {
        cwd: place.directory,
        env: place.environment,
      });
    const stratafs = await shell('"$0" "$@" > /dev/full');
    const gnu = await shell('echo text | cat > /dev/full');
    expect(stratafs.stderr).toBe('stratafs: standard output: no space left on the device (ENOSPC)\n');
    expect(gnu.stderr).toMatch(/^cat: .*\n$/);
    expect(stratafs.status).toBe(gnu.status);
  }),
);

it.each([
  ['overlay-main', 1],
  ['mount-helper-main', 32],
] as const)('%s says so in one line, too', (program, status) =>
  withWorkplace(async (place) => {
    const result = await run(
      'bash',
      ['-c', '"$0" "$1" --help > /dev/full', process.execPath, programPath(program)],
      {
        cwd: place.directory,
        env: place.environment,
      },
    );
    expect(result).toMatchObject({
      status,
      stderr: 'stratafs: standard output: no space left on the device (ENOSPC)\n',
    });
  }),
);

it('a reader that has gone does not change the status of the result', () =>
  withWorkplace(async (place) => {
    const script = 'exec 3> >(true); wait $!; "$0" "$1" which "$2" /etc/passwd /none >&3';
    const { status } = await run('bash', ['-c', script, process.execPath, COMMAND, image], {
      cwd: place.directory,
      env: place.environment,
    });
    expect(status).toBe((await place.stratafs(['which', image, '/etc/passwd', '/none'])).status);
    expect(status).toBe(1);
  }));

it('cp continues after a warning that cannot be written', () =>
  withWorkplace(async (place) => {
    for (const name of ['names/a', 'gnu', 'ours']) mkdirSync(place.path(name), { recursive: true });
    for (const name of ['names/a/1', 'names/b', 'gnu/a', 'ours/a']) writeFileSync(place.path(name), name);
    const shell = (script: string) =>
      run('bash', ['-c', script, process.execPath, COMMAND], {
        cwd: place.directory,
        env: place.environment,
      });
    const gnu = await shell('cp -r names/. gnu 2> /dev/full');
    const ours = await shell('tar -cf a.tar -C names . && "$0" "$1" cp a.tar:/. ours 2> /dev/full');
    expect(readdirSync(place.path('ours'))).toEqual(readdirSync(place.path('gnu')));
    expect(ours.status).toBe(gnu.status);
    expect(readdirSync(place.path('ours'))).toContain('b');
  }));
