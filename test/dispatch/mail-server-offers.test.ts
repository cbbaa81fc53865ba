import { describe, expect, it } from 'vitest';
import type { OutgoingEmail } from '../../src/dispatch/send-email-pipeline.ts';
import type { SendBatchInput } from '../../src/domain/dispatch.ts';
import { createDkimSigner } from '../../src/message/dkim/dkim.ts';
import { useClosers } from '../support/closers.ts';
import { useTestDatabase } from '../support/database.ts';
import { attempt, booksByAddress, dispatchHost, queuedCampaign } from '../support/dispatch-host.ts';
import { dkimVerdicts, rsa } from '../support/dkim.ts';
import {
  type ReceivedMessage,
  type SmtpReceiverOptions,
  startSmtpReceiver,
} from '../support/smtp-receiver.ts';

const database = useTestDatabase();

const closers = useClosers();

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

describe('bodies', () => {
  const html = '<html><body><p>Grüße, {{ contact.firstName }}</p></body></html>';
  let asked = 0;
  const three = () => {
    asked++;
    return ['ann', 'bob', 'cid'].map((name) => ({ email: `${name}-${asked}@example.com`, firstName: name }));
  };
  const isEightBit = ({ raw, parameters }: ReceivedMessage) => {
    const says = parameters.includes('BODY=8BITMIME');
    expect(raw.some((byte) => byte > 127)).toBe(says);
    expect(raw.toString('latin1').includes('quoted-printable')).toBe(!says);
    return says;
  };

  it('are quoted-printable until a mail server has said what it takes, and 8bit where it takes that', async () => {
    const { receiver, host } = await started({});
    await attempt(host, await queuedCampaign(database.db, three(), { html }));
    expect(receiver.messages.map(isEightBit)).toEqual([false, true, true]);
    await attempt(host, await queuedCampaign(database.db, [{ email: 'dan@example.com' }], { html }));
    expect(receiver.messages.slice(3).map(isEightBit)).toEqual([true]);
  });

  it('are composed again where this connection takes less than the last one did', async () => {
    const { receiver, host } = await started({ hide8BITMIME: true });
    host.mailServer.offers = { eightBitMime: true, smtpUtf8: true, sizeMaximum: undefined };
    const people = three();
    const batch = await queuedCampaign(database.db, people, { html });
    await attempt(host, batch);
    expect(receiver.messages.map(isEightBit)).toEqual([false, false, false]);
    expect(receiver.messages.map(({ to }) => to[0])).toEqual(people.map(({ email }) => email));
    expect(Object.values(await books(batch)).map(({ kind }) => kind)).toEqual(['sent', 'sent', 'sent']);
  });

  it('are quoted-printable where a step of the installation’s own may have changed the message', async () => {
    const receiver = await startSmtpReceiver();
    closers.push(() => receiver.close());
    const processors = {
      AddNote: (email: OutgoingEmail) => {
        if (email.message === undefined) return;
        email.message = {
          ...email.message,
          raw: Buffer.concat([Buffer.from('X-Note: x\r\n'), email.message.raw]),
        };
      },
    };
    const host = dispatchHost(database.db, { smtpUrl: receiver.url, processors });
    closers.push(() => host.close());
    const batch = await queuedCampaign(database.db, three(), { html });
    await attempt(host, { ...batch, sendEmail: ['FillEmail', 'AddNote', 'SendEmail', 'EmailSent', 'Sleep'] });
    expect(receiver.messages.map(isEightBit)).toEqual([false, false, false]);
    expect(receiver.messages.every(({ raw }) => raw.toString('latin1').startsWith('X-Note: x\r\n'))).toBe(
      true,
    );
  });

  it('are signed where the host has a key, and verified by another implementation', async () => {
    const receiver = await startSmtpReceiver();
    closers.push(() => receiver.close());
    const published = { domain: 'example.com', selector: 's1', privateKey: rsa };
    const host = dispatchHost(database.db, { smtpUrl: receiver.url, dkim: createDkimSigner(published) });
    closers.push(() => host.close());
    await attempt(host, await queuedCampaign(database.db, three(), { html }));
    expect(receiver.messages.map(isEightBit)).toEqual([false, false, false]);
    for (const { raw } of receiver.messages)
      expect(await dkimVerdicts(raw, published)).toMatchObject([{ result: 'pass' }]);
  });

  it('are signed as a step of the installation’s own has left them', async () => {
    const receiver = await startSmtpReceiver();
    closers.push(() => receiver.close());
    const published = { domain: 'example.com', selector: 's1', privateKey: rsa };
    const changed = (raw: Buffer) => Buffer.from(raw.toString('latin1').replaceAll('=C3=BC', 'ue'), 'latin1');
    const processors = {
      Spell: (email: OutgoingEmail) => {
        if (email.message !== undefined)
          email.message = { ...email.message, raw: changed(email.message.raw) };
      },
    };
    const dkim = createDkimSigner(published);
    const host = dispatchHost(database.db, { smtpUrl: receiver.url, dkim, processors });
    closers.push(() => host.close());
    const batch = await queuedCampaign(database.db, three(), { html });
    await attempt(host, { ...batch, sendEmail: ['FillEmail', 'Spell', 'SendEmail', 'EmailSent', 'Sleep'] });
    expect(receiver.messages).toHaveLength(3);
    for (const { raw } of receiver.messages) {
      expect(raw.toString('latin1')).toContain('Grue=C3=9Fe');
      expect(await dkimVerdicts(raw, published)).toMatchObject([{ result: 'pass' }]);
    }
  });
});
