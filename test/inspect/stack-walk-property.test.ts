// What the walk says of every name at every layer of random stacks equals what a naive extractor has after that layer.
// STRATAFS_SEED=n begins with another seed; a failure names the one to repeat.
import { expect, test } from 'vitest';
import { pathOf, type Shown } from '../../src/inspect/name-trace.ts';
import { LayerStack } from '../../src/inspect/stack-walk.ts';
import { S_IFDIR, S_IFMT } from '../../src/vfs/attr.ts';
import { makeLayer } from '../tree/layer-maker.ts';
import { NaiveExtractor } from '../tree/naive-extractor.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';

const STACKS = 400;
const firstSeed = Number(process.env['STRATAFS_SEED'] ?? 1);

/** A file by its layer and mode, a directory by its mode. */
type State = Map<string, string>;

/** After each layer. */
function extract(roots: ReturnType<typeof randomStack>['roots']): State[] {
  const extractor = new NaiveExtractor();
  return roots.map((root) => {
    extractor.apply(root);
    return new Map(
      [...extractor.inodes].map(([path, { spec, layer }]) => [
        path,
        (spec.mode & S_IFMT) === S_IFDIR ? `directory ${spec.mode}` : `file ${layer} ${spec.mode}`,
      ]),
    );
  });
}

test(`${STACKS} random stacks change layer by layer as a naive extractor unpacks them`, () => {
  const seen = { deleted: 0, opaque: 0, whiteout: 0, replaced: 0, entry: 0 };
  for (let seed = firstSeed; seed < firstSeed + STACKS; seed++) {
    const { roots } = randomStack(new Random(seed));
    const indexes = roots.map(makeLayer);
    const describe = ({ layer, inode, isDirectory }: Shown): string => {
      const mode = indexes[layer]?.mode[inode] ?? 0;
      return isDirectory ? `directory ${mode}` : `file ${layer} ${mode}`;
    };
    const states: State[] = roots.map(() => new Map<string, string>());
    const stack = new LayerStack(indexes, (layer) => `layer ${layer}`);
    const tell = (
      path: string,
      trace: { changes: LayerStack['root']['changes']; shown: Shown | undefined },
    ): void => {
      trace.changes.forEach((change, i) => {
        const last = trace.changes[i + 1]?.layer ?? roots.length;
        expect(last, 'one change a layer').toBeGreaterThan(change.layer);
        expect(change.before).toBe(trace.changes[i - 1]?.after);
        seen[change.cause]++;
        if (change.after === undefined) {
          seen.deleted++;
          expect(change.cause).not.toBe('entry');
          return;
        }
        for (let layer = change.layer; layer < last; layer++)
          states[layer]?.set(path, describe(change.after));
      });
      expect(trace.shown).toBe(trace.changes.at(-1)?.after);
    };
    tell('', stack.root);
    stack.walk((directory, trace) => tell(pathOf(directory, trace.name), trace));
    expect(states, `STRATAFS_SEED=${seed}`).toEqual(extract(roots));
  }
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(STACKS / 10);
});

test('a name alone is traced as in the walk', () => {
  for (let seed = firstSeed; seed < firstSeed + 50; seed++) {
    const stack = new LayerStack(randomStack(new Random(seed)).roots.map(makeLayer), String);
    stack.walk((directory, trace) => {
      const alone = stack.trace(directory, trace.name);
      expect(alone?.changes.map(({ layer, cause }) => [layer, cause])).toEqual(
        trace.changes.map(({ layer, cause }) => [layer, cause]),
      );
    });
    expect(stack.trace(stack.root.node, 'not there')).toBeUndefined();
  }
});
