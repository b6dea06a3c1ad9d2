// Parses a template of Go's text/template: pipelines, if, range, with, and variables.
//
// Names of functions are checked here, and so are the fields of the value that the template is applied to, if they are
// passed: a wrong template is refused before the command begins.
import { type Piece, type Token, splitTemplate } from './lexer.ts';
import { templateError, unknownField } from './template-error.ts';

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: Body;
      readonly otherwise: Body;
    };

export type Body = readonly Node[];

export interface Pipeline {
  /** The variables that it sets, none or one; for range, up to two: index and element. */
  readonly variables: readonly string[];
  readonly commands: readonly Command[];
}

/** A function with its arguments, or one operand. */
export type Command =
  | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Operand[] }
  | { readonly kind: 'operand'; readonly operand: Operand };

export interface Operand {
  readonly base:
    | { readonly kind: 'dot' }
    | { readonly kind: 'variable'; readonly name: string }
    | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
    | { readonly kind: 'pipeline'; readonly pipeline: Pipeline };
  readonly fields: readonly string[];
}

export interface ParsedTemplate {
  readonly body: Body;
  /** The fields of the root value that are used. */
  readonly rootFields: ReadonlySet<string>;
  /** True if the root value is used as a whole, as in {{json .}}. */
  readonly usesRoot: boolean;
}

const MAX_DEPTH = 100;
const blocks = ['if', 'with', 'range'] as const;
type BlockName = (typeof blocks)[number];

/** `functions`: names that exist. `fields`: of the root value; undefined if they are unknown. */
export function parseTemplate(
  template: string,
  functions: ReadonlySet<string>,
  fields: readonly string[] | undefined,
): ParsedTemplate {
  const parser = new Parser(splitTemplate(template), functions, fields);
  const body = parser.parse();
  return { body, rootFields: parser.rootFields, usesRoot: parser.usesRoot };
}

/** The kind of value that "." is. */
type Dot = 'root' | 'other';

interface Scope {
  readonly dot: Dot;
  readonly variables: readonly string[];
  readonly depth: number;
}

class Parser {
  readonly rootFields = new Set<string>();
  usesRoot = false;
  readonly #pieces: readonly Piece[];
  readonly #functions: ReadonlySet<string>;
  readonly #fields: readonly string[] | undefined;
  #at = 0;

  constructor(
    pieces: readonly Piece[],
    functions: ReadonlySet<string>,
    fields: readonly string[] | undefined,
  ) {
    this.#pieces = pieces;
    this.#functions = functions;
    this.#fields = fields;
  }

  parse(): Body {
    const { body, ending } = this.#parseBody({ dot: 'root', variables: [''], depth: 0 });
    if (ending !== undefined)
      throw templateError(`found {{${ending.source}}} without {{if}}, {{with}} or {{range}}`);
    return body;
  }

  /** Up to {{else}}, {{end}} or the end of the template; `ending` is that action. */
  #parseBody(scope: Scope): { body: Node[]; ending: ActionTokens | undefined } {
    const body: Node[] = [];
    let inner = scope;
    for (let piece = this.#pieces[this.#at++]; piece !== undefined; piece = this.#pieces[this.#at++]) {
      if (piece.kind === 'text') {
        body.push(piece);
        continue;
      }
      const action = new ActionTokens(piece.source, piece.tokens);
      const word = action.peekWord();
      if (word === 'end' || word === 'else') return { body, ending: action };
      const block = blocks.find((each) => each === word);
      if (block !== undefined) {
        action.next();
        body.push(this.#parseBlock(block, action, inner));
        continue;
      }
      const pipeline = this.#parsePipeline(action, inner, 1);
      action.expectEnd();
      body.push({ kind: 'output', pipeline });
      inner = { ...inner, variables: [...inner.variables, ...pipeline.variables] };
    }
    return { body, ending: undefined };
  }

  #parseBlock(kind: BlockName, action: ActionTokens, scope: Scope): Node {
    if (scope.depth === MAX_DEPTH) throw templateError(`more than ${MAX_DEPTH} nested blocks`);
    const pipeline = this.#parsePipeline(action, scope, kind === 'range' ? 2 : 1);
    action.expectEnd();
    const variables = [...scope.variables, ...pipeline.variables];
    const outer = { ...scope, variables, depth: scope.depth + 1 };
    const { body, ending } = this.#parseBody(kind === 'if' ? outer : { ...outer, dot: 'other' });
    if (ending === undefined) throw templateError(`found {{${action.source}}} without {{end}}`);
    return { kind, pipeline, body, otherwise: this.#parseOtherwise(ending, action, outer) };
  }

  /** The part after {{else}}; `ending`: {{else}}, {{else if}} or {{end}}. */
  #parseOtherwise(ending: ActionTokens, start: ActionTokens, scope: Scope): Body {
    if (ending.next()?.name === 'end') {
      ending.expectEnd();
      return [];
    }
    const next = ending.peekWord();
    if (next === 'if' || next === 'with') {
      ending.next();
      return [this.#parseBlock(next, ending, scope)];
    }
    ending.expectEnd();
    const { body, ending: last } = this.#parseBody(scope);
    if (last?.next()?.name !== 'end') throw templateError(`found {{${start.source}}} without {{end}}`);
    last.expectEnd();
    return body;
  }

  #parsePipeline(action: ActionTokens, scope: Scope, maxVariables: number): Pipeline {
    if (scope.depth === MAX_DEPTH) throw templateError(`more than ${MAX_DEPTH} nested parentheses`);
    const variables = action.takeDeclaration(maxVariables);
    const commands: Command[] = [];
    do commands.push(this.#parseCommand(action, scope, commands.length > 0));
    while (action.takeSign('|'));
    return { variables, commands };
  }

  #parseCommand(action: ActionTokens, scope: Scope, isPiped: boolean): Command {
    const name = action.peekWord();
    if (name !== undefined) {
      action.next();
      if (!this.#functions.has(name)) {
        throw templateError(`found '${name}', expected a field or one of ${[...this.#functions].join(', ')}`);
      }
      const operands: Operand[] = [];
      while (!action.isAtEndOfCommand()) operands.push(this.#parseOperand(action, scope));
      return { kind: 'call', name, operands };
    }
    const operand = this.#parseOperand(action, scope);
    if (isPiped || !action.isAtEndOfCommand()) throw action.unexpected('a function');
    return { kind: 'operand', operand };
  }

  #parseOperand(action: ActionTokens, scope: Scope): Operand {
    const base = this.#parseBase(action, scope);
    const fields = base.fields === undefined ? [] : [base.fields];
    for (let name = action.takeAttachedField(); name !== undefined; name = action.takeAttachedField())
      fields.push(name);
    const operand = { base: base.base, fields };
    this.#noteRoot(operand, scope);
    return operand;
  }

  /** An operand without the fields after it, except that ".Name" is "." with its first field. */
  #parseBase(action: ActionTokens, scope: Scope): { base: Operand['base']; fields?: string } {
    const token = action.next();
    switch (token?.kind) {
      case 'field':
        return { base: { kind: 'dot' }, fields: token.name };
      case 'dot':
      case 'literal':
        return { base: token };
      case 'variable':
        if (!scope.variables.includes(token.name)) throw templateError(`undefined variable $${token.name}`);
        return { base: token };
      case 'word':
        // A function without arguments among the arguments of another.
        throw templateError(`found '${token.name}' in {{${action.source}}}, expected (${token.name})`);
      case 'sign':
        if (token.sign !== '(') break;
        return { base: { kind: 'pipeline', pipeline: this.#parseParentheses(action, scope) } };
      case undefined:
    }
    throw action.unexpected('a field', token);
  }

  #parseParentheses(action: ActionTokens, scope: Scope): Pipeline {
    const pipeline = this.#parsePipeline(action, { ...scope, depth: scope.depth + 1 }, 0);
    if (!action.takeSign(')')) throw action.unexpected("')'");
    return pipeline;
  }

  #noteRoot({ base, fields: [name] }: Operand, { dot }: Scope): void {
    const isRoot = base.kind === 'dot' ? dot === 'root' : base.kind === 'variable' && base.name === '';
    if (!isRoot) return;
    if (name === undefined) this.usesRoot = true;
    else if (this.#fields?.includes(name) === false) throw unknownField(name, this.#fields);
    else this.rootFields.add(name);
  }
}

/** The tokens of one action, taken one after the other. */
class ActionTokens {
  readonly source: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(source: string, tokens: readonly Token[]) {
    this.source = source;
    this.#tokens = tokens;
  }

  next(): (Token & { name?: string }) | undefined {
    return this.#tokens[this.#at++];
  }

  peekWord(): string | undefined {
    const token = this.#tokens[this.#at];
    return token?.kind === 'word' ? token.name : undefined;
  }

  #isSign(sign: string, at = this.#at): boolean {
    const token = this.#tokens[at];
    return token?.kind === 'sign' && token.sign === sign;
  }

  takeSign(sign: string): boolean {
    const isThere = this.#isSign(sign);
    if (isThere) this.#at++;
    return isThere;
  }

  /** A field without a blank before it. */
  takeAttachedField(): string | undefined {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'field' || !token.isAttached) return undefined;
    this.#at++;
    return token.name;
  }

  /** "$x :=" or "$i, $x :=". */
  takeDeclaration(maxCount: number): string[] {
    const names: string[] = [];
    let at = this.#at;
    for (let token = this.#tokens[at]; token?.kind === 'variable'; token = this.#tokens[at]) {
      names.push(token.name);
      if (!this.#isSign(',', at + 1)) break;
      at += 2;
    }
    if (names.length === 0 || !this.#isSign(':=', at + 1)) return [];
    if (names.length > maxCount) throw templateError(`found too many variables in {{${this.source}}}`);
    this.#at = at + 2;
    return names;
  }

  isAtEndOfCommand(): boolean {
    return this.#at >= this.#tokens.length || this.#isSign('|') || this.#isSign(')');
  }

  expectEnd(): void {
    if (this.#at < this.#tokens.length) throw this.unexpected('}}');
  }

  unexpected(expected: string, token: Token | undefined = this.#tokens[this.#at]): Error {
    const found =
      token === undefined ? 'the end' : token.kind === 'sign' ? `'${token.sign}'` : `a ${token.kind}`;
    return templateError(`found ${found} in {{${this.source}}}, expected ${expected}`);
  }
}
