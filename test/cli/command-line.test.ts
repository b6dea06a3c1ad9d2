// The whole command: help, versions, exit statuses, and the streams of its output.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { COMMAND, type Outcome, run } from '../mount/stratafs.ts';

const stratafs = (...args: string[]): Promise<Outcome> =>
  run(process.execPath, [COMMAND, ...args], { env: { ...process.env, DEBUG: '' } });

it('without a command prints help to stderr and exits with 2', async () => {
  const { status, stdout, stderr } = await stratafs();
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^Usage: stratafs <command>/);
});

it.each([[['--help']], [['-h']], [['help']]])('%j prints help to stdout and exits with 0', async (args) => {
  const { status, stdout, stderr } = await stratafs(...args);
  expect(status).toBe(0);
  expect(stderr).toBe('');
  for (const command of ['mount', 'unmount', 'ls', 'index', 'stats']) {
    expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  }
  expect(stdout).toContain('Examples:');
});

it.each(['mount', 'unmount', 'ls', 'index', 'stats'])('%s has help with examples', async (command) => {
  const { status, stdout } = await stratafs(command, '--help');
  expect(status).toBe(0);
  expect(stdout).toMatch(new RegExp(`^Usage: stratafs ${command} `));
  expect(stdout).toMatch(/^Examples:\n {2}stratafs /m);
  expect((await stratafs('help', command)).stdout).toBe(stdout);
});

it('--version prints the version of package.json', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await stratafs('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});

it.each([
  [['mont'], "unknown command 'mont' (did you mean 'mount'?)"],
  [['umount'], 'unmount: missing argument: MOUNTPOINT or --all'],
  [['unmount', '--all', 'a'], 'unmount: found --all and a mount point, expected only one of them'],
  [['version', 'a'], /too many arguments for 'version'/],
  [['quite-else'], "unknown command 'quite-else'"],
  [['ls', '--jsom'], "unknown option '--jsom' (Did you mean --json?)"],
  [['--jsom'], "unknown option '--jsom'"],
  [['stats'], "missing required argument 'mountpoint'"],
  [['mount'], 'mount: missing arguments: SOURCE and MOUNTPOINT'],
  [['index'], 'index: missing argument: SOURCE or --lowerdir'],
] as const)('%j is one line on stderr and exit status 2', async (args, line) => {
  const { status, stdout, stderr } = await stratafs(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  if (typeof line === 'string') expect(stderr).toBe(`stratafs: ${line}\n`);
  else expect(stderr).toMatch(line);
});

it('a failure is one line and exit status 1; the stack comes with DEBUG', async () => {
  expect(await stratafs('unmount', '/no/such/place')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'stratafs: mount point /no/such/place: there is no such directory (make it first)\n',
  });
  const { stderr } = await run(process.execPath, [COMMAND, 'unmount', '/no/such/place'], {
    env: { ...process.env, DEBUG: 'stratafs:*' },
  });
  expect(stderr).toMatch(/\n {4}at .*\.cjs:\d+/);
});

it('a reader that closes the pipe early causes no failure', async () => {
  const script = 'trap "" PIPE; "$1" "$2" --help | :; "$1" "$2" ls | :';
  const { stderr } = await run('sh', ['-c', script, 'sh', process.execPath, COMMAND]);
  expect(stderr).toBe('');
});

it.each([
  ['/no/image.tar', 'ro,dev,suid', 'mount point /no/place: there is no such directory (make it first)'],
  ['layers', 'rw,lowerdir=/no/a,dev,suid', "/no/a: can't open: ENOENT"],
  ['export', 'lowerdir=/no/a', "/no/a: can't open: ENOENT"],
])('the call of mount.fuse3 for a line of fstab is a mount: %s DIR -o %s', async (source, list, message) => {
  const { status, stdout, stderr } = await stratafs(source, '/no/place', '-o', list);
  expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: `stratafs: ${message}\n` });
});

it("without lowerdir=, -o is the command's own option", async () => {
  const { status, stderr } = await stratafs('layers', '/no/place', '-o', 'ro');
  expect(status).toBe(2);
  expect(stderr).toMatch(/^stratafs: unknown option '-o'/);
});
