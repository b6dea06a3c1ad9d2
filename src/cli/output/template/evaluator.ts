// Applies a parsed template to a value: strings, numbers, booleans, null, arrays and plain objects, as JSON has them.
import { fieldOf, isTrue, printValue } from './values.ts';
import type { TemplateFunction } from './functions.ts';
import type { Body, Command, Node, Operand, ParsedTemplate, Pipeline } from './parser.ts';
import { templateError } from './template-error.ts';

export interface Evaluation {
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  /** Escapes what an action prints. */
  readonly show: (text: string) => string;
}

interface Scope {
  readonly dot: unknown;
  readonly variables: ReadonlyMap<string, unknown>;
}

/** Throws UsageError if the value lacks a field, or if a function is called with wrong arguments. */
export function evaluateTemplate({ body }: ParsedTemplate, root: unknown, evaluation: Evaluation): string {
  return evaluateBody(body, { dot: root, variables: new Map([['', root]]) }, evaluation);
}

function evaluateBody(body: Body, outer: Scope, evaluation: Evaluation): string {
  let text = '';
  let scope = outer;
  for (const node of body) {
    if (node.kind === 'text') text += node.text;
    else if (node.kind !== 'output') text += evaluateBlock(node, scope, evaluation);
    else {
      const value = evaluatePipeline(node.pipeline, scope, evaluation);
      const [name] = node.pipeline.variables;
      if (name === undefined) text += evaluation.show(printOutput(value));
      else scope = withVariables(scope, [[name, value]]);
    }
  }
  return text;
}

const printOutput = (value: unknown): string =>
  value === null || value === undefined ? '<no value>' : printValue(value);

function withVariables(scope: Scope, added: readonly (readonly [string, unknown])[]): Scope {
  return added.length === 0 ? scope : { ...scope, variables: new Map([...scope.variables, ...added]) };
}

type Block = Extract<Node, { readonly body: Body }>;

function evaluateBlock(block: Block, outer: Scope, evaluation: Evaluation): string {
  const { kind, pipeline, body, otherwise } = block;
  const value = evaluatePipeline(pipeline, outer, evaluation);
  if (kind === 'range') return evaluateRange(block, value, outer, evaluation);
  const [name] = pipeline.variables;
  const scope = withVariables(outer, name === undefined ? [] : [[name, value]]);
  if (!isTrue(value)) return evaluateBody(otherwise, scope, evaluation);
  return evaluateBody(body, kind === 'with' ? { ...scope, dot: value } : scope, evaluation);
}

function evaluateRange(
  { pipeline: { variables }, body, otherwise }: Block,
  value: unknown,
  scope: Scope,
  evaluation: Evaluation,
): string {
  const elements = elementsOf(value);
  if (elements.length === 0) return evaluateBody(otherwise, scope, evaluation);
  const [first, second] = variables;
  return elements
    .map(([key, element]) => {
      const added: (readonly [string, unknown])[] = [];
      // One variable is the element; of two, the first is its index or key.
      if (first !== undefined) added.push([first, second === undefined ? element : key]);
      if (second !== undefined) added.push([second, element]);
      return evaluateBody(body, { ...withVariables(scope, added), dot: element }, evaluation);
    })
    .join('');
}

/** With keys: of an array in its order, of an object sorted. */
function elementsOf(value: unknown): readonly (readonly [string | number, unknown])[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((element, i) => [i, element as unknown]);
  if (typeof value === 'object') return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  throw templateError(`range: found '${printValue(value)}', expected a list or a map`);
}

function evaluatePipeline({ commands }: Pipeline, scope: Scope, evaluation: Evaluation): unknown {
  return commands.reduce<readonly unknown[]>(
    (piped, command) => [evaluateCommand(command, piped, scope, evaluation)],
    [],
  )[0];
}

/** `piped`: the result of the command before, which becomes the last argument. */
function evaluateCommand(
  command: Command,
  piped: readonly unknown[],
  scope: Scope,
  evaluation: Evaluation,
): unknown {
  if (command.kind === 'operand') return evaluateOperand(command.operand, scope, evaluation);
  const { name, operands } = command;
  const { call, minimum, maximum = minimum } = evaluation.functions.get(name) as TemplateFunction;
  const count = operands.length + piped.length;
  if (count < minimum || count > maximum) {
    const expected = maximum === Infinity ? `at least ${minimum}` : minimum;
    throw templateError(`${name}: found ${count} arguments, expected ${expected}`);
  }
  return call([...operands.map((operand) => evaluateOperand(operand, scope, evaluation)), ...piped]);
}

function evaluateOperand({ base, fields }: Operand, scope: Scope, evaluation: Evaluation): unknown {
  return fields.reduce<unknown>(
    (value, field) => fieldOf(value, field),
    evaluateBase(base, scope, evaluation),
  );
}

function evaluateBase(base: Operand['base'], scope: Scope, evaluation: Evaluation): unknown {
  switch (base.kind) {
    case 'dot':
      return scope.dot;
    case 'variable':
      return scope.variables.get(base.name);
    case 'literal':
      return base.value;
    case 'pipeline':
      return evaluatePipeline(base.pipeline, scope, evaluation);
  }
}
