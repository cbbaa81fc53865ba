import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SendBatchInput } from '../../src/domain/dispatch.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { attempt, booksByAddress, dispatchHost, queuedCampaign } from '../support/dispatch-host.ts';
import { type SmtpReceiverOptions, startSmtpReceiver } from '../support/smtp-receiver.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
});

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started(server: NonNullable<SmtpReceiverOptions['server']>) {
  const receiver = await startSmtpReceiver({ server });
  closers.push(() => receiver.close());
  const host = dispatchHost(database.db, { smtpUrl: receiver.url });
  closers.push(() => host.close());
  return { receiver, host };
}

const books = async (batch: SendBatchInput) => await booksByAddress(database.db, batch.campaignId);

describe('a mail server that does not take everything', () => {
  it('fails a recipient whose address needs SMTPUTF8, with the reason, and nobody else', async () => {
    const { receiver, host } = await started({ hideSMTPUTF8: true });
    const addresses = ['ann@example.com', 'zoë@example.com', 'bob@bücher.example'];
    const batch = await queuedCampaign(
      database.db,
      addresses.map((email) => ({ email })),
    );
    await attempt(host, batch);
    expect(await books(batch)).toMatchObject({
      'ann@example.com': { kind: 'sent' },
      'zoë@example.com': { kind: 'failed', reason: expect.stringContaining('SMTPUTF8'), reply: null },
      'bob@bücher.example': { kind: 'sent' },
    });
    expect(receiver.messages.flatMap(({ parameters }) => parameters)).not.toContain('SMTPUTF8');
  });

  it('fails a recipient whose message is larger than it takes, with the reason, and nobody else', async () => {
    const { receiver, host } = await started({ size: 10_000 });
    const batch = await queuedCampaign(
      database.db,
      [
        { email: 'long@example.com', facets: { story: 'x'.repeat(10_000) } },
        { email: 'short@example.com', facets: { story: 'x' } },
      ],
      { html: '<html><body>{{ contact.facets.story }}</body></html>' },
    );
    await attempt(host, batch);
    expect(await books(batch)).toMatchObject({
      'long@example.com': {
        kind: 'failed',
        reason: 'the message is larger than the mail server takes (SIZE 10000)',
        reply: null,
      },
      'short@example.com': { kind: 'sent' },
    });
    expect(receiver.messages).toHaveLength(1);
  });
});
