import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { isGrpcCancelledError } from '@temporalio/client';
import { afterAll, describe, expect, it } from 'vitest';
import { campaignStatus } from '../../src/client/client.ts';
import { lazyClient } from '../../src/temporal/client-connection.ts';
import { waitFor } from '../support/wait-for.ts';

// Takes connections and drops them: each attempt of a request fails, and is tried again after a while.
let dropped = 0;
const server = createServer((socket) => {
  dropped++;
  socket.destroy();
}).listen(0, '127.0.0.1');
await once(server, 'listening');
afterAll(() => server.close());
const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;

describe('a client of Temporal', () => {
  it('rejects a request that is being tried again when its connection is closed, and no process ends of it', async () => {
    const client = lazyClient({ TEMPORAL_ADDRESS: address });
    const asking = campaignStatus(client, 'autumn-7k3f').catch((error: unknown) => error);
    await waitFor(() => dropped > 0);
    await client.connection.close();
    // vitest fails of what is thrown in a timer.
    expect(await asking).toSatisfy((error) => isGrpcCancelledError((error as Error).cause));
  });

  it('rejects a request over a connection that was closed before', async () => {
    const client = lazyClient({ TEMPORAL_ADDRESS: address });
    await client.connection.close();
    await expect(campaignStatus(client, 'autumn-7k3f')).rejects.toThrow();
  });
});
