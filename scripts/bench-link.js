// Measures mounts of an image in a registry beyond a slow link: how long it takes from the mount command on an empty cache to
// the end of a workload, and how many bytes come over the link. docs/registries.md, "Measure".
//
//   node scripts/bench-link.js LAYOUT [--rtt 0,20,80] [--rate 400] [--rounds 5] [--workloads find,cat,run,read-all]
//                              [--file PATH] [--contender 'NAME=COMMAND'...] [--json FILE]
//
// LAYOUT: an OCI layout with one image (make-debian-image.sh makes one). COMMAND is a mount command without SOURCE and DIRECTORY;
// ratios are relative to the last contender. Without any: `lazy`, with an index that is trusted, and `whole`. Needs root, ip,
// docker-registry, and `npm run build:native`.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { LinkBed } from './link-bed.js';

const run = promisify(execFile);
const stratafs = join(import.meta.dirname, '../bin/stratafs');
/** Sizes of files that `cat` may take. */
const [SMALLEST, LARGEST] = [16 << 10, 256 << 10];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rtt: { type: 'string', default: '0,20,80' },
    rate: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '5' },
    workloads: { type: 'string', default: 'find,cat,run,read-all' },
    contender: {
      type: 'string',
      multiple: true,
      default: [`lazy=${stratafs} mount -o trust-index`, `whole=${stratafs} mount`],
    },
    file: { type: 'string' },
    json: { type: 'string' },
  },
});
const [layout] = positionals;
if (layout === undefined || positionals.length > 1) {
  console.error('usage: node scripts/bench-link.js LAYOUT [OPTION...]');
  process.exit(2);
}
const contenders = values.contender.map((text) => {
  const [name, command] = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)];
  return { name, command: command.split(' ') };
});

const place = mkdtempSync(join(tmpdir(), 'stratafs-link-'));
const mountPoint = join(place, 'mnt');
const bed = new LinkBed();
let isMounted = false;

async function unmount() {
  if (!isMounted) return;
  await run(stratafs, ['unmount', mountPoint]);
  isMounted = false;
}

/** Sends the image and its index to the registry. Returns the environment of programs that use it. */
async function fillRegistry() {
  const conf = join(place, 'registries.conf');
  writeFileSync(conf, `[[registry]]\nlocation = "${bed.host}"\ninsecure = true\n`);
  const environment = { CONTAINERS_REGISTRIES_CONF: conf, XDG_CACHE_HOME: join(place, 'cache') };
  const target = 'docker://127.0.0.1:5000/bench:1';
  await bed.run('far', [stratafs, 'push', `oci:${layout}`, target], environment);
  await bed.run('far', [stratafs, 'index', '--push', target], environment);
  return environment;
}

/** The commands that are run on the mounted image. */
async function chooseWorkloads(environment) {
  await run(stratafs, ['mount', `oci:${layout}`, mountPoint], { env: { ...process.env, ...environment } });
  isMounted = true;
  const find = ['-xdev', '-type', 'f', '-size', `+${SMALLEST - 1}c`, '-size', `-${LARGEST + 1}c`];
  const { stdout } = await run('find', [mountPoint, ...find], { maxBuffer: 64 << 20 });
  const files = stdout.split('\n').filter(Boolean).sort();
  const file = values.file === undefined ? files[files.length >> 1] : join(mountPoint, values.file);
  const bins = ['bin', 'sbin', 'usr/bin', 'usr/sbin']
    .map((name) => join(mountPoint, name))
    .filter(existsSync);
  const sizes = await run('find', [...bins, '-type', 'f', '-printf', '%s %p\n']);
  const [, largest] = /^\d+ (.*)/.exec(
    sizes.stdout.split('\n').sort((a, b) => parseInt(b) - parseInt(a))[0] ?? '',
  ) ?? [undefined, file];
  const hasPython = existsSync(join(mountPoint, 'usr/bin/python3'));
  await unmount();
  const all = {
    find: { shown: 'find -ls', command: `find ${mountPoint} -ls > /dev/null` },
    cat: { shown: `cat ${file.slice(mountPoint.length)}`, command: `cat ${file} > /dev/null` },
    run: hasPython
      ? { shown: 'python3 -c print', command: `chroot ${mountPoint} python3 -c 'print("hi")' > /dev/null` }
      : { shown: `cat ${largest.slice(mountPoint.length)}`, command: `cat ${largest} > /dev/null` },
    'read-all': { shown: 'tar -c', command: `tar -C ${mountPoint} -cf - . | cat > /dev/null` },
  };
  return values.workloads.split(',').map((name) => {
    const workload = all[name];
    if (workload === undefined)
      throw new Error(`found the workload ${name}, expected one of ${Object.keys(all)}`);
    return { name, ...workload };
  });
}

/** One mount on an empty cache, and what is run on it. */
async function measure({ command }, workload, environment) {
  rmSync(environment.XDG_CACHE_HOME, { recursive: true, force: true });
  const before = await bed.received();
  const started = performance.now();
  await bed.run('near', [...command, `docker://${bed.host}/bench:1`, mountPoint], environment);
  isMounted = true;
  const mounted = performance.now();
  await run('sh', ['-ec', workload.command]);
  const ended = performance.now();
  const after = await bed.received();
  await unmount();
  return {
    seconds: (ended - started) / 1000,
    mountSeconds: (mounted - started) / 1000,
    bytes: after.bytes - before.bytes,
    dropped: after.dropped - before.dropped,
  };
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** Lines of the table for one workload. */
function describe(roundTrip, workload, runs) {
  const baseline = runs.get(contenders.at(-1)).map(({ seconds }) => seconds);
  return contenders.map((contender) => {
    const own = runs.get(contender);
    const ratios = own.map(({ seconds }, round) => seconds / baseline[round]);
    const of = (column) => median(own.map((each) => each[column]));
    const range = `${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}`;
    return [
      `${roundTrip} ms`.padEnd(6),
      workload.name.padEnd(9),
      contender.name.padEnd(12),
      `${of('seconds').toFixed(2)} s`.padStart(9),
      `${of('mountSeconds').toFixed(2)} s`.padStart(9),
      `${(of('bytes') / 1e6).toFixed(2)} MB`.padStart(11),
      `${median(ratios).toFixed(2)} (${range})`.padStart(18),
    ].join(' ');
  });
}

const results = [];
try {
  mkdirSync(mountPoint);
  await bed.start(join(place, 'registry'));
  const environment = await fillRegistry();
  const workloads = await chooseWorkloads(environment);
  for (const { name, shown } of workloads) console.log(`${name}: ${shown}`);
  console.log(
    `RTT    WORKLOAD  CONTENDER         TIME  OF MOUNT      BYTES  TIME TO ${contenders.at(-1).name}`,
  );
  for (const roundTrip of values.rtt.split(',').map(Number)) {
    await bed.connect(roundTrip, Number(values.rate));
    for (const workload of workloads) {
      const runs = new Map(contenders.map((contender) => [contender, []]));
      for (let round = 0; round < Number(values.rounds); round++) {
        // Each has its turn at each place, so that other load of the machine affects all alike.
        const turn = round % contenders.length;
        for (const contender of [...contenders.slice(turn), ...contenders.slice(0, turn)]) {
          const measured = await measure(contender, workload, environment);
          runs.get(contender).push(measured);
          results.push({ roundTrip, workload: workload.name, contender: contender.name, round, ...measured });
        }
      }
      for (const line of describe(roundTrip, workload, runs)) console.log(line);
    }
  }
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results));
} finally {
  if (isMounted) await run(stratafs, ['unmount', '--force', mountPoint]).catch(() => {});
  await bed.stop();
  rmSync(place, { recursive: true, force: true });
}
