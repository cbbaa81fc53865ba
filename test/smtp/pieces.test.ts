import { describe, expect, it } from 'vitest';
import type { Conversation } from '../../src/smtp/conversation.ts';
import type { OutgoingMessage } from '../../src/smtp/mail-session.ts';
import type { SmtpResult } from '../../src/smtp/reply.ts';
import type { BluntMailServerOptions, Misconduct, SmtpStage } from '../support/blunt-mail-server.ts';
import fc from '../support/fast-check.ts';
import { conversationInPieces, pipelines } from '../support/mail-wire.ts';

/** What the server does with one message. */
interface Fate {
  readonly stage: 'MAIL' | 'RCPT' | 'DATA' | 'answer';
  readonly does: keyof typeof misconducts | 'nothing unusual';
  /** Takes DATA even where it has refused the recipient, or the sender. */
  readonly insists: boolean;
}

const misconducts = {
  later: { says: '451 4.7.1 come back later' },
  no: { says: '550 5.7.1 no' },
  'no, at length': { says: '554-5.7.1 no\r\n554-and no\r\n554 5.7.1 at all' },
  'too large': { says: '552 5.3.4 too large' },
  closing: { says: '421 4.3.2 closing', hangsUp: true },
  'hangs up': { hangsUp: true },
  'makes no sense': { says: 'what?' },
  'says no and yes': { says: '550-no\r\n250 yes' },
} satisfies Record<string, Misconduct>;

const fates = fc.array(
  fc.record({
    stage: fc.constantFrom('MAIL', 'RCPT', 'DATA', 'answer'),
    does: fc.constantFrom(
      ...(Object.keys(misconducts) as Fate['does'][]),
      ...Array<'nothing unusual'>(8).fill('nothing unusual'),
    ),
    insists: fc.boolean(),
  }) as fc.Arbitrary<Fate>,
  { minLength: 1, maxLength: 6 },
);

const accepted: SmtpResult = { kind: 'accepted', reply: '250 2.0.0 taken' };

/** By what the server did, and nothing else. */
function expected({ stage, does }: Fate): SmtpResult {
  const lost = (reply: string): SmtpResult => ({
    kind: 'connection-lost',
    reply,
    handedOver: stage === 'answer' && does !== 'closing',
  });
  switch (does) {
    case 'nothing unusual':
      return accepted;
    case 'later':
      return { kind: stage === 'MAIL' ? 'server-busy' : 'later', reply: '451 4.7.1 come back later' };
    case 'no':
      return { kind: stage === 'MAIL' ? 'sender-refused' : 'rejected', reply: '550 5.7.1 no' };
    case 'no, at length':
      return {
        kind: stage === 'MAIL' ? 'sender-refused' : 'rejected',
        reply: '554-5.7.1 no 554-and no 554 5.7.1 at all',
      };
    case 'too large':
      return { kind: 'rejected', reply: '552 5.3.4 too large' };
    case 'closing':
      return lost('421 4.3.2 closing');
    case 'hangs up':
      return lost('the server closed the connection');
    case 'makes no sense':
      return lost('what?');
    case 'says no and yes':
      return lost('550-no 250 yes');
  }
}

interface Delivered {
  readonly results: SmtpResult[];
  /** Recipient, sender and content of each message that the server took. */
  readonly taken: string[][];
}

const contentOf = (index: number) => `Subject: number ${index}\r\n\r\nof ${index}\r\nthe end\r\n`;
const messageOf = (index: number): OutgoingMessage => ({
  envelope: { from: `from-${index}@example.com`, to: `to-${index}@example.org` },
  raw: Buffer.from(contentOf(index)),
  encoding: '7bit',
  isCanonical: true,
});

/** Sends one message after the other, over another connection where one has been lost. */
async function deliver(
  fated: readonly Fate[],
  { sizes, ahead, greeted }: { sizes: number[]; ahead: boolean; greeted: string },
): Promise<Delivered> {
  const taken: string[][] = [];
  const server: BluntMailServerOptions = {
    at: (stage: SmtpStage, _recipient, sender) => {
      if (stage === 'greeting') return { says: '' };
      const fate = fated[Number(/\d+/.exec(sender)?.[0])];
      if (fate === undefined || fate.does === 'nothing unusual') return undefined;
      if (fate.stage === stage) return misconducts[fate.does];
      const isRefused = fate.stage === 'MAIL' || fate.stage === 'RCPT';
      return stage === 'DATA' && isRefused && fate.insists ? { says: '354 go on' } : undefined;
    },
    takes: (content, recipient, sender) => taken.push([recipient, sender, content]),
  };
  const messages = fated.map((_, index) => messageOf(index));
  const results: SmtpResult[] = [];
  let conversation: Conversation | undefined;
  for (const [index, message] of messages.entries()) {
    if (!conversation?.isOpen) conversation = conversationInPieces(server, sizes, { greeted });
    results.push(await conversation.send(message, ahead ? messages[index + 1] : undefined));
  }
  conversation?.close();
  return { results, taken };
}

const pieceSizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });
const modes = [
  { name: 'one command at a time', ahead: true, greeted: '250 blunt' },
  { name: 'an envelope at a time', ahead: false, greeted: pipelines },
  { name: 'with the next envelope ahead', ahead: true, greeted: pipelines },
];

describe('however a mail server’s replies are cut and put together', () => {
  it.each(modes)('each message has its own result, and its own content: $name', async (mode) => {
    await fc.assert(
      fc.asyncProperty(fates, pieceSizes, async (fated, sizes) => {
        const { results, taken } = await deliver(fated, { ...mode, sizes });
        expect(results).toEqual(fated.map(expected));
        const wanted = fated.flatMap((fate, index) =>
          expected(fate).kind === 'accepted' ? [messageOf(index)] : [],
        );
        expect(taken).toEqual(wanted.map(({ envelope, raw }) => [envelope.to, envelope.from, String(raw)]));
      }),
      { numRuns: 150 },
    );
  });
});
