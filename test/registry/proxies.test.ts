import { describe, expect, it } from 'vitest';
import { proxyFor } from '../../src/registry/proxies.ts';

const via = (url: string, environment: Record<string, string>): string | undefined =>
  proxyFor(new URL(url), environment);

describe('proxies', () => {
  it('are chosen by the protocol of the target', () => {
    const environment = { HTTPS_PROXY: 'http://s:1', http_proxy: 'p:2' };
    expect(via('https://q.io/', environment)).toBe('http://s:1');
    expect(via('http://q.io/', environment)).toBe('http://p:2');
    expect(via('http://q.io/', {})).toBeUndefined();
  });

  it('are never used for this machine', () => {
    expect(via('https://localhost:5000/', { HTTPS_PROXY: 'p:1' })).toBeUndefined();
    expect(via('https://127.0.0.1/', { HTTPS_PROXY: 'p:1' })).toBeUndefined();
  });

  it.each([
    ['*', 'https://q.io/'],
    ['a.b, q.io', 'https://q.io/'],
    ['q.io', 'https://x.q.io/'],
    ['.q.io', 'https://x.q.io/'],
    ['*.q.io', 'https://x.q.io/'],
    ['q.io:5000', 'https://q.io:5000/'],
    ['q.io:443', 'https://q.io/'],
    ['10.1.0.0/16', 'https://10.1.2.3/'],
    ['fd00::/8', 'https://[fd12::1]/'],
    ['10.1.2.3', 'https://10.1.2.3/'],
  ])('NO_PROXY=%s excludes %s', (list, url) => {
    expect(via(url, { HTTPS_PROXY: 'p:1', NO_PROXY: list })).toBeUndefined();
  });

  it.each([
    ['q.io', 'https://aq.io/'],
    ['.q.io', 'https://q.io/'],
    ['q.io:5000', 'https://q.io/'],
    ['10.1.0.0/16', 'https://10.2.0.1/'],
    ['10.1.0.0/99', 'https://10.1.0.1/'],
    ['', 'https://q.io/'],
  ])('NO_PROXY=%s does not exclude %s', (list, url) => {
    expect(via(url, { HTTPS_PROXY: 'p:1', NO_PROXY: list })).toBe('http://p:1');
  });
});
