// Asks a credential helper of docker: the program docker-credential-NAME, with the server on its standard input.
import { spawn } from 'node:child_process';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import { parseObject } from '../vfs/json-object.ts';
import type { Credentials } from './credentials.ts';
import type { Environment } from './proxies.ts';

const MAX_OUTPUT = 1 << 20;
/** A helper may wait for the user to unlock a keychain. */
const TIMEOUT_MS = 60_000;
/** The user name under which a helper gives a refresh token. */
const TOKEN_USER = '<token>';

/** `name`: letters, digits, ".", "_", "-". Undefined if the helper has none. Throws InputError if it fails. */
export async function askCredentialHelper(
  name: string,
  server: string,
  environment: Environment,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const { status, output } = await run(program, server, environment);
  if (status !== 0) {
    if (/credentials not found|no credentials/i.test(output)) return undefined;
    throw new InputError(`${program}: failed: ${showText(output.trim().slice(0, 200))}`);
  }
  const { Username: user, Secret: secret } = parseObject(output) ?? {};
  if (typeof user !== 'string' || typeof secret !== 'string') {
    throw new InputError(`${program}: found no JSON with Username and Secret`);
  }
  if (user === TOKEN_USER) return { kind: 'identity', token: secret, origin: program };
  return user === '' ? undefined : { kind: 'password', user, password: secret, origin: program };
}

function run(
  program: string,
  server: string,
  environment: Environment,
): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: environment,
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const pieces: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size > MAX_OUTPUT) child.kill('SIGKILL');
      else pieces.push(piece);
    });
    child.stdin.on('error', () => undefined); // EPIPE: it ended without reading
    child.stdin.end(server);
    child.on('error', (error: NodeJS.ErrnoException) => {
      const what = error.code === 'ENOENT' ? 'is not installed' : `can't be started: ${error.code ?? ''}`;
      reject(new InputError(`${program}: ${what}, and the configuration names it for ${showText(server)}`));
    });
    child.on('close', (status, killedBy) => {
      if (killedBy !== null) reject(new InputError(`${program}: gave no answer in time, or too long a one`));
      else resolve({ status: status ?? 1, output: Buffer.concat(pieces).toString() });
    });
  });
}
