import { createTransport } from 'nodemailer';
import { afterAll, describe, expect, it } from 'vitest';
import { server } from '../../src/db/schema.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { createTestDatabase } from './database.ts';
import { createInstallation } from './installation.ts';
import { startSmtpReceiver } from './smtp-receiver.ts';
import { waitFor } from './wait-for.ts';

describe('a test database', () => {
  it('is migrated, and a change in one is not seen in another', async () => {
    const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    await one.db.insert(server).values({ name: 'a', role: 'primary', host: 'h', pid: 1 });
    expect(await one.db.select().from(server)).toHaveLength(1);
    expect(await two.db.select().from(server)).toHaveLength(0);
    await one.drop();
    await two.drop();
  });

  it('reports a connection that a test left open', async () => {
    const database = await createTestDatabase();
    const { default: pg } = await import('pg');
    const leak = new pg.Client({ connectionString: database.url, application_name: 'leaky' });
    leak.on('error', () => undefined);
    await leak.connect();
    await expect(database.drop(1_000)).rejects.toThrow('leaky');
  });
});

describe('the SMTP receiver', () => {
  it('keeps what it accepts and refuses what it is told to', async () => {
    const receiver = await startSmtpReceiver({
      onRcpt: (to) => (to.startsWith('no') ? { code: 550, text: '5.1.1 No such user' } : undefined),
    });
    const transport = createTransport(receiver.url);
    await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', subject: 's', text: 't' });
    await expect(
      transport.sendMail({ from: 'a@example.com', to: 'no@example.com', text: 't' }),
    ).rejects.toThrow('550');
    expect(receiver.messages.map((message) => message.to)).toEqual([['b@example.com']]);
    await receiver.close();
  });

  it('answers nothing while it holds', async () => {
    const receiver = await startSmtpReceiver();
    receiver.hold();
    const sending = createTransport(receiver.url).sendMail({ from: 'a@x.com', to: 'b@x.com', text: 't' });
    await waitFor(() => receiver.held === 1);
    expect(receiver.messages).toHaveLength(0);
    receiver.release();
    await sending;
    expect(receiver.messages).toHaveLength(1);
    await receiver.close();
  });
});

describe('an installation', async () => {
  const installation = await createInstallation();
  afterAll(() => installation.dispose());

  it('runs commands on its own database', async () => {
    const result = await installation.exm(['migrate', '--json']);
    expect(result.stderr).toBe('');
    expect(result.json()).toEqual({ before: 'current', after: 'current' });
  });

  it('shares a Temporal server that knows the search attributes', async () => {
    const client = await connectClient(installation.env);
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining(['ExmState', 'ExmCampaignName']));
    await client.connection.close();
  });
});
