import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { askXattr, openProcess, peerOf, waitForExit } from '../../src/sys/process-calls.ts';
import { EBADF, ENODATA, ENOENT, EOPNOTSUPP, ETIMEDOUT } from '../../src/vfs/errno.ts';

it('waits until a process that is not a child ends, or until the timeout', async () => {
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  const process = openProcess(child.pid as number);
  expect(process).toBeGreaterThan(0);
  try {
    expect(await waitForExit(process, 1)).toBe(-ETIMEDOUT);
    const exit = waitForExit(process, 300_000);
    child.stdin.end();
    expect(await exit).toBe(0);
  } finally {
    child.kill();
    closeSync(process);
  }
});

it('answers a negative errno for a process that does not exist', () => {
  // PID_MAX_LIMIT is 2^22 (linux/threads.h).
  expect(openProcess(2 ** 22 + 1)).toBeLessThan(0);
});

it('answers a negative errno for an xattr that is not there', async () => {
  expect(await askXattr('/no/such/file', 'user.x')).toBe(-ENOENT);
  expect([-ENODATA, -EOPNOTSUPP]).toContain(
    await askXattr(fileURLToPath(import.meta.url), 'user.stratafs.x'),
  );
});

const runNode = (script: string): string => {
  const module = new URL('../../dist/sys/process-calls.js', import.meta.url).href;
  const code = `import { exitNow, silence } from ${JSON.stringify(module)};\n${script}`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 300_000,
  });
};

it('exitNow leaves although a pool thread is stuck', () => {
  const script = `
    import { open } from 'node:fs';
    import { execFileSync } from 'node:child_process';
    import { mkdtempSync, rmSync } from 'node:fs';
    const directory = mkdtempSync('/tmp/stratafs-fifo-');
    execFileSync('mkfifo', [directory + '/fifo']);
    open(directory + '/fifo', 'r', () => undefined);
    open('/dev/null', 'r', () => { rmSync(directory, { recursive: true }); process.stdout.write('left', () => exitNow(0)); });`;
  expect(runNode(script)).toBe('left');
});

it('silence makes a standard stream /dev/null', () => {
  const script = `
    import { writeSync } from 'node:fs';
    writeSync(1, 'before'); silence(1); writeSync(1, 'after');`;
  expect(runNode(script)).toBe('before');
});

it('the peer of a socket is the process that connected, and its user', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'stratafs-peer-'));
  const server = createServer().listen(join(directory, 'socket'));
  try {
    await once(server, 'listening');
    const client = connect(join(directory, 'socket'));
    const [accepted] = (await once(server, 'connection')) as [Socket];
    const { fd } = (accepted as unknown as { _handle: { fd: number } })._handle;
    expect(peerOf(fd)).toEqual([process.pid, process.geteuid?.()]);
    client.destroy();
    accepted.destroy();
    expect(peerOf(1 << 20)).toBe(-EBADF);
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});
