// What a registry answers instead of what was asked, in one line.
import { InputError, type InputErrorCode } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';

/** Limit of what a registry may say in an error. */
export const MAX_ERROR_BODY = 64 << 10;
const MAX_SHOWN = 200;

/** An answer that is not what was asked for. `status`: of HTTP; 0 where there was no answer at all. */
export class RegistryError extends InputError {
  readonly status: number;

  constructor(message: string, status: number, options: ErrorOptions & { code?: InputErrorCode } = {}) {
    super(message, options);
    this.name = 'RegistryError';
    this.status = status;
  }
}

/** `where`: what was asked for, of which registry. `body`: at most MAX_ERROR_BODY bytes. */
export function answerError(where: string, status: number, body: Uint8Array): RegistryError {
  const said = describeBody(body);
  const hint = status === 429 ? '; it limits how often it may be asked: log in, or wait' : '';
  return new RegistryError(
    `${where}: the registry answers ${status}${said === '' ? '' : `: ${said}`}${hint}`,
    status,
    status === 404 ? { code: 'ERR_STRATAFS_NO_IMAGE' } : {},
  );
}

/** `code: message` of the distribution specification's errors, or nothing. */
function describeBody(body: Uint8Array): string {
  try {
    const { errors } = JSON.parse(Buffer.from(body).toString()) as { errors?: unknown };
    if (!Array.isArray(errors)) return '';
    const [first] = errors as unknown[];
    const { code, message } = (first ?? {}) as { code?: unknown; message?: unknown };
    const parts = [code, message].filter((part) => typeof part === 'string' && part !== '') as string[];
    return showText(parts.join(': ')).slice(0, MAX_SHOWN);
  } catch {
    return ''; // a page of a proxy, not the registry's JSON
  }
}

/** `where`: as above. `error`: of the network. */
export function networkError(where: string, error: unknown): RegistryError {
  return new RegistryError(`${where}: ${describeNetworkError(error)}`, 0, { cause: error });
}

function describeNetworkError(error: unknown): string {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  const meaning = MEANINGS.get(code);
  if (meaning !== undefined) return meaning;
  if (CERTIFICATE.test(code)) {
    return `its certificate is not trusted (${code}); docs/registries.md says where its CA goes`;
  }
  if (/^(?:ERR_SSL_|EPROTO)/.test(code)) {
    return `it does not speak TLS (${code}); docs/registries.md says how to allow plain HTTP`;
  }
  return showText(`${code === '' ? 'the connection failed' : code}: ${message}`).slice(0, MAX_SHOWN);
}

const CERTIFICATE = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS_CERT)/;

/** True for an error of the network that another attempt would meet, too: a wrong name, a certificate. */
export function isLasting(error: unknown): boolean {
  const { code = '' } = (error ?? {}) as { code?: string };
  return code === 'ENOTFOUND' || CERTIFICATE.test(code);
}

const MEANINGS = new Map([
  ['ENOTFOUND', 'there is no host of that name (ENOTFOUND)'],
  ['EAI_AGAIN', 'the name of the host can not be looked up now (EAI_AGAIN)'],
  ['ECONNREFUSED', 'nothing listens there (ECONNREFUSED)'],
  ['EHOSTUNREACH', 'the host can not be reached (EHOSTUNREACH)'],
  ['ENETUNREACH', 'the network can not be reached (ENETUNREACH)'],
  ['UND_ERR_CONNECT_TIMEOUT', 'it does not accept a connection in time'],
  ['UND_ERR_HEADERS_TIMEOUT', 'it does not answer in time'],
  ['UND_ERR_BODY_TIMEOUT', 'it stopped in the middle of an answer'],
  ['UND_ERR_HEADERS_OVERFLOW', 'the headers of its answer are too long'],
]);
