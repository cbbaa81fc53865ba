import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { ownPorts } from '../support/ports.ts';

describe('a campaign that is Sending by its books', () => {
  let installation: Installation;
  let id: string;
  /** Takes connections and says nothing. */
  let silent: Server;
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    installation = await createInstallation();
    await importRecipients(installation, 3);
    id = await createCampaign(installation);
    await installation.database.db.$client.query(
      `update campaign set state = 'Sending', sub_state = 'Paused', queued = 3, reason = 'wrong price' where id = $1`,
      [id],
    );
    silent = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    silent?.close();
    await installation?.dispose();
  });

  const status = async (env: Record<string, string> = {}) =>
    await installation.exm(['campaign', 'status', id, '--json'], { env });
  const at = (port: number) => ({ TEMPORAL_ADDRESS: `127.0.0.1:${port}` });

  test('is said to have no workflow where Temporal knows none, and what it was paused for', async () => {
    const { code, json } = await status();
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      state: 'Sending',
      workflowRuns: false,
      reason: expect.stringMatching(
        new RegExp(`^no workflow runs .*"exm campaign start ${id}" .*Before that: wrong price$`),
      ),
    });
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.code).toBe(1);
    expect(watched.json()).toEqual(json());
    expect((await installation.exm(['campaign', 'status', id])).stdout).toContain('Reason: no workflow runs');
  });

  test.each(['is not there', 'does not answer'])(
    'shows its books, and says what it cannot tell, where Temporal %s',
    async (how) => {
      const [closed = 0] = await ownPorts(1);
      const port = how === 'is not there' ? closed : (silent.address() as AddressInfo).port;
      const { code, json, stderr } = await status(at(port));
      expect(code).toBe(0);
      expect(json()).toMatchObject({ state: 'Sending', workflowRuns: null, reason: 'wrong price' });
      expect(stderr).toMatch(/^Whether the campaign's workflow runs cannot be told now: .+\n$/);
    },
  );
});
