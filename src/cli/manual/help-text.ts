// Parses the layout of the commands' help texts, for the manual pages.
//
//   Lines without indentation are a paragraph, until a blank line.
//     term   its meaning, with two or more blanks between them: a list
//     a line without two blanks between words: printed unchanged, like all lines below a heading such as "Examples:"

export type HelpBlock =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly (readonly [term: string, text: string])[] }
  | { readonly kind: 'literal'; readonly lines: readonly string[] };

/** The blocks of a help text, in order. */
export function parseHelp(help: string): HelpBlock[] {
  const blocks: HelpBlock[] = [];
  let isExample = false;
  let isNew = true;
  for (const line of help.split('\n')) {
    const last = isNew ? undefined : blocks.pop();
    isNew = line.trim() === '';
    if (isNew) {
      if (last !== undefined) blocks.push(last);
      continue;
    }
    const [, term, meaning] = /^ {2,}(\S.*?) {2,}(\S.*)$/.exec(line) ?? [];
    if (!line.startsWith(' ')) isExample = /^Examples?\b.*:$/.test(line);
    const block: HelpBlock = !line.startsWith(' ')
      ? { kind: 'text', text: line }
      : isExample || term === undefined || meaning === undefined
        ? { kind: 'literal', lines: [line.replace(/^ {2}/, '')] }
        : { kind: 'list', items: [[term, meaning]] };
    blocks.push(...join(last, block));
  }
  return blocks;
}

/** Joins both blocks if they have the same kind. */
function join(a: HelpBlock | undefined, b: HelpBlock): HelpBlock[] {
  if (a === undefined) return [b];
  if (a.kind === 'text' && b.kind === 'text') return [{ kind: 'text', text: `${a.text} ${b.text}` }];
  if (a.kind === 'list' && b.kind === 'list') return [{ kind: 'list', items: [...a.items, ...b.items] }];
  if (a.kind === 'literal' && b.kind === 'literal') {
    return [{ kind: 'literal', lines: [...a.lines, ...b.lines] }];
  }
  return [a, b];
}
