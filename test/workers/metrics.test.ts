import { afterEach, expect, test } from 'vitest';
import { BodyCache } from '../../src/message/body-cache.ts';
import { addBodyCacheMetrics, type MetricsServer, serveMetrics } from '../../workers/metrics.ts';

const servers: MetricsServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(port = 0): Promise<MetricsServer> {
  const server = await serveMetrics(
    { host: '127.0.0.1', port },
    { role: 'dedicated-dispatch', server: 'mta-1' },
  );
  servers.push(server);
  return server;
}

test('the message body cache is served as it is at the moment, with the process it is of', async () => {
  const { registry, address } = await serve();
  const cache = new BodyCache<{ bytes: number }>(1_000);
  addBodyCacheMetrics(registry, cache);
  cache.get('one', () => ({ bytes: 300 }));
  cache.get('one', () => ({ bytes: 300 }));
  const read = async () => await (await fetch(address)).text();
  const labels = '{role="dedicated-dispatch",server="mta-1"}';
  const text = await read();
  expect(text).toContain('# TYPE exm_message_body_cache_hits_total counter');
  expect(text).toContain(`exm_message_body_cache_hits_total${labels} 1`);
  expect(text).toContain(`exm_message_body_cache_misses_total${labels} 1`);
  expect(text).toContain(`exm_message_body_cache_bytes${labels} 303`);
  expect(text).toContain(`exm_message_body_cache_maximum_bytes${labels} 1000`);
  expect(text).toContain('process_resident_memory_bytes');
  cache.get('two', () => ({ bytes: 900 }));
  expect(await read()).toContain(`exm_message_body_cache_evictions_total${labels} 1`);
});

test('nothing else is served there', async () => {
  const { address } = await serve();
  expect((await fetch(address.replace('/metrics', '/'))).status).toBe(404);
  expect((await fetch(address, { method: 'POST' })).status).toBe(404);
});

test('an address that is taken is named', async () => {
  const { address } = await serve();
  await expect(serve(Number(new URL(address).port))).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    field: '--metrics',
  });
});
