// Random layer stacks: few names, so that layers collide; every kind of entry; hard links that mostly resolve.
import { InodeFlag } from '../../src/layer/layer-index.ts';
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import {
  directory,
  file,
  type InodeSpec,
  link,
  special,
  type Spec,
  symlink,
  whiteout,
} from './layer-maker.ts';
import { LinkFailure, NaiveExtractor } from './naive-extractor.ts';
import type { Random } from './random.ts';

// One begins another, bytes above ASCII, and enough to leave gaps.
const names = ['a', 'aa', 'a.', 'b', 'c', '\xff', '\xc3\xa9', 'zz'];

export interface StackOptions {
  /** Directories without entries of their own, and carriers. */
  readonly hasImplicit?: boolean;
  /** Hard links to lower layers. */
  readonly hasLinks?: boolean;
  /** Only what a tar can express: in one, a link to a name that its layer has means that name, not the lower one. */
  readonly isForTar?: boolean;
  readonly hasSymlinks?: boolean;
  /** Hard links within a layer. */
  readonly hasInnerLinks?: boolean;
  /** Xattrs of overlayfs on some directories: mere data, but oracles obey them. */
  readonly hasOverlayXattrs?: boolean;
}

export interface Stack {
  readonly roots: readonly InodeSpec[];
  /** What the naive extractor made of them. */
  readonly expected: NaiveExtractor;
}

/** A stack whose links all resolve. */
export function randomStack(random: Random, options: StackOptions = {}): Stack {
  const count = 1 + random.below(7);
  const roots: InodeSpec[] = [];
  let expected = new NaiveExtractor();
  while (roots.length < count) {
    const paths = [...expected.inodes.keys()].filter((path) => path !== '');
    const root = randomLayer(random, options.hasLinks === false ? [] : paths, options);
    if (options.isForTar === true && linksToItself(root, root)) continue;
    const tried = new NaiveExtractor();
    try {
      for (const layer of [...roots, root]) tried.apply(layer);
    } catch (error) {
      if (!(error instanceof LinkFailure)) throw error;
      continue;
    }
    roots.push(root);
    expected = tried;
  }
  return { roots, expected };
}

/** Links lead to one of `lowerPaths`. */
function randomLayer(random: Random, lowerPaths: readonly string[], options: StackOptions): InodeSpec {
  const shared: InodeSpec[] = [];
  const overlayXattrs = options.hasOverlayXattrs === false ? {} : { 'trusted.overlay.opaque': 'y' };
  let serial = 0;

  function child(depth: number): Spec {
    const dice = random.below(20);
    if (dice < 7 && depth < 4) return randomDirectory(depth + 1);
    if (dice < 10) return whiteout;
    if (dice < 12 && lowerPaths.length > 0) return link(random.pick(lowerPaths));
    if (dice < 14 && shared.length > 0 && options.hasInnerLinks !== false) return random.pick(shared);
    const entry = leaf();
    shared.push(entry);
    return entry;
  }

  function leaf(): InodeSpec {
    const kind = random.below(8);
    if (kind === 0 && options.hasSymlinks !== false) return symlink(random.pick(names));
    if (kind === 1) return random.oneIn(2) ? special(S_IFIFO | 0o600) : special(S_IFCHR | 0o640, 0x105);
    return file({
      mode: S_IFREG | random.below(0o10000),
      uid: random.below(3),
      size: random.below(10_000),
      data: 512 * ++serial,
      mtime: random.below(1e9) - 5e8,
      xattrs: random.oneIn(4) ? { 'user.x': String(serial) } : {},
    });
  }

  function randomDirectory(depth: number): InodeSpec {
    const children = new Map<string, Spec>();
    for (let n = random.below(5); n > 0; n--) children.set(random.pick(names), child(depth));
    const isImplicit = random.oneIn(2) && options.hasImplicit !== false;
    const isOpaque = random.oneIn(5);
    const flags = isOpaque ? InodeFlag.opaque : 0;
    const isBare = [...children.values()].every(isNothing);
    if (isImplicit && isBare && (children.size > 0 || isOpaque)) {
      return directory(Object.fromEntries(children), {
        flags: flags | InodeFlag.implicit | InodeFlag.carrier,
      });
    }
    if (isImplicit && children.size > 0) {
      return directory(Object.fromEntries(children), { flags: flags | InodeFlag.implicit });
    }
    return directory(Object.fromEntries(children), {
      flags,
      // No setgid bit: what extractors make beneath would inherit it.
      mode: S_IFDIR | random.below(0o2000),
      gid: random.below(3),
      mtime: random.below(1e9),
      xattrs: random.oneIn(3) ? { 'user.d': String(depth), ...overlayXattrs } : {},
    });
  }

  return randomDirectory(0);
}

/** Makes no name appear by itself. */
function isNothing(spec: Spec): boolean {
  return spec.kind === 'whiteout' || (spec.kind === 'inode' && (spec.flags & InodeFlag.carrier) !== 0);
}

/** True if a link beneath `spec` leads to a name that its own layer has, or that it covers by a file. */
function linksToItself(root: InodeSpec, spec: InodeSpec): boolean {
  return [...spec.children.values()].some((child) => {
    if (child.kind === 'inode') return linksToItself(root, child);
    return child.kind === 'link' && hasName(root, child.path);
  });
}

function hasName(root: InodeSpec, path: string): boolean {
  let at: Spec = root;
  for (const name of path.split('/')) {
    if (at.kind !== 'inode' || (at.mode & S_IFMT) !== S_IFDIR) return true;
    const child: Spec | undefined = at.children.get(name);
    if (child === undefined || child.kind === 'whiteout') return false;
    at = child;
  }
  return true;
}
