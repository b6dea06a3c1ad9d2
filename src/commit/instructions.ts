// Dockerfile instructions that change only the config of an image: those that "docker commit -c" takes.
import { posix } from 'node:path';
import { InputError } from '../vfs/input-error.ts';
import { execForm, splitWords } from './instruction-words.ts';

/** `config` of an image config (OCI image-spec, config.md). It is foreign: unknown fields are copied. */
export type ContainerConfig = Record<string, unknown>;

const SHELL = ['/bin/sh', '-c'];
const SIGNAL = /^(?:\d{1,2}|(?:SIG)?[A-Z][A-Z0-9+-]*)$/;

type Apply = (config: ContainerConfig, rest: string, words: () => string[]) => void;

const instructions: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ['CMD', (config, rest) => void (config['Cmd'] = command(config, rest))],
  ['ENTRYPOINT', (config, rest) => void (config['Entrypoint'] = command(config, rest))],
  ['ENV', (config, rest, words) => setEnvironment(config, pairsOf('ENV', rest, words()))],
  [
    'LABEL',
    (config, rest, words) =>
      void (config['Labels'] = {
        ...objectOf(config['Labels']),
        ...Object.fromEntries(pairsOf('LABEL', rest, words())),
      }),
  ],
  ['EXPOSE', (config, _rest, words) => addKeys(config, 'ExposedPorts', words().flatMap(portsOf))],
  ['VOLUME', (config, rest, words) => addKeys(config, 'Volumes', execForm(rest) ?? words())],
  ['USER', (config, _rest, words) => void (config['User'] = words().join(' '))],
  [
    'WORKDIR',
    (config, _rest, words) =>
      void (config['WorkingDir'] = posix.resolve('/', textOf(config['WorkingDir']), words().join(' '))),
  ],
  ['STOPSIGNAL', (config, rest, words) => void (config['StopSignal'] = signalOf(rest, words()))],
  ['ONBUILD', (config, rest) => void (config['OnBuild'] = [...listOf(config['OnBuild']), rest])],
]);

/**
 * `config` after the instructions `texts`, in order. As in docker, ENTRYPOINT drops a CMD that no instruction before it has
 * set. InputError for any other instruction.
 */
export function applyInstructions(config: ContainerConfig, texts: readonly string[]): ContainerConfig {
  const changed = { ...config };
  let hasCommand = false;
  for (const text of texts) {
    const [, name = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(text) ?? [];
    const keyword = name.toUpperCase();
    const apply = instructions.get(keyword);
    if (apply === undefined) {
      throw new InputError(
        `-c ${JSON.stringify(text)}: found ${name === '' ? 'nothing' : name}, expected one of ${[...instructions.keys()].join(', ')}`,
      );
    }
    if (rest === '') throw new InputError(`-c ${JSON.stringify(text)}: found nothing after ${keyword}`);
    try {
      apply(changed, rest, () => splitWords(rest, environmentOf(changed)));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(`-c ${JSON.stringify(text)}: ${error.message}`, { cause: error });
    }
    if (keyword === 'CMD') hasCommand = true;
    if (keyword === 'ENTRYPOINT' && !hasCommand) delete changed['Cmd'];
  }
  return changed;
}

function command(config: ContainerConfig, text: string): string[] {
  const shell = listOf(config['Shell']);
  return execForm(text) ?? [...(shell.length > 0 ? shell : SHELL), text];
}

/** `A=b C=d`, or one pair in the old form `A b c`. */
function pairsOf(keyword: string, rest: string, words: readonly string[]): [string, string][] {
  const [first = ''] = words;
  if (!/^[^\s=]+=/.test(first)) {
    const [, name = '', value] = /^(\S+)\s+(.*)$/s.exec(rest) ?? [];
    if (value === undefined) throw new InputError(`found ${keyword} ${rest}, expected NAME=VALUE`);
    return [[name, words.slice(1).join(' ')]];
  }
  return words.map((word) => {
    const at = word.indexOf('=');
    if (at <= 0) throw new InputError(`found ${word}, expected NAME=VALUE`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

function setEnvironment(config: ContainerConfig, pairs: readonly [string, string][]): void {
  const all = environmentOf(config);
  for (const [name, value] of pairs) all.set(name, value);
  config['Env'] = [...all].map(([name, value]) => `${name}=${value}`);
}

function environmentOf(config: ContainerConfig): Map<string, string> {
  return new Map(
    listOf(config['Env']).map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

function addKeys(config: ContainerConfig, field: string, keys: readonly string[]): void {
  if (keys.length === 0) throw new InputError('found an empty list');
  config[field] = { ...objectOf(config[field]), ...Object.fromEntries(keys.map((key) => [key, {}])) };
}

/** `80`, `53/udp`, `8000-8010`. */
function portsOf(text: string): string[] {
  const [, from, to, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to ?? from)];
  if (from === undefined || last > 65_535 || first > last) {
    throw new InputError(`found the port ${text}, expected one such as 80, 53/udp or 8000-8010`);
  }
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol.toLowerCase()}`);
}

function signalOf(rest: string, words: readonly string[]): string {
  const [signal = ''] = words;
  if (words.length === 1 && SIGNAL.test(signal)) return signal;
  throw new InputError(`found the signal ${rest}, expected one such as SIGTERM or 15`);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const listOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];

const objectOf = (value: unknown): object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
