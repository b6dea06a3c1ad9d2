// stratafs-link between two network namespaces: it carries TCP, and counts what it carries.
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';

const program = fileURLToPath(new URL('../../build/Release/stratafs-link', import.meta.url));
const spaces = ['near', 'far'].map((name) => `stratafs-test-${name}-${process.pid}`);
const children: ChildProcessWithoutNullStreams[] = [];

const ip = (...command: string[]): Buffer => execFileSync('ip', command);

function start(command: string, ...rest: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(command, rest);
  children.push(child);
  return child;
}

const startIn = (space: string, script: string): ChildProcessWithoutNullStreams =>
  start('nsenter', `--net=/run/netns/${space}`, process.execPath, '-e', script);

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
});

describeWith(['root', { program: 'ip' }, { program: 'nsenter' }], 'stratafs-link', () => {
  it('carries a connection and counts its bytes', async () => {
    const [near = '', far = ''] = spaces;
    try {
      for (const space of spaces) ip('netns', 'add', space);
      const link = start(program, `/run/netns/${near}`, `/run/netns/${far}`, '5', '1000');
      const lines = createInterface({ input: link.stdout })[Symbol.asyncIterator]();
      expect((await lines.next()).value).toBe('ready');
      for (const [space, address] of [
        [near, '10.77.1.1/24'],
        [far, '10.77.1.2/24'],
      ] as const) {
        ip('-n', space, 'address', 'add', address, 'dev', 'link0');
        ip('-n', space, 'link', 'set', 'link0', 'up');
      }
      const server = startIn(
        far,
        `require('net').createServer((socket) => socket.end(Buffer.alloc(300000)))
           .listen(7777, '10.77.1.2', () => console.log('ready'))`,
      );
      await once(server.stdout, 'data');
      const client = startIn(
        near,
        `let size = 0;
         require('net').connect(7777, '10.77.1.2').on('data', (bytes) => (size += bytes.length))
           .on('end', () => console.log(size))`,
      );
      expect(String((await once(client.stdout, 'data'))[0]).trim()).toBe('300000');
      link.stdin.write('\n');
      const [there = 0, , back = 0] = String((await lines.next()).value)
        .split(' ')
        .map(Number);
      expect(back).toBeGreaterThan(300_000);
      expect(back).toBeLessThan(400_000);
      expect(there).toBeLessThan(50_000);
      const ended = once(link, 'exit');
      link.stdin.end();
      expect(await ended).toEqual([0, null]);
    } finally {
      for (const space of spaces) ip('netns', 'delete', space);
    }
  });

  it('refuses other arguments', async () => {
    const link = start(program, 'a', 'b', '5');
    expect(await once(link, 'exit')).toEqual([2, null]);
  });
});
