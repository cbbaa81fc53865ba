import { setTimeout as delay } from 'node:timers/promises';
import PostalMime from 'postal-mime';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { recordHistory } from '../support/histories.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a campaign from start to Sent', () => {
  const fixture = useCampaignFixture();

  beforeAll(async () => {
    await Promise.all([
      fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '0']),
      fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd2', '--sleep-ms', '0']),
    ]);
  });

  beforeEach(() => {
    fixture.receiver.messages.length = 0;
  });

  test.each([0, 1, 3])('with an audience of %i ends in Sent by itself', async (count) => {
    const { installation, receiver } = fixture;
    const list = `list-${count}`;
    if (count === 0) await installation.exm(['list', 'create', list]);
    const addresses = count === 0 ? [] : await importRecipients(installation, count, list);
    const id = await createCampaign(installation, { include: [list] });
    const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
    expect(started.json()).toMatchObject({
      id,
      state: 'Sent',
      totals: { queued: count, sent: count, failed: 0, skipped: 0, cancelled: 0, inDoubt: 0, remaining: 0 },
    });
    expect(started.code).toBe(0);
    expect(started.stderr).not.toMatch(/Draft|0 of 0/);
    expect(receivedBy(receiver)).toEqual(addresses.sort());
    await recordHistory(installation, `campaign/${id}`, `audience-of-${count}`);
  });

  test('mails 3,000 recipients exactly once over two dispatchers, each with their own message', async () => {
    const { installation, receiver } = fixture;
    const addresses = await importRecipients(installation, 3_000);
    const id = await createCampaign(installation);
    const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
    expect(started.json()).toMatchObject({
      state: 'Sent',
      totals: { queued: 3_000, sent: 3_000, remaining: 0 },
    });
    expect(receivedBy(receiver)).toEqual([...addresses].sort());

    const status = (await installation.exm(['campaign', 'status', id, '--json'])).json();
    const shares = status.servers as { name: string; sent: number }[];
    expect(shares.map(({ name }) => name)).toEqual(['d1', 'd2']);
    expect(shares.every(({ sent }) => sent > 0)).toBe(true);
    expect(shares.reduce((sum, { sent }) => sum + sent, 0)).toBe(3_000);

    const messageIds = new Set<string>();
    for (const { raw, to } of receiver.messages) {
      const parsed = await PostalMime.parse(raw);
      const [address = ''] = to;
      const number = address.slice(1, address.indexOf('@'));
      expect(parsed.subject).toBe(`Hello Name${number}`);
      expect(parsed.to?.map((mailbox) => mailbox.address)).toEqual([address]);
      expect(parsed.html).toContain(`Hello Name${number}`);
      expect(parsed.text).toContain('Müller');
      expect(parsed.headers.find(({ key }) => key === 'list-unsubscribe-post')?.value).toBe(
        'List-Unsubscribe=One-Click',
      );
      messageIds.add(parsed.messageId ?? '');
    }
    expect(messageIds.size).toBe(3_000);
    await recordHistory(installation, `campaign/${id}`, 'three-thousand');
    await recordHistory(installation, `campaign/${id}/batch/1`, 'send-batch');
  });

  test('honours an opt-out that comes after the campaign was queued', async () => {
    const { installation, receiver } = fixture;
    const addresses = await importRecipients(installation, 200, 'late');
    receiver.hold();
    const id = await createCampaign(installation, { include: ['late'] });
    await installation.exm(['campaign', 'start', id]);
    // A start answers when the conditions are checked, which is before anybody is queued.
    await waitFor(
      async () => (await installation.exm(['campaign', 'status', id, '--json'])).json().state === 'Sending',
      { describe: 'the campaign is queued' },
    );
    // The fiftieth in the queue, whose order is that of the addresses. The first batch has a hundred at the least, of which
    // ten are on their way, one for each thread. The last of the queue may be in a batch so short that all of it is.
    const out = addresses.sort()[49] ?? '';
    expect((await installation.exm(['contact', 'opt-out', out])).code).toBe(0);
    // What a dispatcher has read is sent within a second or read again, so a "no" counts after a second at the latest.
    await delay(1_100);
    receiver.release();
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json()).toMatchObject({
      state: 'Sent',
      totals: { queued: 200, sent: 199, skipped: 1 },
      skippedByReason: { 'global-opt-out': 1 },
    });
    expect(receivedBy(receiver)).not.toContain(out);
  });

  test('a test send goes out at once, marked as a test, and stays out of the books', async () => {
    const { installation, receiver } = fixture;
    const id = await createCampaign(installation);
    const sent = await installation.exm([
      'campaign',
      'test',
      id,
      '--to',
      'ann@example.com,bob@example.com',
      '--json',
    ]);
    expect(sent.json()).toMatchObject({ id, sent: 2, failed: 0 });
    expect(receivedBy(receiver)).toEqual(['ann@example.com', 'bob@example.com']);
    const parsed = await PostalMime.parse(receiver.messages[0]?.raw ?? '');
    expect(parsed.subject).toMatch(/test/i);
    const status = (await installation.exm(['campaign', 'status', id, '--json'])).json();
    expect(status).toMatchObject({ state: 'Draft', totals: { queued: 0, sent: 0 } });
  });
});
