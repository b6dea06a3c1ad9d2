// The test bed of bench-link.js: a registry in one network namespace, programs in another, and a link between them
// (native/link). Needs root, ip and docker-registry.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const PORT = 5000;
const NEAR = '10.77.0.1';
const FAR = '10.77.0.2';
const MAX_OUTPUT = 64 << 20;

export class LinkBed {
  #near = `stratafs-near-${process.pid}`;
  #far = `stratafs-far-${process.pid}`;
  #registry;
  #link;
  #lines;

  /** The registry as programs beyond the link see it. */
  host = `${FAR}:${PORT}`;

  /** Starts the registry; its data are in `directory`. There is no link yet. */
  async start(directory) {
    for (const name of [this.#near, this.#far]) {
      await run('ip', ['netns', 'add', name]);
      await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
    mkdirSync(directory, { recursive: true });
    const config = join(directory, 'registry.yml');
    const storage = `{filesystem: {rootdirectory: ${join(directory, 'blobs')}}}`;
    writeFileSync(config, `version: 0.1\nstorage: ${storage}\nhttp: {addr: ":${PORT}"}\n`);
    this.#registry = spawn('nsenter', [this.#inFar(), 'docker-registry', 'serve', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    for await (const line of createInterface({ input: this.#registry.stderr })) {
      if (line.includes('listening on')) break;
    }
    this.#registry.stderr.resume();
  }

  /** A link of this round-trip time in milliseconds and rate in Mbit/s, in place of the one before. */
  async connect(roundTrip, rate) {
    await this.#disconnect();
    const spaces = [this.#near, this.#far].map((name) => `/run/netns/${name}`);
    const program = join(root, 'build/Release/stratafs-link');
    this.#link = spawn(program, [...spaces, String(roundTrip), String(rate)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#link.stdout })[Symbol.asyncIterator]();
    if ((await this.#lines.next()).value !== 'ready') throw new Error(`${program} does not start`);
    for (const [name, address] of [
      [this.#near, NEAR],
      [this.#far, FAR],
    ]) {
      await run('ip', ['-n', name, 'address', 'add', `${address}/24`, 'dev', 'link0']);
      await run('ip', ['-n', name, 'link', 'set', 'link0', 'mtu', '1500', 'txqueuelen', '2000', 'up']);
    }
  }

  /** Bytes that came from the registry since `connect`, and packets that were dropped. */
  async received() {
    this.#link.stdin.write('\n');
    const [, , bytes, dropped] = (await this.#lines.next()).value.split(' ').map(Number);
    return { bytes, dropped };
  }

  /** Runs a program beyond the link, or beside the registry. Returns what it writes to stdout. */
  async run(place, command, environment) {
    const space = place === 'near' ? `--net=/run/netns/${this.#near}` : this.#inFar();
    const env = { ...process.env, ...environment };
    return (await run('nsenter', [space, ...command], { env, maxBuffer: MAX_OUTPUT })).stdout;
  }

  async stop() {
    await this.#disconnect();
    if (this.#registry !== undefined && this.#registry.exitCode === null) {
      const exited = once(this.#registry, 'exit');
      this.#registry.kill();
      await exited;
    }
    for (const name of [this.#near, this.#far]) await run('ip', ['netns', 'delete', name]).catch(() => {});
  }

  #inFar() {
    return `--net=/run/netns/${this.#far}`;
  }

  async #disconnect() {
    if (this.#link === undefined) return;
    const exited = once(this.#link, 'exit');
    this.#link.stdin.end();
    await exited;
    this.#link = undefined;
  }
}
