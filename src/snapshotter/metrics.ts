// Metrics: what the snapshotter counts, in the text format of Prometheus, and the server that gives them out, on loopback.
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Upper bounds of the histogram, seconds. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60];

interface Histogram {
  /** Observations at most as large as the bucket of the same position. */
  readonly counts: number[];
  sum: number;
  count: number;
}

export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #latencies = new Map<string, Histogram>();
  readonly #layers = new Map<string, number>();
  #bytes = 0;

  noteRequest(method: string, code: string, seconds: number): void {
    increase(this.#requests, `method="${method}",code="${code}"`);
    let histogram = this.#latencies.get(method);
    if (histogram === undefined) {
      histogram = { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
      this.#latencies.set(method, histogram);
    }
    for (const [i, bound] of BUCKETS.entries()) {
      if (seconds <= bound) histogram.counts[i] = (histogram.counts[i] ?? 0) + 1;
    }
    histogram.sum += seconds;
    histogram.count++;
  }

  noteLayer(outcome: 'lazy' | 'whole' | 'known' | 'unpacked'): void {
    increase(this.#layers, `outcome="${outcome}"`);
  }

  noteBytes(count: number): void {
    this.#bytes += count;
  }

  /** `gauges`: values of this moment, by name. */
  toText(gauges: Readonly<Record<string, number>>): string {
    const lines = [
      ...family('requests_total', 'counter', 'Requests of containerd, by method and status.'),
      ...samples('requests_total', this.#requests),
      ...family(
        'layers_total',
        'counter',
        'Layers of images that containerd asked for, by what became of them.',
      ),
      ...samples('layers_total', this.#layers),
      ...family('fetched_bytes_total', 'counter', 'Bytes of layers that this process fetched.'),
      `stratafs_snapshotter_fetched_bytes_total ${this.#bytes}`,
      ...family('request_seconds', 'histogram', 'Time until a request was answered.'),
      ...[...this.#latencies].flatMap(([method, histogram]) => histogramLines(method, histogram)),
    ];
    for (const [name, value] of Object.entries(gauges)) {
      lines.push(`# TYPE stratafs_snapshotter_${name} gauge`, `stratafs_snapshotter_${name} ${value}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

function increase(counts: Map<string, number>, labels: string): void {
  counts.set(labels, (counts.get(labels) ?? 0) + 1);
}

function family(name: string, type: string, help: string): string[] {
  return [`# HELP stratafs_snapshotter_${name} ${help}`, `# TYPE stratafs_snapshotter_${name} ${type}`];
}

function samples(name: string, counts: ReadonlyMap<string, number>): string[] {
  return [...counts].map(([labels, count]) => `stratafs_snapshotter_${name}{${labels}} ${count}`);
}

function histogramLines(method: string, { counts, sum, count }: Histogram): string[] {
  const name = 'stratafs_snapshotter_request_seconds';
  return [
    ...BUCKETS.map((bound, i) => `${name}_bucket{method="${method}",le="${bound}"} ${counts[i] ?? 0}`),
    `${name}_bucket{method="${method}",le="+Inf"} ${count}`,
    `${name}_sum{method="${method}"} ${sum}`,
    `${name}_count{method="${method}"} ${count}`,
  ];
}

/** Serves `/metrics` and `/healthz` on 127.0.0.1; resolves to the port when it listens. Port 0: any that is free. */
export async function serveMetrics(
  port: number,
  text: () => string,
): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((request, response) => {
    const isKnown = request.url === '/metrics' || request.url === '/healthz';
    const body = request.url === '/metrics' ? text() : isKnown ? 'ok\n' : 'not found\n';
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4' }).end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  return { port: (server.address() as AddressInfo).port, server };
}
