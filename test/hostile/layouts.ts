// Images of one spoilt layer in the forms that tools save: their JSON right, or with a value that it should not have.
import { type Members, sha256 } from '../image/scratch.ts';
import { configOf, MANIFEST, SampleLayout } from '../image/sample-images.ts';
import type { Random } from '../tree/random.ts';

/** In place of any value. */
const VALUES = [
  ...['null', '-1', '1e999', '[]', '{}', '"../../etc/passwd"', '"\\u0000"', '"\\n"', '"sha256:"', 'true', ''],
  ...['"\\ud800"', '9007199254740993', '[[[[]]]]', '{"__proto__":[]}', '"/"', '".."'],
];

/** Changes one value, once in eight times: what is right in it leads to the layer. */
function spoilJson(text: string, random: Random): string {
  if (!random.oneIn(8)) return text;
  const values = [...text.matchAll(/"[^"]*"(?!:)|\d+|\[[^[]*\]/g)];
  const value = random.pick(values);
  return text.slice(0, value.index) + random.pick(VALUES) + text.slice(value.index + value[0].length);
}

const spoiltMembers = (members: Members, random: Random): Members =>
  members.map(([name, content]) =>
    typeof content === 'string' ? [name, spoilJson(content, random)] : [name, content],
  );

/** `tar`: what the config says that `blob` is. */
export function dockerMembers(tar: Buffer, blob: Buffer, random: Random): Members {
  const config = configOf([{ tar, diffId: `sha256:${sha256(tar)}` }]);
  const manifest = [{ Config: 'config.json', RepoTags: ['hostile:1'], Layers: ['layer/layer.tar'] }];
  return spoiltMembers(
    [
      ['layer/layer.tar', blob],
      ['config.json', config],
      ['manifest.json', JSON.stringify(manifest)],
    ],
    random,
  );
}

export function layoutMembers(tar: Buffer, blob: Buffer, random: Random): Members {
  const layout = new SampleLayout();
  const layer = layout.blob(blob, 'application/vnd.oci.image.layer.v1.tar');
  const image = layout.image([{ tar, diffId: `sha256:${sha256(tar)}` }], {}, { layers: [layer] });
  return spoiltMembers(layout.add(image, 'hostile').members(), random);
}

/** skopeo's dir: */
export function dirMembers(tar: Buffer, blob: Buffer, random: Random): Members {
  const config = configOf([{ tar, diffId: `sha256:${sha256(tar)}` }]);
  const describe = (bytes: string | Buffer): object => ({
    ...{ mediaType: 'application/octet-stream', size: Buffer.byteLength(bytes) },
    digest: `sha256:${sha256(bytes)}`,
  });
  const manifest = {
    ...{ schemaVersion: 2, mediaType: MANIFEST, config: describe(config), layers: [describe(blob)] },
  };
  return [
    ['version', 'Directory Transport Version: 1.1\n'],
    [sha256(blob), blob],
    [sha256(config), spoilJson(config, random)],
    ['manifest.json', spoilJson(JSON.stringify(manifest), random)],
  ];
}
