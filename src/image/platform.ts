// Spells and matches platforms as containerd does (containerd/platforms): aliases, default variants, and which variants
// run on which.
import { endianness } from 'node:os';
import { InputError } from '../vfs/input-error.ts';
import type { Platform } from './image.ts';

const ARCHITECTURES = new Map<string, readonly [architecture: string, variant?: string]>([
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['x64', ['amd64']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
  ['i386', ['386']],
  ['i486', ['386']],
  ['i586', ['386']],
  ['i686', ['386']],
  ['ia32', ['386']],
  ['x86', ['386']],
  ['powerpc64le', ['ppc64le']],
  ['loongarch64', ['loong64']],
]);

/** The variant of an architecture that is given without one. */
const DEFAULT_VARIANTS = new Map([
  ['amd64', 1],
  ['arm', 7],
  ['arm64', 8],
]);

const SYSTEMS = new Set(['linux', 'windows', 'darwin', 'freebsd']);

/** `os/architecture[/variant]`, or one of the first two alone. Throws InputError for anything else. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const isValid = parts.length <= 3 && parts.every((part) => /^[a-z0-9_.-]+$/.test(part));
  if (!isValid)
    throw new InputError(`--platform: found ${JSON.stringify(text)}, expected os/architecture[/variant]`);
  const [first, second, third] = parts as [string, string?, string?];
  if (second === undefined) {
    const host = hostPlatform();
    return SYSTEMS.has(first) ? { ...host, os: first } : normalise({ os: 'linux', architecture: first });
  }
  return normalise({ os: first, architecture: second, ...(third === undefined ? {} : { variant: third }) });
}

/** The platform of containers on this machine: linux, whatever Node was built for. */
export function hostPlatform(): Platform {
  const { arch } = process;
  if (arch === 'ppc64' && endianness() === 'LE') return { os: 'linux', architecture: 'ppc64le' };
  if (arch === 'mipsel') return { os: 'linux', architecture: 'mipsle' };
  if (arch === 'arm') {
    const { arm_version: version } = process.config.variables as { arm_version?: string };
    return normalise({ os: 'linux', architecture: arch, variant: `v${version ?? '7'}` });
  }
  return normalise({ os: 'linux', architecture: arch });
}

/** The usual spelling: `x86_64` becomes amd64, `arm64/v8` arm64, `arm` arm/v7. */
export function normalise(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase();
  const written = platform.architecture.toLowerCase();
  const [architecture, implied] = ARCHITECTURES.get(written) ?? [written];
  let variant = platform.variant?.toLowerCase() ?? implied;
  if (variant !== undefined && /^\d/.test(variant)) variant = `v${variant}`;
  const usual = DEFAULT_VARIANTS.get(architecture);
  if (architecture === 'arm') variant ??= 'v7';
  else if (variant === `v${usual ?? ''}`) variant = undefined;
  return variant === undefined || variant === '' ? { os, architecture } : { os, architecture, variant };
}

/**
 * How well an image for `offered` suits a request for `wanted` (any spelling): -1 not at all, otherwise higher is
 * better. An older variant of arm, arm64 and amd64 runs on a newer processor.
 */
export function matchRank(wanted: Platform, offered: Platform): number {
  const want = normalise(wanted);
  const offer = normalise(offered);
  if (want.os !== offer.os || want.architecture !== offer.architecture) return -1;
  const usual = DEFAULT_VARIANTS.get(want.architecture);
  if (usual === undefined) {
    if (want.variant === offer.variant) return 1;
    return want.variant === undefined ? 0 : -1;
  }
  const wantedNumber = variantNumber(want.variant, usual);
  const offeredNumber = variantNumber(offer.variant, usual);
  return offeredNumber <= wantedNumber ? offeredNumber : -1;
}

/** `v8.1` is 8.1. Anything but a number is NaN, which matches nothing. */
function variantNumber(variant: string | undefined, usual: number): number {
  return variant === undefined ? usual : Number(variant.slice(1));
}

export function showPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
