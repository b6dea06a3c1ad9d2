// Parses WWW-Authenticate (RFC 9110, 11.6.1): which way of authentication a registry wants.

/** One way, with its parameters in lower case: realm, service, scope, error. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Foreign input: headers are bounded by the HTTP client, and this is a bound for programs that call it otherwise. */
const MAX_LENGTH = 16_384;

/** The challenges of a header, in order. Malformed parts are left out. */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, MAX_LENGTH);
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  const token =
    /[\t ,]*([\w!#$%&'*+.^`|~-]+)(?:[\t ]*=[\t ]*(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~:/-]+)))?/gy;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [, word = '', quoted, plain] = match;
    const value = quoted?.replace(/\\(.)/gs, '$1') ?? plain;
    if (value === undefined) found.push({ scheme: word.toLowerCase(), parameters: new Map() });
    else found.at(-1)?.parameters.set(word.toLowerCase(), value);
  }
  return found;
}
