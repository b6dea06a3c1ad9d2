// Proxies by HTTPS_PROXY, HTTP_PROXY and NO_PROXY, as Go's net/http reads them, and so docker and skopeo.
import { BlockList, isIP } from 'node:net';
import { isLoopback } from './reference.ts';

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy for `url`; undefined: none. This machine itself is never asked through a proxy. */
export function proxyFor(url: URL, environment: Environment): string | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = variable(environment, name);
  if (proxy === '' || isLoopback(url.hostname) || isExcluded(url, variable(environment, 'NO_PROXY'))) {
    return undefined;
  }
  const address = /^[a-z0-9]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  return URL.canParse(address) ? address : undefined;
}

function variable(environment: Environment, name: string): string {
  return (environment[name] ?? environment[name.toLowerCase()] ?? '').trim();
}

/** Names match themselves and what is below them, `.name` only what is below; addresses match CIDR blocks. */
function isExcluded({ hostname, port, protocol }: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const actualPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  return list.split(',').some((part) => {
    const entry = part.trim().toLowerCase();
    if (entry === '' || entry === '*') return entry === '*';
    if (entry.includes('/')) return isIn(host, entry);
    const [, name = '', wantedPort] =
      /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
    if (wantedPort !== undefined && wantedPort !== actualPort) return false;
    const bare = name.replace(/^\[|\]$/g, '').replace(/^\*(?=\.)/, '');
    return bare.startsWith('.') ? host.endsWith(bare) : host === bare || host.endsWith(`.${bare}`);
  });
}

function isIn(host: string, block: string): boolean {
  const [address = '', bits = ''] = block.split('/');
  const version = isIP(host);
  const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (version === 0 || isIP(address) !== version || prefix < 0 || prefix > (version === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  const family = version === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(address, prefix, family);
  return list.check(host, family);
}
