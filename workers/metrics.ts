import { createServer } from 'node:http';
import { isIPv6 } from 'node:net';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { BodyCacheStatistics } from '../src/message/body-cache.ts';
import { type ListenOptions, listenFailed } from './listen.ts';

/** Figures of one worker process for Prometheus, served on an address of their own. */
export interface MetricsServer {
  readonly registry: Registry;
  /** As a URL. */
  readonly address: string;
  close(): void;
}

/**
 * Answers `GET /metrics` in Prometheus' text format: what Node.js tells of the process, and what the role adds.
 *
 * @throws InputError LISTEN_FAILED where the address cannot be listened on
 */
export async function serveMetrics(
  { host, port }: ListenOptions,
  labels: { readonly role: string; readonly server: string },
): Promise<MetricsServer> {
  const registry = new Registry();
  registry.setDefaultLabels(labels);
  collectDefaultMetrics({ register: registry });
  const server = createServer((request, response) => {
    const isAsked = request.method === 'GET' || request.method === 'HEAD';
    if (!isAsked || request.url?.split('?')[0] !== '/metrics') {
      response
        .writeHead(404, { 'content-type': 'text/plain; charset=utf-8' })
        .end('The metrics are at /metrics.\n');
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(listenFailed('--metrics', { host, port }, cause)));
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  // A worker ends when its work has, whoever still reads its figures.
  server.unref();
  return {
    registry,
    address: `http://${isIPv6(host) ? `[${host}]` : host}:${boundPort}/metrics`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The message body cache: hits, misses, and how much of MessageBodyMaxCacheSize is used. */
export function addBodyCacheMetrics(
  registry: Registry,
  cache: { readonly statistics: BodyCacheStatistics },
): void {
  const counters = {
    hits: 'Messages composed with a body that had been rendered before.',
    misses: 'Bodies that had to be rendered, because they were not in the cache.',
    evictions: 'Bodies that were dropped to make room for others.',
  };
  for (const [name, help] of Object.entries(counters)) {
    new Counter({
      name: `exm_message_body_cache_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(cache.statistics[name as keyof typeof counters]);
      },
    });
  }
  const gauges = {
    entries: ['entries', 'Bodies in the cache: one per content, variant, language and encoding.'],
    bytes: ['bytes', 'Bytes that the bodies in the cache take.'],
    maximumBytes: ['maximum_bytes', 'Bytes that they may take: the setting messageBodyMaxCacheSize.'],
  } as const;
  for (const [key, [name, help]] of Object.entries(gauges)) {
    new Gauge({
      name: `exm_message_body_cache_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(cache.statistics[key as keyof typeof gauges]);
      },
    });
  }
}
