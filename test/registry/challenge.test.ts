import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../src/registry/challenge.ts';

const parse = (header: string): unknown[] =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('challenges', () => {
  it('have quoted and plain parameters', () => {
    expect(
      parse('Bearer realm="https://a.b/t?x=1,2",service=reg , scope="repository:a/b:pull,push"'),
    ).toEqual([
      ['bearer', { realm: 'https://a.b/t?x=1,2', service: 'reg', scope: 'repository:a/b:pull,push' }],
    ]);
    expect(parse(String.raw`Basic realm="a \"b\" \\"`)).toEqual([
      ['basic', { realm: String.raw`a "b" \ `.trim() }],
    ]);
  });

  it('may be several', () => {
    expect(parse('Negotiate, Basic realm=x, Bearer realm="y", service="z"')).toEqual([
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
      ['bearer', { realm: 'y', service: 'z' }],
    ]);
  });

  it('that are malformed end, whatever they hold', () => {
    expect(parse('')).toEqual([]);
    expect(parse('Bearer realm="never ends')).toEqual([
      ['bearer', {}],
      ['realm', {}],
    ]);
    expect(parse(`Bearer ${'"'.repeat(100_000)}`)).toEqual([['bearer', {}]]);
  });
});
