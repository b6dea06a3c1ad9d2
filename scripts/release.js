// Prepares a release: builds the prebuilt files and the npm package, installs the package into empty prefixes, with and
// without install scripts, and runs the demo with each. It does not publish.
//
// usage: npm run release -- [--dry-run]
// With --dry-run the package is deleted at the end. Otherwise it stays in the current directory, and the commands that tag
// and publish it are printed. Needs /dev/fuse, root or fusermount3, and the registry for the package's dependencies.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeFiles, prebuild } from './prebuild.js';

const root = join(import.meta.dirname, '..');
// `npm run release --dry-run`, without the two dashes, is npm's own option.
const isDryRun = process.argv.includes('--dry-run') || process.env.npm_config_dry_run === 'true';
const environment = { ...process.env };
delete environment.npm_config_dry_run;

/** npm 11 warns about install scripts that are not allowed by name; older versions ignore the option. */
const ALLOW = '--allow-scripts=stratafs';
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

function step(title, run) {
  const start = performance.now();
  console.log(`> ${title}`);
  const result = run();
  console.log(`  ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

function run(program, args, options = {}) {
  const { status, stdout, error } = spawnSync(program, args, {
    ...{ cwd: root, env: environment, encoding: 'utf8', maxBuffer: 1 << 26 },
    ...{ stdio: ['ignore', 'pipe', 'inherit'] },
    ...options,
  });
  if (error !== undefined) throw error;
  if (status === 0) return stdout;
  process.stdout.write(stdout);
  throw new Error(`${program} ${args.join(' ')}: ended with status ${status}`);
}

/** The reasons not to publish this version; a dry run reports them and goes on. */
function findObstacles() {
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const heading = new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d{2}-\\d{2}$`, 'm');
  const changed = execFileSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' }).trim();
  return [
    ...(heading.test(changelog) ? [] : [`CHANGELOG.md has no dated section of ${version}`]),
    ...(changed === '' ? [] : [`files are not committed:\n${changed}`]),
  ];
}

function kilobytes(bytes) {
  return `${Math.round(bytes / 1000)} kB`;
}

/** Installs the package globally into a new prefix and runs the demo with it. */
function tryInstall(tarball, prefix, options) {
  mkdirSync(prefix);
  run('npm', ['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', ...options, tarball]);
  const installed = join(prefix, 'lib/node_modules/stratafs');
  if (existsSync(join(installed, 'build/Release'))) throw new Error(`${installed}: native code was compiled`);
  const ran = existsSync(join(installed, 'build/node'));
  if (ran !== options.includes(ALLOW))
    throw new Error(`${installed}: install scripts ${ran ? 'ran' : 'did not run'}`);
  const program = join(prefix, 'bin/stratafs');
  run(program, ['version']);
  run('sh', [join(root, 'docs/demo.sh')], { env: { ...environment, STRATAFS: program } });
}

const obstacles = findObstacles();
for (const each of obstacles) console.error(`release: ${each}`);
if (obstacles.length > 0 && !isDryRun) process.exit(1);

const workplace = mkdtempSync(join(tmpdir(), 'stratafs-release-'));
try {
  for (const arch of ['x64', 'arm64']) {
    const place = step(`prebuild linux-${arch}: ${nativeFiles.join(', ')}`, () => prebuild(arch));
    if (place !== undefined) continue;
    console.error(`release: there is no compiler for linux-${arch}: scripts/prebuild.js names it`);
    if (!isDryRun) process.exit(1);
  }
  const destination = isDryRun ? workplace : process.cwd();
  const [packed] = step('npm pack', () => {
    const output = run('npm', ['pack', '--json', '--pack-destination', destination]);
    // The output of the scripts that npm runs comes first.
    return JSON.parse(output.slice(output.search(/^\[/m)));
  });
  const { filename, size, unpackedSize, entryCount } = packed;
  console.log(`  ${filename}: ${kilobytes(size)}, unpacked ${kilobytes(unpackedSize)}, ${entryCount} files`);
  const tarball = join(destination, filename);
  step('install and demo', () => tryInstall(tarball, join(workplace, 'with-scripts'), [ALLOW]));
  step('install --ignore-scripts and demo', () =>
    tryInstall(tarball, join(workplace, 'without-scripts'), ['--ignore-scripts']),
  );
  if (!isDryRun) {
    console.log(`\n${tarball} is ready. To publish it:`);
    console.log(`  git tag v${version} && git push --tags\n  npm publish ${filename}`);
  }
} finally {
  rmSync(workplace, { recursive: true });
}
