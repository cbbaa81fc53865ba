import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { loadHttp, quantile, readAnswer } from '../../src/bench/http-load/load-http.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function startServer(answer: Parameters<typeof createServer>[1] & object) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers['user-agent']}`);
    answer(request, response);
  });
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { asked, port: (server.address() as AddressInfo).port };
}

describe('the load', () => {
  test('asks for every path in turn, as often as it is told to, and counts the answers', async () => {
    const { asked, port } = await startServer((request, response) => {
      const isImage = request.url === '/image';
      response.writeHead(isImage ? 200 : 302, { 'content-length': isImage ? 43 : 0 });
      response.end(isImage ? Buffer.alloc(43, 0xff) : '');
    });
    const load = { port, connections: 4, paths: ['/image', '/link'], requests: 31, userAgent: 'Bench/1.0' };
    const result = await loadHttp(load);
    expect(result.statuses).toEqual({ 200: 16, 302: 15 });
    expect(asked.toSorted()).toEqual([
      ...Array<string>(16).fill('/image Bench/1.0'),
      ...Array<string>(15).fill('/link Bench/1.0'),
    ]);
    expect(result.p99Ms).toBeGreaterThan(0);
    expect(result.elapsedMs).toBeGreaterThan(result.p99Ms);
  });

  test('fails where a connection breaks', async () => {
    const { port } = await startServer((_request, response) => response.destroy());
    const load = { port, connections: 2, paths: ['/'], requests: 10, userAgent: 'Bench/1.0' };
    await expect(loadHttp(load)).rejects.toThrow('the server closed a connection');
  });

  test('fails where an answer does not say how long it is', async () => {
    const { port } = await startServer((_request, response) => void response.write('chunk'));
    const load = { port, connections: 1, paths: ['/'], requests: 1, userAgent: 'Bench/1.0' };
    await expect(loadHttp(load)).rejects.toThrow('an answer without its length');
  });
});

test('an answer has come when its head and all of its body have', () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nDate: now\r\n\r\nabc';
  for (let length = 0; length < answer.length; length++) {
    expect(readAnswer(answer.slice(0, length))).toBeUndefined();
  }
  expect(readAnswer(answer)).toEqual({ status: '200' });
});

test.each([
  [[3, 1, 2], 0.5, 2],
  [[3, 1, 2], 0.99, 3],
  [[7], 0.01, 7],
  [[], 0.5, 0],
])('of %j no more than the rest is above its quantile of %d', (values, share, expected) => {
  expect(quantile(Float64Array.from(values), share)).toBe(expected);
});
