// A test that runs a program on the files of an image: the mount lasts as long as the test, and what is written to it is
// thrown away. The test process serves the mount, so a child process touches it, never the test itself.
//
//   node --test examples/serve-in-test.js
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { mount } from 'stratafs';

const run = promisify(execFile);
/** @type {import('stratafs').Mount} */
let mounted;
/** @type {string} */
let directory;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'example-'));
  mounted = await mount('fixtures/expressweb.tar', directory, { upper: { isThrowAway: true } });
});

after(async () => {
  await mounted.close();
  await rmdir(directory);
});

test('the image holds the application', async () => {
  const { stdout } = await run('cat', [join(directory, 'usr/src/app/package.json')]);
  assert.equal(JSON.parse(stdout).name, 'expressweb');
});

test('a program may write to it', async () => {
  const file = join(directory, 'usr/src/app/written');
  await run('sh', ['-c', 'echo hello > "$1"; test -s "$1"', 'sh', file]);
});
