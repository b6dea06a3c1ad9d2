// Completion: the candidates for one word.

export interface Candidate {
  /** The whole word. No blank is added after a word that ends in one of `=:,#/`. */
  readonly value: string;
  readonly about?: string;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** The kind of paths that may follow the prefix of the word; the shell finds them. */
  readonly paths?: { readonly kind: 'files' | 'directories'; readonly prefix: string };
}

export const none: Completion = { candidates: [] };

export const files = (prefix = ''): Completion => ({ candidates: [], paths: { kind: 'files', prefix } });
export const directories = (prefix = ''): Completion => ({
  candidates: [],
  paths: { kind: 'directories', prefix },
});

export const choices = (prefix: string, values: readonly string[]): Completion => ({
  candidates: values.map((value) => ({ value: prefix + value })),
});

export function join(a: Completion, b: Completion): Completion {
  const paths = a.paths ?? b.paths;
  return { candidates: [...a.candidates, ...b.candidates], ...(paths === undefined ? {} : { paths }) };
}

/** ASCII control characters, and what the shells would take for the first line. */
const UNFIT = /[^\P{Cc}\x80-\x9f]|^:(?:files|directories) /u;

/**
 * Formats a completion. If paths are also possible, ":files PREFIX" or ":directories PREFIX" is the first line. Then one
 * line for each candidate, with its description after a tab. Candidates that are unfit are left out.
 */
export function writeCompletion({ candidates, paths }: Completion): string {
  const lines = candidates
    .filter(({ value }) => !UNFIT.test(value))
    .map(({ value, about }) => {
      const [first = ''] = (about ?? '').split('\n');
      return first === '' ? value : `${value}\t${first.replaceAll(/\p{Cc}/gu, ' ')}`;
    });
  const first = paths === undefined ? [] : [`:${paths.kind} ${paths.prefix}`];
  return [...first, ...lines].map((line) => `${line}\n`).join('');
}
