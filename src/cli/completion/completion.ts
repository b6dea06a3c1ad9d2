// Completion: what may stand in place of one word.

export interface Candidate {
  /** The whole word. What ends in one of `=:,#/` goes on. */
  readonly value: string;
  readonly about?: string;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Paths that follow the prefix of the word; the shell finds them. */
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

/** Of the control characters those that are not above ASCII. */
const ASCII_CONTROL = /[^\P{Cc}\x80-\x9f]/u;

/**
 * If paths are also possible, ":files PREFIX" or ":directories PREFIX" first; then one candidate a line, a tab between it and
 * what it is about. What has a control character in it, which no line can hold, is left out.
 */
export function writeCompletion({ candidates, paths }: Completion): string {
  const lines = candidates
    .filter(({ value }) => !ASCII_CONTROL.test(value))
    .map(({ value, about }) => {
      const [first = ''] = (about ?? '').split('\n');
      return first === '' ? value : `${value}\t${first.replaceAll('\t', ' ')}`;
    });
  const first = paths === undefined ? [] : [`:${paths.kind} ${paths.prefix}`];
  return [...first, ...lines].map((line) => `${line}\n`).join('');
}
