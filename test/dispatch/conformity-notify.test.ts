import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { notifyByMail } from '../../src/dispatch/notify.ts';
import { expectEncodedWords, onlyField, takeApart, unfolded } from '../support/mail-rules.ts';
import { noPython, readWithPython } from '../support/python-mail.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';

let receiver: SmtpReceiver;
beforeAll(async () => {
  receiver = await startSmtpReceiver();
});
afterAll(async () => await receiver.close());

/** The mail about the end of a dispatch, as the mail server received it. */
async function notified(name: string, address = 'news@example.com'): Promise<Buffer> {
  await notifyByMail({
    notify: { mail: 'ops@example.org' },
    smtpUrl: receiver.url,
    from: { name, address },
    internalApiKey: Buffer.alloc(32, 7),
    result: {
      campaignId: 'autumn-7k3f',
      name,
      state: 'Sent',
      totals: { queued: 2, sent: 2, failed: 0, skipped: 0, cancelled: 0, inDoubt: 0, remaining: 0 },
      excluded: {},
    },
  });
  return receiver.messages.at(-1)?.raw ?? Buffer.alloc(0);
}

const names = [
  'Autumn',
  'Grüße aus Österreich',
  '秋季促销🎉',
  '=?utf-8?q?=0D=0ABcc:_eve@evil.example?=',
  'a\r\nBcc: eve@evil.example',
  'x '.repeat(150),
];

describe('our own mail about the end of a dispatch', () => {
  test.each(names)('is right by the RFCs, and says that no person sent it (RFC 3834): %j', async (name) => {
    const message = takeApart(await notified(name));
    expectEncodedWords(message);
    expect(unfolded(onlyField(message, 'Auto-Submitted'))).toBe('auto-generated');
    for (const field of ['From', 'To', 'Subject', 'Date', 'Message-ID', 'MIME-Version'])
      onlyField(message, field);
    expect(message.fields.map((field) => field.name.toLowerCase())).not.toContain('bcc');
    expect(receiver.messages.at(-1)?.to).toEqual(['ops@example.org']);
  });

  test('has the same Message-ID when it is repeated, in ASCII also for a domain beyond it', async () => {
    const ids = [];
    for (const address of ['news@bücher.example', 'news@bücher.example'])
      ids.push(unfolded(onlyField(takeApart(await notified('Autumn', address)), 'Message-ID')));
    expect(ids).toEqual(ids.map(() => '<finished.autumn-7k3f@xn--bcher-kva.example>'));
  });

  test.skipIf(noPython !== undefined)(
    `has no defect for Python's strict parser${noPython === undefined ? '' : ` (skipped: ${noPython})`}`,
    async () => {
      const raws: Buffer[] = [];
      for (const name of names) raws.push(await notified(name));
      expect(readWithPython(raws).map(({ defects }) => defects)).toEqual(names.map(() => []));
    },
  );
});
