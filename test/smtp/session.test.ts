import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type OutgoingMessage, type SessionLimits, SmtpSession } from '../../src/smtp/session.ts';
import { type Misconduct, type SmtpStage, startBluntMailServer } from '../support/blunt-mail-server.ts';
import { useClosers } from '../support/closers.ts';
import { startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const envelope = { from: 'news@example.com', to: 'ada@example.org' };
const raw = Buffer.from('Subject: Hello\r\n\r\nHello Ada\r\n');
const message: OutgoingMessage = { envelope, raw, encoding: '7bit' };

const closers = useClosers();

async function connected(url: string, limits: Partial<SessionLimits> = {}): Promise<SmtpSession> {
  const session = await SmtpSession.connect(url, limits);
  closers.push(() => session.close());
  return session;
}

/** A session with a server that misbehaves at one stage. */
async function misusedAt(
  misused: SmtpStage,
  misconduct: Misconduct,
  limits?: Partial<SessionLimits>,
): Promise<SmtpSession> {
  const server = await startBluntMailServer({
    at: (stage) => (stage === misused ? misconduct : undefined),
  });
  closers.push(() => server.close());
  return await connected(server.url, limits);
}

describe('an SMTP session', () => {
  it.each([
    { farewell: '550 5.7.1 not for you', kind: 'rejected' },
    { farewell: '451 4.7.1 come back later', kind: 'later' },
  ])('answers, and is closed, where the server says $farewell and hangs up', async ({ farewell, kind }) => {
    const server = await startBluntMailServer({
      at: (stage) => (stage === 'RCPT' ? { says: farewell, hangsUp: true } : undefined),
    });
    closers.push(() => server.close());
    const session = await connected(server.url);
    expect(await session.send(message)).toEqual({ kind, reply: farewell });
    await waitFor(() => !session.isOpen, { describe: 'the session is closed' });
  });

  it('carries the next message after one that is larger than the server takes', async () => {
    const receiver = await startSmtpReceiver({ server: { size: 1_000 } });
    closers.push(() => receiver.close());
    const session = await connected(receiver.url);
    const large = Buffer.concat([raw, Buffer.alloc(2_000, 'x')]);
    expect(await session.send({ ...message, raw: large })).toMatchObject({
      kind: 'unfit',
      reply: 'the message is larger than the mail server takes (SIZE 1000)',
    });
    expect(await session.send(message)).toMatchObject({ kind: 'accepted' });
    expect(receiver.messages).toHaveLength(1);
  });

  it('says that the connection was lost where it breaks with a message on it', async () => {
    const receiver = await startSmtpReceiver();
    closers.push(() => receiver.close());
    const session = await connected(receiver.url);
    receiver.hold();
    const sending = session.send(message);
    await waitFor(() => receiver.held > 0);
    receiver.cutConnections();
    expect(await sending).toMatchObject({ kind: 'connection-lost', handedOver: true });
    expect(session.isOpen).toBe(false);
  });

  it('carries a message that is larger than what the network holds, and the next with it', async () => {
    const receiver = await startSmtpReceiver();
    closers.push(() => receiver.close());
    const session = await connected(receiver.url);
    const large = {
      ...message,
      raw: Buffer.concat([raw, Buffer.alloc(30_000_000, `${'x'.repeat(73)}\r\n`)]),
    };
    expect(await session.send(large, message)).toMatchObject({ kind: 'accepted' });
    expect(await session.send(message)).toMatchObject({ kind: 'accepted' });
    const [first, second] = receiver.messages;
    expect(first?.raw.equals(large.raw)).toBe(true);
    expect(second?.raw).toEqual(raw);
  });

  it('ends lines as SMTP does, so that no line of a message is taken for its end', async () => {
    const receiver = await startSmtpReceiver();
    closers.push(() => receiver.close());
    const session = await connected(receiver.url);
    const smuggling = 'Subject: x\n\n\r.\rMAIL FROM:<eve@example.com>\n.\nDATA\n.\r\n..';
    expect(await session.send({ ...message, raw: Buffer.from(smuggling) })).toMatchObject({
      kind: 'accepted',
    });
    expect(receiver.messages.map((received) => String(received.raw))).toEqual([
      `${smuggling.replace(/\r\n?|\n/g, '\r\n')}\r\n`,
    ]);
  });

  it('refuses an address that would say commands of its own, and carries the next message', async () => {
    const named: string[] = [];
    const receiver = await startSmtpReceiver({ onRcpt: (address) => void named.push(address) });
    closers.push(() => receiver.close());
    const session = await connected(receiver.url);
    const eve = { ...envelope, to: 'eve@example.org>\r\nRCPT TO:<ida@example.org' };
    const attack = { ...message, envelope: eve };
    expect(await session.send(attack)).toEqual({
      kind: 'rejected',
      reply: expect.stringContaining('no envelope can hold the recipient'),
    });
    expect(await session.send(message, attack)).toMatchObject({ kind: 'accepted' });
    expect(await session.send(attack)).toMatchObject({ kind: 'rejected' });
    expect(named).toEqual([envelope.to]);
  });

  describe('where the connection is lost, says whether the server may have the message', () => {
    const commands = ['MAIL', 'RCPT', 'DATA'] as const;

    it.each([
      ...commands.map((stage) => ({ stage, handedOver: false })),
      ...(['content', 'answer'] as const).map((stage) => ({ stage, handedOver: true })),
    ])('hung up at $stage: $handedOver', async ({ stage, handedOver }) => {
      const session = await misusedAt(stage, { hangsUp: true });
      expect(await session.send(message)).toMatchObject({ kind: 'connection-lost', handedOver });
    });

    it.each([
      ...commands.map((stage) => ({ stage, handedOver: false })),
      { stage: 'answer' as const, handedOver: true },
    ])('silent at $stage: $handedOver', async ({ stage, handedOver }) => {
      // Only what is to be given up soon: the others take longer on a machine that stands still for a moment.
      const session = await misusedAt(
        stage,
        'nothing',
        stage === 'answer' ? { contentMs: 300 } : { envelopeMs: 300 },
      );
      expect(await session.send(message)).toMatchObject({ kind: 'connection-lost', handedOver });
    });

    it.each([...commands, 'answer' as const])('421 at %s: it was refused', async (stage) => {
      const says = '421 4.3.2 closing';
      const session = await misusedAt(stage, { says, hangsUp: true });
      expect(await session.send(message)).toEqual({
        kind: 'connection-lost',
        reply: says,
        handedOver: false,
      });
    });

    it.each(['354 more', 'what?'])('an answer that answers nothing (%s): it may have it', async (says) => {
      const session = await misusedAt('answer', { says });
      expect(await session.send(message)).toMatchObject({
        kind: 'connection-lost',
        handedOver: true,
      });
    });
  });

  describe('with a mail server that takes its time', () => {
    it('waits for the answer to a message longer than for those before it', async () => {
      const receiver = await startSmtpReceiver();
      closers.push(() => receiver.close());
      const session = await connected(receiver.url, { envelopeMs: 2_000 });
      receiver.hold();
      const sending = session.send(message);
      await waitFor(() => receiver.held > 0);
      await pause(3_000);
      receiver.release();
      expect(await sending).toMatchObject({ kind: 'accepted' });
      expect(receiver.messages).toHaveLength(1);
    });

    it('gives up before the message is handed over where the envelope gets no answer', async () => {
      const receiver = await startSmtpReceiver({ onRcpt: async () => await new Promise(() => undefined) });
      closers.push(() => receiver.close());
      const session = await connected(receiver.url, { envelopeMs: 300 });
      expect(await session.send(message)).toEqual({
        kind: 'connection-lost',
        reply: 'the server did not answer MAIL, RCPT and DATA within 0.3 s',
        handedOver: false,
      });
      expect(session.isOpen).toBe(false);
      await waitFor(() => receiver.connections === 0);
    });

    it('hangs up where the message gets no answer', async () => {
      const receiver = await startSmtpReceiver();
      closers.push(() => receiver.close());
      const session = await connected(receiver.url, { contentMs: 300 });
      receiver.hold();
      expect(await session.send(message)).toEqual({
        kind: 'connection-lost',
        reply: 'the server did not answer the message within 0.3 s',
        handedOver: true,
      });
      expect(session.isOpen).toBe(false);
    });

    it('does not wait for it to forget a refused message', async () => {
      const server = await startBluntMailServer({
        at: (stage) =>
          stage === 'RSET' ? 'nothing' : stage === 'answer' ? { says: '554 5.7.1 no' } : undefined,
      });
      closers.push(() => server.close());
      const session = await connected(server.url, { courtesyMs: 300 });
      expect(await session.send(message)).toMatchObject({ kind: 'rejected' });
      expect(session.isOpen).toBe(false);
    });

    it.each(['greeting', 'EHLO', 'AUTH'] as const)(
      'gives no connection where %s gets no answer',
      async (command) => {
        const server = await startBluntMailServer({
          at: (stage) => (stage === command ? 'nothing' : undefined),
        });
        closers.push(() => server.close());
        const url = server.url.replace('//', '//user:secret@');
        await expect(SmtpSession.connect(url, { connectMs: 300 })).rejects.toMatchObject({
          code: 'MTA_UNREACHABLE',
          message: expect.stringContaining('within 0.3 s'),
        });
      },
    );
  });
});
