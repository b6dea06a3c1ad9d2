// An ESLint plugin with two rules. `prose/plain`: no banned turn (prose-turns.js) in a comment, a string or a template.
// `prose/names`: no variable whose name is a bare participle. Consecutive line comments are one text, because a sentence
// goes on from one to the next. A quotation of somebody else's text is excepted with eslint-disable-next-line.
import { describeTurn, findTurns, vagueNames } from './prose-turns.js';

/** Comments as texts of the same length as their source, so that an offset in the text is one in the file. */
function commentTexts(comments, source) {
  const texts = [];
  for (const comment of comments) {
    const [begin, end] = comment.range;
    if (/^\s*eslint-/.test(comment.value)) continue;
    const last = texts.at(-1);
    const isNextLine = comment.type === 'Line' && last?.isLine && comment.loc.start.line === last.line + 1;
    const joins = isNextLine && comment.loc.start.column === last.column;
    if (joins) last.end = end;
    else texts.push({ begin, end, isLine: comment.type === 'Line', column: comment.loc.start.column });
    texts.at(-1).line = comment.loc.end.line;
  }
  return texts.map(({ begin, end }) => ({ begin, text: blankMarks(source.slice(begin, end)) }));
}

/** Replaces the marks of a comment by spaces. */
function blankMarks(text) {
  const blank = (marks) => ' '.repeat(marks.length);
  return text.replace(/\*\/$/, blank).replace(/^[ \t]*(?:\/\/|\/?\*+)/gm, blank);
}

/** The rules, for `plugins: { prose: prosePlugin }`. */
export const prosePlugin = {
  rules: {
    names: {
      meta: { type: 'suggestion', schema: [] },
      create(context) {
        return {
          'Program:exit'() {
            for (const scope of context.sourceCode.scopeManager.scopes) {
              for (const { name, identifiers } of scope.variables) {
                const [node] = vagueNames.has(name) ? identifiers : [];
                if (node) context.report({ node, message: `"${name}" doesn't say what was ${name}.` });
              }
            }
          },
        };
      },
    },
    plain: {
      meta: { type: 'suggestion', schema: [] },
      create(context) {
        const { sourceCode } = context;
        const reportAt = (begin, text) => {
          for (const found of findTurns(text)) {
            const loc = sourceCode.getLocFromIndex(begin + found.index);
            context.report({ loc, message: describeTurn(found) });
          }
        };
        return {
          Program() {
            for (const { begin, text } of commentTexts(sourceCode.getAllComments(), sourceCode.text)) {
              reportAt(begin, text);
            }
          },
          Literal(node) {
            if (typeof node.value === 'string') reportAt(node.range[0] + 1, node.raw.slice(1, -1));
          },
          TemplateLiteral(node) {
            const text = sourceCode.getText(node).slice(1, -1).split('');
            for (const { range } of node.expressions) {
              text.fill('_', range[0] - node.range[0] - 1, range[1] - node.range[0] - 1);
            }
            reportAt(node.range[0] + 1, text.join(''));
          },
        };
      },
    },
  },
};
