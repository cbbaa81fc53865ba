import { connect, type Socket } from 'node:net';

export interface HttpLoad {
  readonly port: number;
  /** Connections that are kept open; each has one request on its way at a time. */
  readonly connections: number;
  /** What is asked for, in turn. */
  readonly paths: readonly string[];
  /** So many requests in all. */
  readonly requests: number;
  readonly userAgent: string;
}

export interface HttpLoadResult {
  readonly elapsedMs: number;
  /** How many answers of each status came. */
  readonly statuses: Readonly<Record<string, number>>;
  /** From a request to the last byte of its answer, milliseconds: 99 % of all answers took no longer. */
  readonly p99Ms: number;
}

/**
 * Asks a server on loopback as fast as it answers, over connections that are kept. With no HTTP client, for the load must
 * cost less than what is measured: an answer is read as far as its length says.
 *
 * @throws Error where a connection breaks, or an answer has no length
 */
export async function loadHttp(load: HttpLoad): Promise<HttpLoadResult> {
  const { port, connections, paths, requests, userAgent } = load;
  const took = new Float64Array(requests);
  const statuses: Record<string, number> = {};
  let next = 0;
  const rest = ` HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: ${userAgent}\r\nAccept: */*\r\n\r\n`;
  const clients = await Promise.all(
    Array.from({ length: Math.min(connections, requests) }, async () => await HttpClient.open(port)),
  );
  const startedAt = performance.now();
  try {
    await Promise.all(
      clients.map(async (client) => {
        while (next < requests) {
          const number = next++;
          const askedAt = performance.now();
          const status = await client.ask(`GET ${paths[number % paths.length]}${rest}`);
          took[number] = performance.now() - askedAt;
          statuses[status] = (statuses[status] ?? 0) + 1;
        }
      }),
    );
    return { elapsedMs: performance.now() - startedAt, statuses, p99Ms: quantile(took, 0.99) };
  } finally {
    for (const client of clients) client.close();
  }
}

/** The smallest value that at least this share of all values does not exceed; 0 where there are none. */
export function quantile(values: Float64Array, share: number): number {
  const sorted = values.toSorted();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** One connection, with one question at a time. */
class HttpClient {
  private received = '';
  private answered: ((status: string) => void) | undefined;
  private failed: ((error: Error) => void) | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.read(chunk));
    socket.on('error', (error) => this.failed?.(error));
    socket.on('close', () => this.failed?.(new Error('the server closed a connection')));
  }

  static async open(port: number): Promise<HttpClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new HttpClient(socket);
  }

  /** @returns the status of the answer, once all of it has come */
  ask(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.answered = resolve;
      this.failed = reject;
      this.socket.write(request);
    });
  }

  close(): void {
    this.failed = undefined;
    this.socket.destroy();
  }

  private read(chunk: string): void {
    this.received += chunk;
    const answer = readAnswer(this.received);
    if (answer === undefined) return;
    this.received = '';
    if (answer instanceof Error) this.failed?.(answer);
    else this.answered?.(answer.status);
  }
}

const head = /^HTTP\/1\.1 (\d{3}) [\s\S]*?\r\ncontent-length: (\d+)\r\n[\s\S]*?\r\n\r\n/i;

/** The answer that begins here; undefined while not all of it has come. An error where it does not say how long it is. */
export function readAnswer(received: string): { readonly status: string } | Error | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [, status, length] = head.exec(received.slice(0, headEnd + 4)) ?? [];
  if (status === undefined) return new Error(`an answer without its length: ${received.slice(0, headEnd)}`);
  return received.length < headEnd + 4 + Number(length) ? undefined : { status };
}
