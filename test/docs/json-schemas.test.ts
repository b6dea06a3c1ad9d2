// The output of --json is what docs/schema/ says, and docs/json.md describes all its fields.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/command-list.ts';
import { madeResult } from '../bench/made-result.ts';
import { type Workplace, fixture, withMounted, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { createValidator, readSchemas, withUnknownFields } from './json-schemas.ts';

const schemas = readSchemas();
const validate = createValidator(schemas);

/** Commands with another command's schema. */
const sharedSchemas: Readonly<Record<string, string>> = {
  commit: 'new-image',
  flatten: 'new-image',
  squash: 'new-image',
};

function expectValid(schema: string, value: unknown): void {
  expect({ schema, errors: validate(schema, value) }).toEqual({ schema, errors: [] });
}

/** Runs `command --json`, and returns what it printed. */
async function readOutput(place: Workplace, command: string, ...args: string[]): Promise<unknown> {
  const { stdout, stderr } = await place.stratafs([command, '--json', ...args]);
  expect({ command, args, stderr: stdout === '' ? stderr : '' }).toEqual({ command, args, stderr: '' });
  return JSON.parse(stdout);
}

async function expectValidOutput(place: Workplace, command: string, ...args: string[]): Promise<void> {
  const value = await readOutput(place, command, ...args);
  expectValid(sharedSchemas[command] ?? command, value);
}

/** All parts of a schema that are schemas of objects. */
function* objectSchemas(part: unknown): Generator<Record<string, unknown>, void> {
  if (typeof part !== 'object' || part === null) return;
  if ((part as Record<string, unknown>)['type'] === 'object') yield part as Record<string, unknown>;
  for (const each of Object.values(part)) yield* objectSchemas(each);
}

describe('docs/schema/', () => {
  it('has a schema for every command with --json', async () => {
    for (const [name, { load }] of commands) {
      if (!(await load())().syntax.options.some(({ long }) => long === '--json')) continue;
      expect([...schemas.keys()]).toContain(sharedSchemas[name] ?? name);
    }
  });

  it('has schemas that can be compiled', () => {
    for (const name of schemas.keys()) expect(() => validate(name, undefined)).not.toThrow();
  });

  it('leaves no object open to unknown fields', () => {
    for (const schema of schemas.values()) {
      for (const part of objectSchemas(schema)) {
        const isClosed = part['additionalProperties'] === false || part['propertyNames'] !== undefined;
        expect({ part, isClosed }).toEqual({ part, isClosed: true });
      }
    }
  });

  it('has only fields that docs/json.md or docs/bench.md describes', () => {
    const pages = ['json.md', 'bench.md'].map((name) =>
      readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8'),
    );
    const described = new Set(pages.join('').match(/(?<=`)\w+(?=`)/g));
    for (const [name, schema] of schemas) {
      for (const { properties = {} } of objectSchemas(schema)) {
        const missing = Object.keys(properties as object).filter((field) => !described.has(field));
        expect({ name, missing }).toEqual({ name, missing: [] });
      }
    }
  });
});

const sources = [
  `${fixture('expressweb-both.tar')}:extending-expressweb`,
  fixture('edge-cases.tar'),
  `oci:${fixture('forms/oci-zstd')}`,
  fixture('forms/skopeo-untagged.tar'),
];

describe('the output is valid', () => {
  it.each(sources)('of %s', (source) =>
    withWorkplace(async (place) => {
      for (const command of ['index', 'images', 'history', 'layers', 'waste'])
        await expectValidOutput(place, command, source);
      await expectValidOutput(place, 'waste', '--ci', source);
      const changes = (await readOutput(place, 'diff', `${source}#1`, source)) as { path: string }[];
      expectValid('diff', changes);
      await expectValidOutput(place, 'report', '--compare', `${source}#1`, source);
      const paths = changes.map(({ path }) => path).filter((path) => !path.includes('\\'));
      await expectValidOutput(place, 'which', source, '/', '/nope', ...paths);
      for (const selection of [[], ['--changed'], ['--layer', '1']])
        await expectValidOutput(place, 'tree', ...selection, source);
      await expectValidOutput(place, 'flatten', source, '-o', 'flat.tar');
    }),
  );

  it('of several images, some of which were not saved', () =>
    withWorkplace((place) =>
      expectValidOutput(place, 'images', '--all', fixture('platforms.tar'), fixture('expressweb-both.tar')),
    ));

  it('of pull and push', () => {
    const [digest, blob] = ['0', '1'].map((digit) => `sha256:${digit.repeat(64)}`);
    expectValid('pull', { id: digest, manifestDigest: digest });
    const blobs = ['there', 'mounted', 'sent'].map((result) => ({ digest: blob, size: 1, result }));
    expectValid('push', { name: 'registry.example/app:1', digest, blobs });
  });

  it('of bench', () => {
    const runs = { 1: { stratafs: [100, 110, 120], overlayfs: [50, 60, 70] }, 8: { stratafs: [90, 95, 99] } };
    expectValid('bench', JSON.parse(JSON.stringify(madeResult({ 'stat-cold': runs }))));
  });
});

describeWith(['fuse'], 'the output is valid of a mount', () => {
  const source = sources[0] as string;

  it('that is only read', () =>
    withMounted(source, async (place) => {
      await expectValidOutput(place, 'ls');
      await expectValidOutput(place, 'ps', '-s');
      await expectValidOutput(place, 'stats', place.mountpoint);
    }));

  it('whose layers are directories', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('layer'));
      writeFileSync(place.path('layer/a'), 'a');
      await expectValidOutput(place, 'index', '--lowerdir', 'layer');
      const { status } = await place.stratafs(['mount', '-o', 'lowerdir=layer', place.mountpoint]);
      expect(status).toBe(0);
      for (const command of ['layers', 'images', 'history', 'waste'])
        await expectValidOutput(place, command, place.mountpoint);
      for (const command of ['ls', 'ps']) await expectValidOutput(place, command);
      await place.unmount();
    }));

  it('that was written to', () =>
    withMounted(
      source,
      async (place) => {
        renameSync(`${place.mountpoint}/usr/src/app/server.js`, `${place.mountpoint}/moved.js`);
        writeFileSync(`${place.mountpoint}/etc/hostname`, 'name\n');
        await expectValidOutput(place, 'ls');
        await expectValidOutput(place, 'ps', '-s');
        await expectValidOutput(place, 'stats', place.mountpoint);
        await expectValidOutput(place, 'diff', place.mountpoint);
        await expectValidOutput(
          place,
          'which',
          place.mountpoint,
          '/moved.js',
          '/usr/src/app/server.js',
          '/etc',
        );
        await expectValidOutput(place, 'commit', place.mountpoint, '-o', 'new.tar');
        await expectValidOutput(place, 'squash', '--from', '2', 'new.tar', '-o', 'squashed.tar');
      },
      '--tmp',
    ));
});

it('an unknown field in any object of an output is rejected', () =>
  withWorkplace(async (place) => {
    const source = sources[0] as string;
    const outputs: readonly (readonly [string, unknown])[] = [
      ['index', await readOutput(place, 'index', source)],
      ['images', await readOutput(place, 'images', source)],
      ['history', await readOutput(place, 'history', source)],
      ['layers', await readOutput(place, 'layers', source)],
      ['which', await readOutput(place, 'which', source, '/usr/src/app/server.js')],
      ['waste', await readOutput(place, 'waste', '--ci', source)],
      ['diff', await readOutput(place, 'diff', `${source}#5`)],
      ['new-image', await readOutput(place, 'flatten', source, '-o', 'flat.tar')],
      ['bench', JSON.parse(JSON.stringify(madeResult({ 'stat-cold': { 1: { overlayfs: [50, 60] } } })))],
    ];
    for (const [schema, output] of outputs) {
      expectValid(schema, output);
      const changed = [...withUnknownFields(output)];
      expect(changed.length).toBeGreaterThan(0);
      for (const value of changed)
        expect(validate(schema, value)).toContainEqual(expect.stringMatching(/unknownField/));
    }
  }));
