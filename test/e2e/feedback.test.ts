import { createTransport } from 'nodemailer';
import { beforeAll, describe, expect, test } from 'vitest';
import { bounceDomain, bounceMessage } from '../feedback/fixtures.ts';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import type { SmtpReceiverOptions } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

describe('what comes back', () => {
  let answerRcpt: NonNullable<SmtpReceiverOptions['onRcpt']> = () => undefined;
  const fixture = useCampaignFixture({
    env: { EXM_BOUNCE_DOMAIN: bounceDomain },
    receiver: { onRcpt: (address) => answerRcpt(address) },
  });
  let receiving: URL;
  beforeAll(async () => {
    const { installation } = fixture;
    const [processing] = await Promise.all([
      installation.startWorker('processing', ['--receive', '127.0.0.1:0']),
      installation.startWorker('dedicated-dispatch', ['--threads', '4', '--sleep-ms', '15']),
    ]);
    receiving = new URL(processing.address);
  });

  const query = async (text: string, ...values: unknown[]) =>
    (await fixture.installation.database.db.$client.query(text, values)).rows;
  const status = async (id: string) =>
    (await fixture.installation.exm(['campaign', 'status', id, '--json'])).json();
  const send = async (list: string): Promise<string> => {
    const id = await createCampaign(fixture.installation, { include: [list] });
    const { code, stderr } = await fixture.installation.exm(['campaign', 'start', id]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return id;
  };
  const sent = async (id: string) =>
    await waitFor(
      async () => (await query('select state from campaign where id = $1', id))[0].state === 'Sent',
      {
        describe: 'the campaign to be sent',
      },
    );
  const hand = async (to: string, raw: Buffer, from = '') => {
    const transport = createTransport({
      host: receiving.hostname,
      port: Number(receiving.port),
      ignoreTLS: true,
    });
    await transport.sendMail({ envelope: { from, to: [to] }, raw });
    transport.close();
  };

  test('is heard: bounces, by mail and by reply, and who unsubscribes by mail; the next campaign leaves them out', async () => {
    const { installation, receiver } = fixture;
    const [bounced = '', left = '', refused = '', reader = ''] = await importRecipients(
      installation,
      4,
      'people',
    );
    answerRcpt = (address) => (address === refused ? { code: 550, text: '5.1.1 no such user' } : undefined);
    const first = await send('people');
    await sent(first);
    const messageTo = (address: string) => receiver.messages.find(({ to }) => to.includes(address));
    await hand(messageTo(bounced)?.from ?? '', bounceMessage({ recipient: reader }));
    const ways =
      messageTo(left)
        ?.raw.toString()
        .replace(/\r\n\s+/g, ' ') ?? '';
    const [, unsubscribe = ''] = /mailto:([^?>]+)/.exec(ways) ?? [];
    await hand(unsubscribe, Buffer.from('Subject: unsubscribe\r\n\r\n'), left);
    await waitFor(async () => (await query('select from suppression')).length === 2, {
      describe: 'the bounces',
    });
    await waitFor(async () => (await query('select from global_opt_out')).length === 1, {
      describe: 'the no',
    });

    answerRcpt = () => undefined;
    const before = receiver.messages.length;
    const second = await send('people');
    await sent(second);
    expect(receiver.messages.slice(before).flatMap(({ to }) => to)).toEqual([reader]);
    expect(receivedBy(receiver).filter((address) => address === bounced)).toHaveLength(1);
    const [row] = await query('select excluded from campaign where id = $1', second);
    expect(row.excluded).toMatchObject({ 'global-opt-out': 1 });
  });

  test('pauses a campaign whose mail is refused', async () => {
    const { installation } = fixture;
    await importRecipients(installation, 1_200, 'many');
    // More than the rate is told by; the others wait, so that they are left however fast it is sent and slowly told.
    let refusals = 0;
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    answerRcpt = async () => {
      if (++refusals > 600) await gate;
      return { code: 554, text: '5.7.1 blocked' };
    };
    const id = await send('many');
    await waitFor(async () => (await status(id)).subState === 'Paused', {
      describe: 'the campaign to pause itself',
    }).finally(goOn);
    const paused = await status(id);
    expect(paused.reason).toMatch(
      /^\d+ of \d+ people have bounced, \d+\.\d %: the limit is 10 % \(pauseAtBouncePercent\)$/,
    );
    expect(paused.totals.remaining).toBeGreaterThan(0);
    const [audit] = await query(
      `select actor, why from campaign_audit where campaign_id = $1 and "to" = 'pause'`,
      id,
    );
    expect(audit).toEqual({ actor: 'exm', why: paused.reason });
    expect((await installation.exm(['campaign', 'cancel', id])).code).toBe(0);
  });
});
