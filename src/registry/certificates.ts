// Certificates: the CAs of the system, and those of certs.d directories for one registry, as docker and podman read them.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import type { Environment } from './proxies.ts';
import { DEFAULT_TLS, type TlsProfile } from './tls-profile.ts';

/** The bundles of Debian, Fedora, openSUSE, Alpine. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * $SSL_CERT_FILE, or the bundle of the system, or that of Node. Node itself ignores the system's, where companies put
 * their CAs. Throws InputError if $SSL_CERT_FILE can't be read.
 */
export function systemCertificates(environment: Environment): string[] {
  const file = environment['SSL_CERT_FILE'] ?? '';
  if (file !== '') return [readCertificate(file)];
  for (const bundle of SYSTEM_BUNDLES) {
    try {
      return [readFileSync(bundle, 'latin1')];
    } catch {
      // ENOENT, EACCES: another distribution's place
    }
  }
  return [...rootCertificates];
}

/** A file that somebody named. Throws InputError if it can't be read. */
export function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new InputError(`${showText(path)}: can't read this certificate: ${code}`, { cause: error });
  }
}

/** `*.crt` are CAs, `*.cert` and `*.key` of one name are what this side shows. The first directory that exists counts. */
export function readCertificateDirectory(directories: readonly string[]): TlsProfile {
  for (const directory of directories) {
    const names = listDirectory(directory);
    if (names === undefined) continue;
    const read = (name: string): string => readCertificate(join(directory, name));
    const shown = names.find((name) => name.endsWith('.cert') && names.includes(keyOf(name)));
    return {
      ...DEFAULT_TLS,
      ca: names.filter((name) => name.endsWith('.crt')).map(read),
      ...(shown === undefined ? {} : { certificate: read(shown), key: read(keyOf(shown)) }),
    };
  }
  return DEFAULT_TLS;
}

const keyOf = (name: string): string => name.replace(/\.cert$/, '.key');

function listDirectory(directory: string): string[] | undefined {
  try {
    return readdirSync(directory).sort();
  } catch {
    return undefined; // ENOENT, EACCES: a registry without certificates of its own
  }
}
