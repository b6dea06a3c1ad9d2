// What SOURCE may look like means the same in every command that takes one.
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SampleLayout, sampleLayer } from '../image/sample-images.ts';
import { tarOf } from '../image/scratch.ts';
import { describeWith } from '../requirements.ts';
import { type Outcome, type Workplace, withWorkplace } from './stratafs.ts';

/** Each command with a SOURCE in its place. */
const commands: readonly (readonly [name: string, args: (source: string) => string[]])[] = [
  ['mount', (source) => ['mount', source, 'mnt']],
  ['index', (source) => ['index', '--json', source]],
  ['images', (source) => ['images', '--json', source]],
  ['history', (source) => ['history', '--json', source]],
  ['layers', (source) => ['layers', '--json', source]],
  ['which', (source) => ['which', source, '/file']],
  ['waste', (source) => ['waste', source]],
  ['report', (source) => ['report', '-o', '-', source]],
  ['cat', (source) => ['cat', source, '/file']],
  ['export', (source) => ['export', '-o', 'out.tar', source]],
  ['flatten', (source) => ['flatten', source, '-o', 'flat.tar']],
  ['squash', (source) => ['squash', '--from', '1', source, '-o', 'squashed.tar']],
  ['diff', (source) => ['diff', source, source]],
];

/** both.tar: two images, app:1 and app:2, whose /file says which. */
async function writeImages(place: Workplace): Promise<string> {
  const layout = new SampleLayout();
  const [one, two] = [await sampleLayer('one'), await sampleLayer('two')];
  const second = layout.image([one, two], { comment: '2' });
  layout.add(layout.image([one], { comment: '1' }), 'app:1').add(second, 'app:2');
  writeFileSync(place.path('both.tar'), await tarOf(layout.members()));
  return second.digest;
}

async function call(place: Workplace, args: readonly string[]): Promise<Outcome> {
  const outcome = await place.stratafs(args);
  if (outcome.status === 0 && args[0] === 'mount') await place.unmount();
  return outcome;
}

describeWith(['fuse', 'root'], 'a source of every command', () => {
  it.each(commands)('%s takes PATH@N, PATH:@N, PATH:NAME and PATH@DIGEST', (name, args) =>
    withWorkplace(async (place) => {
      const digest = await writeImages(place);
      const forms = [
        'both.tar@1',
        'both.tar:@1',
        'oci-archive:both.tar:@1',
        'both.tar:app:2',
        `both.tar@${digest}`,
      ];
      for (const [i, form] of forms.entries()) {
        const unique = args(form).map((arg) => arg.replace(/^(flat|squashed)(?=\.tar)/, `$1${i}`));
        const { status, stdout, stderr } = await call(place, unique);
        expect({ status, stderr }, form).toEqual({ status: 0, stderr: '' });
        if (name === 'cat') expect(stdout).toBe('two');
        if (name === 'layers') expect(JSON.parse(stdout)).toHaveLength(2);
      }
    }),
  );

  it.each(commands)('%s of several images lists them, or takes all', (name, args) =>
    withWorkplace(async (place) => {
      await writeImages(place);
      const { status, stdout, stderr } = await call(place, args('both.tar'));
      if (name === 'images' || name === 'report') {
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout).toContain('app:1');
        expect(stdout).toContain('app:2');
      } else {
        expect(status).toBe(1);
        expect(stderr).toMatch(/^stratafs: both\.tar: [^]*@0 +app:1[^]*@1 +app:2/);
      }
    }),
  );

  it.each(commands)("%s of SOURCE#LAYER is diff's, or says which option there is", (name, args) =>
    withWorkplace(async (place) => {
      await writeImages(place);
      const { status, stderr } = await call(place, args('both.tar:app:2#1'));
      if (name === 'diff') expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      else {
        expect(status).toBe(1);
        expect(stderr).toBe(
          'stratafs: both.tar:app:2#1: SOURCE#LAYER is for `stratafs diff` alone; mount, cat and export have --layer 1 for ' +
            'the layer alone, and --upto 1 for the stack up to it, of both.tar:app:2\n',
        );
      }
    }),
  );

  it('commit writes a docker archive unless the target says otherwise', () =>
    withWorkplace(async (place) => {
      await writeImages(place);
      mkdirSync(place.path('u'));
      await place.mount('both.tar@0', '--upper', 'u');
      writeFileSync(place.path('mnt/new'), 'x');
      const { status, stderr } = await place.stratafs(['commit', 'mnt', '-o', 'new.tar:app:3']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      await place.unmount();
      const { stdout } = await place.stratafs(['images', '--json', 'docker-archive:new.tar']);
      expect(JSON.parse(stdout)).toMatchObject({ images: [{ names: ['app:3'] }] });
    }));
});
