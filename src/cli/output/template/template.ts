// Templates of --format, as docker has them: Go's text/template with docker's functions.
import { evaluateTemplate } from './evaluator.ts';
import { functions, headingFunctions } from './functions.ts';
import { type ParsedTemplate, parseTemplate } from './parser.ts';

const functionNames = new Set(functions.keys());

export interface Template {
  /**
   * The text for a value: strings, numbers, booleans, null, arrays and plain objects. `show` escapes what actions print, not
   * the text between them. Throws UsageError if the value lacks a field, or if a function gets wrong arguments.
   */
  apply(value: unknown, show: (text: string) => string): string;
  /** The text for the headings of a table: functions that change a text have no effect, as in docker. */
  applyToHeadings(headings: unknown, show: (text: string) => string): string;
  /** True if the template uses this field of the value, or the whole value. */
  uses(field: string): boolean;
}

/** `fields`: the fields of the value, if they are known; others are then refused. Throws UsageError for a wrong template. */
export function createTemplate(text: string, fields?: readonly string[]): Template {
  const parsed: ParsedTemplate = parseTemplate(text, functionNames, fields);
  return {
    apply: (value, show) => evaluateTemplate(parsed, value, { functions, show }),
    applyToHeadings: (headings, show) =>
      evaluateTemplate(parsed, headings, { functions: headingFunctions, show }),
    uses: (field) => parsed.usesRoot || parsed.rootFields.has(field),
  };
}
