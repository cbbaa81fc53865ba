import { describe, expect, it } from 'vitest';
import { nothingOffered, readOffers } from '../../src/smtp/offers.ts';
import { type OutgoingMessage, SmtpSession } from '../../src/smtp/session.ts';
import { startBluntMailServer } from '../support/blunt-mail-server.ts';
import { useClosers } from '../support/closers.ts';
import { type SmtpReceiver, type SmtpReceiverOptions, startSmtpReceiver } from '../support/smtp-receiver.ts';

const raw = Buffer.from('Subject: Hello\r\n\r\nHello Ada\r\n');
const eightBit = Buffer.from('Subject: Hello\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n');
const ada = { from: 'news@example.com', to: 'ada@example.org' };
const zoe = { from: 'news@example.com', to: 'zoë@example.org' };
const toAda: OutgoingMessage = { envelope: ada, raw, encoding: '7bit' };
const toZoe: OutgoingMessage = { ...toAda, envelope: zoe };

const closers = useClosers();

async function connectedTo(
  server: NonNullable<SmtpReceiverOptions['server']>,
): Promise<{ receiver: SmtpReceiver; session: SmtpSession }> {
  const receiver = await startSmtpReceiver({ server });
  closers.push(() => receiver.close());
  const session = await SmtpSession.connect(receiver.url);
  closers.push(() => session.close());
  return { receiver, session };
}

async function greetedWith(says: string): Promise<SmtpSession> {
  const server = await startBluntMailServer({ at: (stage) => (stage === 'EHLO' ? { says } : undefined) });
  closers.push(() => server.close());
  const session = await SmtpSession.connect(server.url);
  closers.push(() => session.close());
  return session;
}

describe('what a mail server offers', () => {
  it('is known of a session from its beginning', async () => {
    const { session } = await connectedTo({ size: 20_000 });
    expect(session.offers).toEqual({ eightBitMime: true, smtpUtf8: true, sizeMaximum: 20_000 });
  });

  it('is what it offers after STARTTLS, not before', async () => {
    const receiver = await startSmtpReceiver({ server: { disabledCommands: [], hideSMTPUTF8: true } });
    closers.push(() => receiver.close());
    const session = await SmtpSession.connect(`${receiver.url}?requireTLS=true&tls.rejectUnauthorized=false`);
    closers.push(() => session.close());
    expect(session.offers).toMatchObject({ eightBitMime: true, smtpUtf8: false });
  });

  it('is nothing where it only knows HELO', async () => {
    const server = await startBluntMailServer({
      at: (stage) => (stage === 'EHLO' ? { says: '502 5.5.1 what?' } : undefined),
    });
    closers.push(() => server.close());
    const session = await SmtpSession.connect(server.url);
    closers.push(() => session.close());
    expect(session.offers).toEqual(nothingOffered);
  });

  it.each([
    ['250 8BITMIME', nothingOffered],
    ['250-host greets 8BITMIME SMTPUTF8 SIZE 5\r\n250 HELP', nothingOffered],
    [
      '250-host\r\n250-8bitmime\r\n250-SmtpUtf8\r\n250 size 1000',
      { eightBitMime: true, smtpUtf8: true, sizeMaximum: 1_000 },
    ],
    ['250-host\r\n250-SIZE\r\n250 8BITMIME', { ...nothingOffered, eightBitMime: true }],
    ['250-host\r\n250-SIZE 0\r\n250 X8BITMIME', nothingOffered],
    ['250-host\r\n250-SIZE 99999999999999999999\r\n250 XSMTPUTF8', nothingOffered],
    ['250-host\r\n250-SIZE -1\r\n250 HELP', nothingOffered],
    ['', nothingOffered],
  ])('is read line by line: %j', (reply, offers) => {
    expect(readOffers(reply)).toEqual(offers);
  });

  it.each(['250 blunt', '250-blunt\r\n250-8BITMIME\r\n250 SMTPUTF8'])(
    'is the same to the session as to the reader: %j',
    async (says) => {
      expect((await greetedWith(says)).offers).toEqual(readOffers(says));
    },
  );
});

describe('a message', () => {
  it('of 8 bits is announced as such, and arrives byte for byte', async () => {
    const { receiver, session } = await connectedTo({ size: 20_000 });
    expect(await session.send({ envelope: ada, raw: eightBit, encoding: '8bit' })).toMatchObject({
      kind: 'accepted',
    });
    expect(await session.send(toAda)).toMatchObject({ kind: 'accepted' });
    const [first, second] = receiver.messages;
    expect(first?.raw).toEqual(eightBit);
    expect(first?.parameters).toEqual(['BODY=8BITMIME', `SIZE=${eightBit.length}`]);
    expect(second?.parameters).toEqual([`SIZE=${raw.length}`]);
  });

  it('as large as the server takes is taken, and one byte more is not offered', async () => {
    const { receiver, session } = await connectedTo({ size: raw.length });
    expect(await session.send({ ...toAda, raw: Buffer.concat([raw, Buffer.from('x')]) })).toEqual({
      kind: 'unfit',
      reply: `the message is larger than the mail server takes (SIZE ${raw.length})`,
    });
    expect(await session.send(toAda)).toMatchObject({ kind: 'accepted' });
    expect(receiver.messages).toHaveLength(1);
  });
});

describe('an address that is not ASCII before its @', () => {
  it('goes by SMTPUTF8 where the server has it, and no other address does', async () => {
    const { receiver, session } = await connectedTo({ size: 20_000 });
    expect(await session.send(toZoe)).toMatchObject({ kind: 'accepted' });
    expect(await session.send(toAda)).toMatchObject({ kind: 'accepted' });
    const [first, second] = receiver.messages;
    expect(first?.to).toEqual(['zoë@example.org']);
    expect(first?.parameters).toEqual(expect.arrayContaining(['SMTPUTF8', 'BODY=8BITMIME']));
    expect(second?.parameters).toEqual([`SIZE=${raw.length}`]);
  });

  it('is not named to a server without it, and holds up nobody else', async () => {
    const named: string[] = [];
    const receiver = await startSmtpReceiver({
      server: { hideSMTPUTF8: true },
      onRcpt: (address) => void named.push(address),
    });
    closers.push(() => receiver.close());
    const session = await SmtpSession.connect(receiver.url);
    closers.push(() => session.close());
    expect(await session.send(toZoe)).toEqual({
      kind: 'unfit',
      reply: 'the address is not ASCII before its @, and the mail server does not take such (SMTPUTF8)',
    });
    expect(await session.send(toAda)).toMatchObject({ kind: 'accepted' });
    expect(named).toEqual(['ada@example.org']);
  });

  it('as the sender is nobody else’s fault', async () => {
    const { session } = await connectedTo({ hideSMTPUTF8: true });
    expect(await session.send({ ...toAda, envelope: { ...ada, from: 'büro@example.com' } })).toMatchObject({
      kind: 'sender-refused',
      reply: expect.stringContaining('SMTPUTF8'),
    });
  });
});
