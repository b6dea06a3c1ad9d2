// The target of a new image: `docker-archive:PATH[:REF]`, `oci:DIR[:REF]` or `oci-archive:PATH[:REF]`, as in skopeo and podman.
// The first colon after the transport ends the path. PATH[:REF] alone is a docker archive.
import { lstat, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { showText } from '../vfs/show-text.ts';
import { parseReference } from '../image/reference.ts';
import type { Transport } from '../image/source.ts';
import { InputError } from '../vfs/input-error.ts';
import { ArchiveDraft } from './archive-draft.ts';
import { type ImageDraft, INDEX_FILE } from './image-draft.ts';
import { LayoutDraft, REF_NAME, readIndex } from './layout-draft.ts';

export type TargetTransport = Exclude<Transport, 'dir'>;

export interface Target {
  readonly transport: TargetTransport;
  readonly path: string;
  /** As it is written; always with a tag for docker-archive. */
  readonly reference: string | undefined;
}

const TRANSPORTS = '[docker-archive:]PATH[:REF], oci:DIR[:REF] or oci-archive:PATH[:REF]';
/** Transports that we do not write, and URLs. */
const OTHER_TRANSPORT = /^(?:docker|docker-daemon|containers-storage|dir|ostree|sif|tarball):|^[a-z-]+:\/\//;
/** distribution/reference: an optional host with a port, lower-case components, an optional tag. */
const DOCKER_NAME =
  /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?$/;
/** A reference name by the OCI image-spec, annotations.md. */
const OCI_NAME = /^[A-Za-z0-9]+(?:[-._:@/+][A-Za-z0-9]+|--[A-Za-z0-9]+)*$/;

/** InputError for anything else. */
export function parseTarget(text: string): Target {
  const [, transport = 'docker-archive', path, reference] =
    /^(?:(docker-archive|oci|oci-archive):)?([^:]+)(?::(.*))?$/s.exec(text) ?? [];
  if (path === undefined || OTHER_TRANSPORT.test(text) || isTransport(text)) {
    throw new InputError(`${showText(text)}: found no target, expected ${TRANSPORTS}`);
  }
  if (reference !== undefined) {
    const isDocker = transport === 'docker-archive';
    if (!(isDocker ? DOCKER_NAME : OCI_NAME).test(reference)) {
      throw new InputError(
        `${showText(text)}: found the name ${JSON.stringify(reference)}, expected one such as app:2 (lower case, then a colon and a tag)`,
      );
    }
  }
  return {
    transport: transport as TargetTransport,
    path,
    reference: transport === 'docker-archive' && reference !== undefined ? withTag(reference) : reference,
  };
}

/** True for a transport without a path. */
function isTransport(text: string): boolean {
  return /^(?:docker-archive|oci|oci-archive):*$/.test(text);
}

function withTag(reference: string): string {
  return parseReference(reference).tag === undefined ? `${reference}:latest` : reference;
}

/** A draft for `target`. InputError if the target exists already, unless it is a layout, which gets one more image. */
export async function createDraft({ transport, path, reference }: Target): Promise<ImageDraft> {
  const shown = showText(path);
  const existing = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  const parent = await stat(dirname(path)).catch(() => undefined); // ENOENT; writing reports any other error
  if (parent?.isDirectory() !== true) {
    throw new InputError(`${shown}: ${showText(dirname(path))} is not a directory to write it in`);
  }
  if (transport !== 'oci') {
    if (existing === undefined) return ArchiveDraft.create(path);
    throw new InputError(`${shown}: exists already; remove it first, or choose another name`, {
      code: 'ERR_STRATAFS_EXISTS',
    });
  }
  if (existing === undefined) return LayoutDraft.create(path, false);
  if (!existing.isDirectory())
    throw new InputError(`${shown}: found a file, expected an OCI layout or nothing`);
  const names = await readdir(path);
  if (names.length === 0) return LayoutDraft.create(path, false);
  if (!names.includes(INDEX_FILE)) {
    throw new InputError(`${shown}: found a directory without ${INDEX_FILE}, expected an OCI layout`);
  }
  await refuseKnownName(path, reference);
  return LayoutDraft.create(path, true);
}

async function refuseKnownName(path: string, reference: string | undefined): Promise<void> {
  const { manifests } = await readIndex(join(path, INDEX_FILE));
  if (reference === undefined) return;
  const isKnown = manifests.some((manifest) => {
    const annotations = (manifest as { annotations?: Record<string, unknown> } | null)?.annotations;
    return annotations?.[REF_NAME] === reference;
  });
  if (isKnown) {
    throw new InputError(
      `${showText(path)}: has an image ${showText(reference)} already; choose another name`,
      { code: 'ERR_STRATAFS_EXISTS' },
    );
  }
}
