// Runs the measurements, and prints them beside the rivals. bench/README.md says what each is.
//
// usage: npm run bench -- [MEASUREMENT...] [--rounds N] [--directory DIR] [--cli PROGRAM] [--json]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { measureMount, measureUnpacking } from './mount-times.ts';
import { measureMetadata } from './metadata.ts';
import { measureRead } from './read.ts';
import { measureLookup } from './lookup.ts';
import { measureMemory } from './memory.ts';
import { measureWrite } from './write.ts';
import { Bench } from './bench.ts';
import { buildLoad } from './load.ts';
import type { Row } from './measure.ts';
import { InterruptedError } from './processes.ts';
import { formatJson, formatTable } from './report.ts';

const measurements: Readonly<Record<string, (bench: Bench) => Promise<Row[]>>> = {
  mount: measureMount,
  metadata: measureMetadata,
  read: measureRead,
  lookup: measureLookup,
  memory: measureMemory,
  write: measureWrite,
  unpacking: measureUnpacking,
};

interface Arguments {
  readonly rounds: string;
  readonly directory: string;
  readonly cli: string;
  readonly json?: true;
}

const command = new Command('bench')
  .argument('[measurements...]', `which of ${Object.keys(measurements).join(', ')} (default: all)`)
  .option('--rounds <n>', 'samples of each contender', '5')
  .option('--directory <dir>', 'where make-big-image.sh put the images', '/var/tmp/stratafs-bench')
  .option(
    '--cli <program>',
    'the stratafs command to measure',
    fileURLToPath(new URL('../../bin/stratafs', import.meta.url)),
  )
  .option('--json', 'print JSON, every sample in it')
  .parse();

async function main(names: readonly string[], given: Arguments): Promise<void> {
  const unknown = names.find((name) => !(name in measurements));
  if (unknown !== undefined)
    throw new Error(`measurement '${unknown}': expected ${Object.keys(measurements).join(', ')}`);
  const rounds = Number(given.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds ${given.rounds}: expected 1 or more`);
  if (process.getuid?.() !== 0) throw new Error('only root can empty the caches, and mount overlayfs');
  if (!existsSync(given.cli)) throw new Error(`${given.cli}: not found; run npm run build`);
  if (!existsSync(join(given.directory, 'rootfs'))) {
    throw new Error(`${given.directory}/rootfs: not found; run bench/make-big-image.sh ${given.directory}`);
  }
  const bench = new Bench({ directory: given.directory, cli: given.cli, rounds });
  const interrupt = (): void => bench.processes.interrupt();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    await buildLoad(bench);
    const rows: Row[] = [];
    for (const [name, measure] of Object.entries(measurements)) {
      if (names.length > 0 && !names.includes(name)) continue;
      const measured = await measure(bench);
      rows.push(...measured);
      process.stderr.write(`\n${name}\n${formatTable(measured)}`);
    }
    process.stdout.write(given.json === true ? formatJson(rows) : `\n${formatTable(rows)}`);
  } finally {
    bench.close();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

try {
  await main(command.args, command.opts<Arguments>());
} catch (error) {
  if (error instanceof InterruptedError) process.exitCode = 130;
  else {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
