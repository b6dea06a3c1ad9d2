// Compiling where there is no network: node-gyp gets the headers that lie beside Node.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findHeaders } from '../../scripts/compile.js';
import { run } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'stratafs-compile-'))));
afterEach(() => rmSync(directory, { recursive: true }));

describe('findHeaders', () => {
  it('takes the headers of this major version of Node, and no other', () => {
    const [major = 0] = process.versions.node.split('.').map(Number);
    for (const [name, version] of [
      ['older', major - 1],
      ['same', major],
    ] as const) {
      mkdirSync(join(directory, name, 'include/node'), { recursive: true });
      writeFileSync(
        join(directory, name, 'include/node/node_version.h'),
        `#define NODE_MAJOR_VERSION ${version}\n`,
      );
    }
    const places = ['missing', 'older', 'same'].map((name) => join(directory, name));
    expect(findHeaders(places)).toBe(join(directory, 'same'));
    expect(findHeaders(places.slice(0, 2))).toBe(undefined);
  });
});

describeWith(['root', { program: 'unshare' }, { program: 'g++' }, { program: 'npm' }], 'compiling', () => {
  it('needs no network where headers lie beside Node', async ({ skip }) => {
    if (findHeaders() === undefined) skip('needs headers of Node beside it');
    // The launcher alone, which compiles in a second.
    const launcher = {
      target_name: 'stratafs-launch',
      type: 'executable',
      sources: ['native/launch/daemon_start.cc', 'native/launch/keeper.cc', 'native/launch/main.cc'],
      cflags_cc: ['-std=c++17'],
    };
    writeFileSync(join(directory, 'binding.gyp'), JSON.stringify({ targets: [launcher] }));
    writeFileSync(join(directory, 'package.json'), '{"name":"launcher"}');
    symlinkSync(join(REPOSITORY, 'native'), join(directory, 'native'));
    const script = `
      import { compile } from ${JSON.stringify(join(REPOSITORY, 'scripts/compile.js'))};
      compile({ directory: ${JSON.stringify(directory)} });`;
    const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, HOME: directory };
    const args = ['--net', process.execPath, '--input-type=module', '-e', script];
    const { status, stderr } = await run('unshare', args, { cwd: directory, env });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const usage = await run(join(directory, 'build/Release/stratafs-launch'), []);
    expect(usage).toMatchObject({ status: 2, stderr: 'usage: stratafs-launch PROGRAM ARGS...\n' });
  });
});
