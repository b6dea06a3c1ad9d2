// The import law: what each part of src/ is for, and which other parts it may import. The lint rule below holds the code to
// it, and docs/architecture.md shows it (write-import-law.js).
import { dirname, relative, resolve, sep } from 'node:path';

/**
 * A part is a folder, with all below it that is not a part of its own, or a file. `mayImport` names parts; a folder stands
 * for the parts inside it too. A part may always import itself.
 *
 * @type {{ path: string, purpose: string, mayImport: string[] }[]}
 */
export const importLaw = [
  part('index.ts', 'the npm surface: re-exports only', 'vfs mount inspect commit library'),
  part('vfs', 'the waist: FileSystem by inode, Attr, errno, names', ''),
  part('sys', 'system calls that Node lacks; the only loader of the addon', 'vfs'),
  part('tar', 'the tar format: header, pax, sparse, GNU; no policy', 'vfs'),
  part('overlayfs-format', 'what is on disk in an upper: marks, origins, owners', 'vfs sys'),
  part('cache', 'BlockCache: an LRU bounded in bytes, one fetch a block', ''),
  part('blobs', 'a blob, whole or partly here: file, map of chunks, gate', 'vfs sys'),
  part('layer', 'one blob -> LayerIndex and BlobReader', 'vfs sys tar cache blobs overlayfs-format'),
  part('image', 'docker-archive, OCI, dir, bare tars -> Image', 'vfs tar blobs overlayfs-format layer'),
  part('registry', 'docker:// -> manifests and ranges of blobs; credentials; pushes', 'vfs'),
  part('index-source', 'indexes of layers from elsewhere: our artifact', 'vfs layer'),
  part(
    'remote',
    "a registry's image -> Image, its layers in the cache directory",
    'vfs sys blobs layer image registry index-source',
  ),
  part('tree', 'LayerIndexes -> Tree', 'vfs sys layer'),
  part('overlay/upper', 'the upper and work directories on disk', 'vfs sys overlayfs-format'),
  part(
    'overlay/read',
    'what shows: Tree, upper and both merged',
    'vfs sys tree overlayfs-format overlay/upper',
  ),
  part(
    'overlay/copy-up',
    'from the Tree to the upper, before a first change',
    'vfs sys tree overlayfs-format overlay/upper overlay/read',
  ),
  part(
    'overlay/recovery',
    'what a killed daemon or another program has left',
    'vfs sys overlayfs-format overlay/upper overlay/read overlay/copy-up',
  ),
  part(
    'overlay/write',
    'FileSystem = Tree + upper; a file an operation',
    'vfs sys tree overlayfs-format overlay/upper overlay/read overlay/copy-up overlay/recovery',
  ),
  part('erofs', 'Tree -> image for the EROFS driver of the kernel', 'vfs sys layer tree'),
  part('fuse', 'FileSystem <-> kernel: sessions and drivers', 'vfs sys'),
  part('fuse/wire', 'the messages of the protocol', 'vfs'),
  part('fuse/mounts', 'mounts of this machine: find, make, unmount', 'vfs sys fuse/driver.ts erofs/mounts'),
  part('fuse/owners', 'owners as the users of a mount see them', 'vfs fuse/wire'),
  part('fuse/driver.ts', 'what every driver offers', 'vfs fuse/owners'),
  part('erofs/mounts', 'mounts that the kernel serves: make and record', 'vfs sys'),
  part(
    'mount',
    'composition: image -> tree -> overlay -> driver',
    'vfs sys cache overlayfs-format layer image remote tree erofs overlay fuse',
  ),
  part(
    'inspect',
    'what can be said of an image without a mount',
    'vfs tar cache overlayfs-format layer image tree erofs fuse/mounts mount',
  ),
  part(
    'commit',
    'an upper, or layers -> a layer tar -> a new image; pull and push',
    'vfs sys tar overlayfs-format layer image remote tree overlay fuse/mounts mount inspect',
  ),
  part('copy', 'files of an image -> a directory of this machine', 'vfs sys inspect'),
  part('library', 'the API for programs, which the command uses, too', 'vfs mount inspect commit copy'),
  part(
    'snapshotter',
    "containerd's proxy snapshotter: gRPC -> snapshots and their mounts",
    'vfs sys image registry fuse/mounts mount',
  ),
  part('report', 'the page of `stratafs report`, for a browser', 'inspect'),
  part('bench', 'contenders, workloads, rounds, statistics', 'vfs sys tree inspect'),
  // Only what serves a mount imports mount: options, and the daemon.
  part(
    'cli',
    'argv in, exit status out; mounts, and serves',
    'vfs sys/package-file.ts library mount snapshotter bench',
  ),
  part(
    'cli/commands',
    'a file a command; a client of the library',
    'cli vfs sys/package-file.ts library bench',
  ),
  part('cli/completion', 'completion in shells', 'cli vfs sys/package-file.ts library'),
  part('cli/output', 'what commands print', 'cli vfs sys/package-file.ts library bench'),
  part('sys/package-file.ts', 'where the package lies', ''),
];

function part(path, purpose, mayImport) {
  return { path, purpose, mayImport: mayImport.split(' ').filter((each) => each !== '') };
}

const isWithin = (path, place) => path === place || path.startsWith(`${place}/`);

/** The part that a file of src/ belongs to: the innermost. */
function partOf(path) {
  return importLaw
    .filter((each) => isWithin(path, each.path))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** True where the file `from` may import the file `to`; paths in src/. */
function allows(from, to) {
  const [importer, imported] = [partOf(from), partOf(to)];
  if (importer === undefined || imported === undefined) return false;
  return [importer.path, ...importer.mayImport].some((each) => isWithin(imported.path, each));
}

/** An ESLint plugin with one rule, `import-law/obeyed`. */
export const importLawPlugin = {
  rules: {
    obeyed: {
      meta: { type: 'problem', schema: [] },
      create(context) {
        const source = resolve(context.cwd, 'src');
        const inSource = (path) => relative(source, path).split(sep).join('/');
        const from = inSource(context.filename);
        const check = (node) => {
          const specifier = node.source?.value;
          if (typeof specifier !== 'string' || !specifier.startsWith('.')) return;
          const to = inSource(resolve(dirname(context.filename), specifier));
          if (allows(from, to)) return;
          const message = `The import law (scripts/import-law.js): src/${from} may not import src/${to}.`;
          context.report({ node, message });
        };
        return {
          ImportDeclaration: check,
          ImportExpression: check,
          ExportNamedDeclaration: check,
          ExportAllDeclaration: check,
        };
      },
    },
  },
};

/** The law as text, for docs/architecture.md. */
export function describeImportLaw() {
  const name = ({ path }) => (path.endsWith('.ts') ? path : `${path}/`);
  const [names, purposes] = [importLaw.map(name), importLaw.map(({ purpose }) => purpose)];
  const width = (texts) => Math.max(...texts.map((text) => text.length));
  return importLaw
    .map(({ mayImport, purpose }, n) =>
      [
        `    ${names[n].padEnd(width(names))}`,
        purpose.padEnd(width(purposes)),
        `<- ${mayImport.join(' ') || 'nothing'}`,
      ].join('  '),
    )
    .join('\n');
}
