// The turns of phrase that the project keeps out of its prose, with what to write instead. Two programs apply them:
// prose-rule.js (ESLint: comments and strings of TypeScript and JavaScript) and check-prose.js (all other files).

/**
 * `pattern` is matched against one comment, string or document, in which a line break inside a paragraph is a space.
 *
 * @type {{ pattern: RegExp, instead: string }[]}
 */
const turns = [
  turn(/\b(?:tell|tells|telling|told)\b/i, 'say, report, show, distinguish'),
  turn(
    /(?<!\b(?:leave|leaves|left|leaving|stay|stays|lag|lags)\b.{0,30})\bbehind\b(?! (?:its|their) back)/i,
    'after, past, next to',
  ),
  turn(/\bwhom\b/i, 'name the person or the thing; split the sentence'),
  turn(
    /(?<!\bthere )\b(?:is|are|was|were) no (?!longer\b|more than\b|less than\b|\w+er than\b)\w+/i,
    'is not a ...',
  ),
  turn(/\bof (?:ours|theirs)\b/i, 'our ..., one that we ...'),
  turn(/\bas (?:\w+ ){1,3}has it(?=[.,;:)]|$)/i, 'name the source: "the header says"'),
  turn(/\bunless told\b/i, 'unless --option is set, by default'),
  turn(/\bthere (?:is|are) [^.;:,\n]{1,60} that [^.;:,\n]{1,60} of\b/i, 'subject, verb, object'),
  turn(/\bthe more\b[^.;:\n]{1,60}\bthe more\b/i, 'X grows with Y'),
  turn(/\bis there no more\b/i, 'is gone, has been removed'),
  sentence(/What (?:is|was|are|were)\b/, 'name the thing'),
  sentence(/Who(?:ever)?\b/, 'name the subject: the caller, the owner, the process'),
  sentence(/Where(?:ver)?\b/, 'If ..., When ..., or name the place'),
];

/** Participles that are not the name of a variable: they don't say of what. */
export const vagueNames = new Set(['told', 'known', 'made', 'given', 'kept', 'asked']);

function turn(pattern, instead) {
  return { pattern: new RegExp(pattern.source, `${pattern.flags}g`), instead };
}

/** A turn that begins a sentence which is not a question: at the start, after a full stop, in a list item or table cell. */
function sentence(opening, instead) {
  const begin = String.raw`(?<=^[\s#>*-]*|[.!:]['"\x60)*]*\s+|\n[\s#>*-]*(?:\d+\.\s+)?|\|\s*)`;
  const noQuestion = String.raw`(?![^.!?\n]*\?)`;
  return turn(new RegExp(begin + opening.source + noQuestion), instead);
}

/** Line breaks inside a paragraph become spaces; one before an empty line, a list item, a table row or a heading stays. */
function joinLines(text) {
  return text.replace(/(?<!\n[ \t]*)\n(?![ \t]*(?:$|\n|[-*|>#@]|\d+\. ))/g, ' ');
}

/** The text with one space for several (of indentation, of removed comment marks), and each character's old offset. */
function collapseSpaces(text) {
  const offsets = [];
  let collapsed = '';
  for (const { 0: run, index } of text.matchAll(/[ \t]+|[^ \t]+/g)) {
    const words = /^[ \t]/.test(run) ? ' ' : run;
    for (let i = 0; i < words.length; i++) offsets.push(index + i);
    collapsed += words;
  }
  return { collapsed, offsets };
}

/**
 * All banned turns of a text, in its order: the offset, the words and what to write instead. Of turns that overlap, the
 * first is reported.
 *
 * @param {string} text
 * @returns {{ index: number, words: string, instead: string }[]}
 */
export function findTurns(text) {
  const { collapsed, offsets } = collapseSpaces(joinLines(text));
  const found = turns
    .flatMap(({ pattern, instead }) =>
      [...collapsed.matchAll(pattern)].map((match) => ({ begin: match.index, words: match[0], instead })),
    )
    .sort((a, b) => a.begin - b.begin);
  let end = 0;
  const apart = found.filter(({ begin, words }) => {
    const isApart = begin >= end;
    if (isApart) end = begin + words.length;
    return isApart;
  });
  return apart.map(({ begin, words, instead }) => ({ index: offsets[begin], words, instead }));
}

/** The message of one finding, the same in both programs. */
export function describeTurn({ words, instead }) {
  return `"${words}" is not plain English here. Write instead: ${instead}.`;
}
