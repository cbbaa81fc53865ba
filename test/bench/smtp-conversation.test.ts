import { describe, expect, it } from 'vitest';
import { type ReceiverCounts, SmtpConversation } from '../../src/bench/receiver/smtp-conversation.ts';
import fc from '../support/fast-check.ts';

const noCounts = (): ReceiverCounts => ({ messages: 0, bytes: 0, firstMs: 0, lastMs: 0, connections: 0 });

/** What is answered to each chunk, and what was counted. */
function converse(...chunks: (string | Buffer)[]) {
  const counts = noCounts();
  const conversation = new SmtpConversation(counts);
  const answers = chunks.map((chunk) => conversation.take(Buffer.from(chunk as string, 'latin1')));
  return { answers, counts, over: conversation.over };
}

const envelope = 'MAIL FROM:<a@example.com> SIZE=10\r\nRCPT TO:<b@example.com>\r\nDATA\r\n';
const accepted = '250 2.0.0 Ok\r\n';
const envelopeAccepted = '250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go on\r\n';

describe('the receiver of the bench', () => {
  it('offers what a sender may use, and answers all commands of a chunk at once', () => {
    const { answers } = converse(
      'EHLO x\r\n',
      envelope,
      `Hello\r\n.\r\n${envelope}`,
      'Again\r\n.\r\nQUIT\r\n',
    );
    expect(answers[0]).toMatch(
      /^250-.*\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE \d+\r\n250 /,
    );
    expect(answers.slice(1)).toEqual([
      envelopeAccepted,
      accepted + envelopeAccepted,
      `${accepted}221 2.0.0 Bye\r\n`,
    ]);
  });

  it('counts messages and the bytes of their content', () => {
    const { counts } = converse(envelope, `Hello\r\n.\r\n${envelope}`, '.\r\n');
    expect(counts).toMatchObject({ messages: 2, bytes: 'Hello\r\n.\r\n'.length + '.\r\n'.length });
    expect(counts.lastMs).toBeGreaterThanOrEqual(counts.firstMs);
    expect(counts.firstMs).toBeGreaterThan(0);
  });

  it('takes a line that begins with a stuffed dot for content', () => {
    const { counts, answers } = converse(
      envelope,
      'a\r\n..\r\n..b\r\n.c\r\n\r\n.',
      '.\r\n',
      '\r\n.\r\nNOOP\r\n',
    );
    expect(answers).toEqual([envelopeAccepted, '', '', accepted + accepted]);
    expect(counts.messages).toBe(1);
  });

  it('reads the same wherever the wire cuts it, where the sender waits for the answer to DATA', () => {
    const lines = fc.array(
      fc.constantFrom('', '.', '..', '.x', 'text', '\r', '\r\r', '.\r', 'x'.repeat(90), '\n', '\n.'),
      { maxLength: 12 },
    );
    // As a sender does it: a dot that begins a line is doubled.
    const content = lines.map((all) => all.map((line) => `${line.replace(/^\./, '..')}\r\n`).join(''));
    fc.assert(
      fc.property(
        fc.array(content, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat({ max: 400 }), { maxLength: 30 }),
        (contents, cuts) => {
          // What a sender writes at once, at the most: a content and the next envelope.
          const writes = ['EHLO x\r\n', ...contents.map((one) => `${one}.\r\n`), 'QUIT\r\n'].map(
            (one, index) => one + (index < contents.length ? envelope : ''),
          );
          const ends = writes.map((_, index) => writes.slice(0, index + 1).join('').length);
          const wire = Buffer.from(writes.join(''));
          const at = [...new Set([...ends, ...cuts.map((cut) => cut % wire.length)])].sort((a, b) => a - b);
          const chunks = [0, ...at].map((from, index) => wire.subarray(from, at[index] ?? wire.length));
          const whole = converse(...writes);
          const cut = converse(...chunks);
          expect(cut.answers.join('')).toBe(whole.answers.join(''));
          expect(cut.counts).toMatchObject({ messages: contents.length, bytes: whole.counts.bytes });
          expect(whole.counts.bytes).toBe(contents.join('').length + contents.length * '.\r\n'.length);
        },
      ),
    );
  });

  it('refuses content that does not wait for the answer to DATA', () => {
    const { answers, counts, over } = converse(`${envelope}Hello\r\n.\r\n${envelope}Again\r\n.\r\n`);
    expect(answers[0]?.split('\r\n').slice(2)).toEqual([
      '354 Go on',
      expect.stringMatching(/^503 5\.5\.0 /),
      '',
    ]);
    expect({ over, messages: counts.messages }).toEqual({ over: true, messages: 0 });
  });

  it('refuses content for nobody, what it does not know, and a line without an end', () => {
    expect(converse('DATA\r\n').answers).toEqual(['503 5.5.1 No recipient\r\n']);
    expect(converse('RCPT TO:<b@example.com>\r\n', 'rset\r\ndata\r\n').answers[1]).toBe(
      '250 2.0.0 Ok\r\n503 5.5.1 No recipient\r\n',
    );
    expect(converse('VRFY ann\r\n\r\nNO\r\n').answers).toEqual(['500 5.5.2 Not known\r\n'.repeat(3)]);
    expect(converse('x'.repeat(3_000), 'x'.repeat(3_000))).toMatchObject({
      answers: ['', '500 5.5.6 Line too long\r\n'],
      over: true,
    });
  });
});
