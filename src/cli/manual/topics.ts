// The prose of the manual pages (docs/man/*.md) as sections.
//
// Supported Markdown: headings of one level, paragraphs, indented or fenced blocks, and lists whose items begin with a term
// in backquotes and a colon.
import { type Token, type Tokens, lexer } from 'marked';
import type { HelpBlock } from './help-text.ts';

export interface Topic {
  readonly title: string;
  readonly blocks: readonly HelpBlock[];
}

/** Throws an Error that names unsupported Markdown. */
export function parseTopics(markdown: string): Topic[] {
  const topics: { title: string; blocks: HelpBlock[] }[] = [];
  for (const token of lexer(markdown)) {
    if (token.type === 'space') continue;
    if (token.type === 'heading') {
      topics.push({ title: token['text'] as string, blocks: [] });
      continue;
    }
    const topic = topics.at(-1);
    if (topic === undefined) throw new Error(`the page begins with '${token.raw}', expected a heading`);
    topic.blocks.push(blockOf(token));
  }
  return topics;
}

function blockOf(token: Token): HelpBlock {
  switch (token.type) {
    case 'paragraph':
      return { kind: 'text', text: inOneLine(token.raw) };
    case 'code':
      return { kind: 'literal', lines: (token as Tokens.Code).text.split('\n') };
    case 'list':
      return { kind: 'list', items: (token as Tokens.List).items.map(itemOf) };
    default:
      throw new Error(`a manual page can't have a ${token.type}: '${token.raw}'`);
  }
}

function itemOf({ text }: Tokens.ListItem): [term: string, text: string] {
  const [, term, about] = /^`([^`]+)`: (.+)$/s.exec(text) ?? [];
  if (term === undefined || about === undefined) throw new Error(`found '${text}', expected \`TERM\`: text`);
  return [term, inOneLine(about)];
}

const inOneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, ' ');
