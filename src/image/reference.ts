// Image references and which names they mean (distribution/reference, and the short names of containers/image).
//
// The same image is called docker.io/library/x:1 by containerd and skopeo, x:1 by docker and localhost/x:1 by podman,
// and a user may type any of them.

export interface Reference {
  /** A registry was typed: the name is meant in full. */
  readonly isQualified: boolean;
  /** `docker.io/library/` and `localhost/` are not part of it: they are what tools add to a short name. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:<hex>`, perhaps shortened. */
  readonly digest: string | undefined;
}

const ADDED = /^(?:(?:(?:index\.)?docker\.io\/)(?:library\/)?|localhost\/|library\/)/;

export function parseReference(text: string): Reference {
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  // A colon before a slash belongs to a port.
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  const repository = (colon < 0 ? name : name.slice(0, colon)).replace(ADDED, '');
  const isQualified = /^(?:localhost|[^/]*[.:][^/]*)\//.test(name);
  return { isQualified, repository, tag: colon < 0 ? undefined : name.slice(colon + 1), digest };
}

/** Whether two names mean the same image, however they are spelled. */
export function isSameName(a: string, b: string): boolean {
  return isSame(parseReference(a), parseReference(b), 'latest');
}

/** How a name is matched, the strictest way first: a looser one counts only where no stricter one finds anything. */
export const MATCHERS: readonly ((wanted: Reference, text: string, name: string) => boolean)[] = [
  (_wanted, text, name) => text === name,
  (wanted, _text, name) => isSame(wanted, parseReference(name), 'latest'),
  (wanted, _text, name) => isTail(wanted, parseReference(name), 'latest'),
  // No tag was typed and there is no latest: any tag of that repository, if there is but one.
  (wanted, _text, name) => wanted.tag === undefined && isSame(wanted, parseReference(name), undefined),
  (wanted, _text, name) => wanted.tag === undefined && isTail(wanted, parseReference(name), undefined),
];

/** `fallback` is the tag of a reference without one; undefined: any. */
function isSame(wanted: Reference, name: Reference, fallback: string | undefined): boolean {
  return wanted.repository === name.repository && isTag(wanted, name, fallback);
}

/** `x` means `quay.io/team/x` too, but `docker.io/x` doesn't. */
function isTail(wanted: Reference, name: Reference, fallback: string | undefined): boolean {
  return (
    !wanted.isQualified && name.repository.endsWith(`/${wanted.repository}`) && isTag(wanted, name, fallback)
  );
}

function isTag(wanted: Reference, name: Reference, fallback: string | undefined): boolean {
  // With a digest, the tag says nothing more.
  if (wanted.digest !== undefined || fallback === undefined) return true;
  return (wanted.tag ?? fallback) === (name.tag ?? fallback);
}
