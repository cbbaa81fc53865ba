import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { campaign } from '../../src/db/schema.ts';
import { type PreviewRequest, previewMessage } from '../../src/dispatch/preview-message.ts';
import { sendTestMessage } from '../../src/dispatch/send-test-message.ts';
import { createTestSend } from '../../src/dispatch/test-send.ts';
import { insertCampaign, insertContacts } from '../contacts/fixtures.ts';
import { baseUrl, definition, keys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { attempt, dispatchHost, queuedCampaign, type TestHost } from '../support/dispatch-host.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';

const html = `<html><body><p>Grüß Gott {{ contact.firstName }}</p>{% component offer %}<a href="https://shop.example/all">All</a>
{% variation vip %}<a href="https://shop.example/vip">For {{ contact.lastName }}</a>{% endcomponent %}
<a href="{{ viewOnlineUrl }}">online</a> <a href="{{ unsubscribeUrl }}">unsubscribe</a></body></html>`;
const rules = { offer: [{ when: 'int(contact.facets.points) > 100', show: 'vip' }] } as const;
const people = [
  { email: 'ada@example.org', firstName: 'Ada', lastName: 'Lovelace', facets: { points: '200' } },
  { email: 'bob@example.org', firstName: 'Böb', facets: { points: 'many' } },
];

/** Without what differs from one message to the next of the same person, and what marks a test. */
function comparable(raw: Buffer | undefined): string {
  return (raw?.toString('utf8') ?? 'none')
    .replace(/^Date: .*\r$/m, 'Date: now')
    .replace(/^Message-ID: .*\r$/im, 'Message-ID: its own')
    .replace(/^Subject: \[Test\] /m, 'Subject: ');
}

describe('the preview of a campaign', () => {
  const database = useTestDatabase();
  let receiver: SmtpReceiver;
  let host: TestHost;
  let campaignId: string;
  let draft: string;
  beforeAll(async () => {
    receiver = await startSmtpReceiver({ server: { hide8BITMIME: true } });
    host = dispatchHost(database.db, { smtpUrl: receiver.url });
    const change = { html, rules, subject: 'Hello {{ contact.firstName }}' };
    const batch = await queuedCampaign(database.db, people, change);
    campaignId = batch.campaignId;
    await attempt(host, batch);
    draft = await insertCampaign(database.db, {});
    await insertContacts(database.db, [{ email: 'nl@example.org', language: 'nl-be' }]);
    const body = (text: string) => ({
      subject: text,
      template: { format: 'html' as const, file: `${text}.html`, source: `<p>${text}</p>` },
    });
    const bodies = (text: string) => ({ en: body(`${text} en`), de: body(`${text} de`) });
    await database.db
      .update(campaign)
      .set({
        definition: definition({
          bodies: bodies('A'),
          fallback: { nl: ['de'] },
          test: { share: 20, winner: { by: 'hand' }, variants: [{ bodies: bodies('B') }] },
        }),
      })
      .where(eq(campaign.id, draft));
  });
  afterAll(async () => {
    host?.close();
    await receiver?.close();
  });

  const preview = (request: Partial<PreviewRequest> = {}) =>
    previewMessage(database.db, { campaignId, email: 'ada@example.org', ...request }, { baseUrl, keys });
  const sentTo = (email: string) => receiver.messages.find(({ to }) => to.includes(email))?.raw;

  test.each(['ada@example.org', 'bob@example.org'])(
    'is, asked for exactly, byte for byte the message that was sent but for its date: %s',
    async (email) => {
      const { message, queuedAt } = await preview({ email, exact: true });
      expect(queuedAt).toBeGreaterThan(0);
      expect(comparable(message.raw)).toBe(comparable(sentTo(email)));
      expect(sentTo(email)?.toString()).toContain(message.messageId);
    },
  );

  test('is byte for byte the test message, but for date, Message-ID and mark', async () => {
    const { message } = await preview();
    const before = receiver.messages.length;
    const addresses = ['ada@example.org'];
    const testSendId = await createTestSend(database.db, { campaignId, addresses });
    await sendTestMessage(host, { campaignId, testSendId });
    const sent = receiver.messages[before]?.raw;
    expect(comparable(message.raw)).toBe(comparable(sent));
    expect(sent?.toString()).toContain('Subject: [Test] Hello Ada');
    expect(message.raw.toString()).toContain('Subject: Hello Ada');
    // None of the contact's own links are in it.
    expect(comparable(message.raw)).not.toBe(comparable(sentTo('ada@example.org')));
  });

  test('says what the rules chose for the contact, and which of them cannot be evaluated for it', async () => {
    const ada = await preview();
    expect(ada).toMatchObject({ isFrozen: true, variant: 'A', variants: 1, ruleFailures: [] });
    expect([...ada.components]).toEqual([['offer', 'vip']]);
    const bob = await preview({ email: 'BOB@example.org' });
    expect([...bob.components]).toEqual([]);
    expect(bob.ruleFailures).toEqual([
      { component: 'offer', rule: 1, reason: 'int_conversion_error', times: 1 },
    ]);
  });

  test('is of a draft what it would be now, in the language and variant asked for, or the contact’s', async () => {
    const subject = async (request: Partial<PreviewRequest>) => {
      const { message, isFrozen } = await preview({ campaignId: draft, email: 'nl@example.org', ...request });
      expect(isFrozen).toBe(false);
      return /^Subject: (.*)\r$/m.exec(message.raw.toString())?.[1];
    };
    expect(await subject({})).toBe('A de');
    expect(await subject({ variant: 'b' })).toBe('B de');
    expect(await subject({ variant: 'B', language: 'EN' })).toBe('B en');
    await database.db.execute(sql`update campaign set winner = 1 where id = ${draft}`);
    expect(await subject({})).toBe('B de');
  });

  test('shows whom an A/B test keeps waiting a variant that only stands for the winner', async () => {
    await database.db.execute(sql`update campaign set winner = null where id = ${draft}`);
    await database.db.execute(sql`insert into dispatch_queue (campaign_id, position, contact_id, variant, language)
      select ${draft}, 1, id, null, 'de' from contact where email = 'nl@example.org'`);
    const behind = { campaignId: draft, email: 'nl@example.org' };
    expect(await preview(behind)).toMatchObject({ variant: 'A', awaitsWinner: true });
    expect(await preview({ ...behind, variant: 'B' })).toMatchObject({ variant: 'B', awaitsWinner: false });
    await expect(preview({ ...behind, exact: true })).rejects.toMatchObject({ code: 'PREVIEW_NO_WINNER' });
  });

  test.each([
    [{ email: 'eve@example.org' }, 'CONTACT_UNKNOWN'],
    [{ email: 'ada' }, 'ADDRESS_WRONG'],
    [{ campaignId: 'none' }, 'CAMPAIGN_UNKNOWN'],
    [{ variant: 'B' }, 'VARIANT_UNKNOWN'],
    [{ language: 'fr' }, 'LANGUAGE_UNKNOWN'],
    [{ email: 'nl@example.org', exact: true }, 'PREVIEW_NOT_QUEUED'],
  ])('says what is wrong: %o', async (request, code) => {
    await expect(preview(request)).rejects.toMatchObject({ code });
  });
});
