import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DispatchStatus } from '../../src/domain/dispatch.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import type { Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import type { SmtpAnswer } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

/** A processor that gives each message a stamp from what `tierOf` says of its recipient. */
const configure = ({ dir }: Installation, tierOf: string) =>
  writeFileSync(
    join(dir, 'exm.config.ts'),
    `
import { defineConfig } from 'exm-dispatch';
const tierOf = ${tierOf};
export default defineConfig({
  processors: {
    Tier: (email) => {
      const stamp = 'X-Tier: ' + tierOf(email.recipient) + '\\r\\n';
      email.message = { ...email.message, raw: Buffer.concat([Buffer.from(stamp), email.message.raw]) };
    },
  },
  pipelines: { sendEmail: ['FillEmail', 'Tier', 'SendEmail', 'EmailSent', 'Sleep'] },
  settings: { dispatchBatchSize: 10, deferralFirstDelaySeconds: 1, deferralMaximumHours: 0.001 },
});
`,
  );
const mended = `({ facets }) => (facets.tier ?? 'none').toUpperCase()`;
/** Every tenth recipient meets it, each time. */
const broken = `({ facets, email }) => (email.includes('5@') ? facets.tier.toUpperCase() : 'NONE')`;

describe('one bad thing in a campaign', () => {
  let answerRcpt: (address: string) => SmtpAnswer | undefined = () => undefined;
  const fixture = useCampaignFixture({
    receiver: { onRcpt: (address) => answerRcpt(address) },
    prepare: (installation) => configure(installation, mended),
  });
  let client: Client;
  const recipients = 60;
  let addresses: string[];

  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);
  const status = async (id: string) => (await exm('campaign', 'status', id)).json();
  const query = async (text: string, values: unknown[] = []) =>
    (await fixture.installation.database.db.$client.query(text, values)).rows;
  const dispatcher = async (name: string) =>
    await fixture.installation.startWorker('dedicated-dispatch', [
      ...['--name', name, '--pool', name.slice(0, 3), '--sleep-ms', '0', '--threads', '2'],
    ]);

  beforeAll(async () => {
    client = await connectClient(fixture.installation.env);
    addresses = await importRecipients(fixture.installation, recipients);
  });
  afterAll(async () => await client?.connection.close());
  beforeEach(() => {
    fixture.receiver.messages.length = 0;
  });

  test('a processor that throws pauses the campaign with its error; mended and resumed, it repeats nobody', async () => {
    const { installation, receiver } = fixture;
    configure(installation, broken);
    const bad = await dispatcher('bug-1');
    const id = await createCampaign(installation, { pool: 'bug' });
    await exm('campaign', 'start', id);
    await waitFor(async () => (await status(id)).subState === 'Paused', {
      describe: 'the campaign to be held',
    });
    const reason = expect.stringMatching(
      /The processor "Tier" threw: Cannot read properties of undefined .*PROCESSOR_FAILED/,
    );
    expect(await status(id)).toMatchObject({ state: 'Sending', finished: false, reason });
    const workflow = client.workflow.getHandle(`campaign/${id}`);
    expect(await workflow.query<DispatchStatus>('status')).toMatchObject({ subState: 'Paused', reason });
    const { currentDetails } = await workflow.query<{ currentDetails: string }>(
      '__temporal_workflow_metadata',
    );
    expect(currentDetails).toEqual(reason);
    // Resumed with nothing mended it is paused again.
    expect((await exm('campaign', 'resume', id)).code).toBe(0);
    await waitFor(async () => (await status(id)).subState === 'Paused', { describe: 'it to be held again' });
    const before = receiver.messages.length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(recipients);

    configure(installation, mended);
    await bad.stop();
    const good = await dispatcher('bug-2');
    expect((await exm('campaign', 'resume', id)).code).toBe(0);
    const watched = await exm('campaign', 'watch', id);
    expect(watched.json()).toMatchObject({
      state: 'Sent',
      reason: null,
      totals: { queued: recipients, sent: recipients },
    });
    expect(receivedBy(receiver)).toEqual([...addresses].sort());
    await good.stop();
  });

  test('a recipient is failed with the reason, and all others get the mail', async () => {
    const [impossible, template, refused, never] = addresses.slice(10);
    await query(`update contact set email = 'no one at all' where email = $1`, [impossible]);
    await query(`update contact set first_name = 'Loop' where email = $1`, [template]);
    answerRcpt = (address) => {
      if (address === refused) return { code: 550, text: '5.1.1 no such user' };
      return address === never ? { code: 451, text: '4.2.1 never' } : undefined;
    };
    const sender = await dispatcher('one-1');
    const id = await createCampaign(fixture.installation, {
      pool: 'one',
      subject:
        'Hello{% if contact.firstName == "Loop" %}{% for i in (1..1000000000) %}.{% endfor %}{% endif %}',
    });
    const ended = await exm('campaign', 'start', id, '--watch');
    answerRcpt = () => undefined;
    expect(ended.json()).toMatchObject({
      state: 'Sent',
      totals: { queued: recipients, sent: recipients - 4, failed: 4, remaining: 0 },
    });
    expect(Object.keys(ended.json().failedByReason).sort()).toEqual([
      "The contact's address is not one that mail can be sent to.",
      expect.stringMatching(/^The subject of body en.* takes too much time or memory for this recipient\.$/),
      'put off by the mail server for too long',
      'refused by the mail server',
    ]);
    const poisoned = [impossible, template, refused, never];
    expect(receivedBy(fixture.receiver)).toEqual(
      addresses.filter((address) => !poisoned.includes(address)).sort(),
    );
    await sender.stop();
  });
});
