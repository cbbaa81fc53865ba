import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../src/smtp/mail-session.ts';
import { replyMaximum } from '../../src/smtp/reply-reader.ts';
import { conversationOver, type MailWireOptions, pipelines } from '../support/mail-wire.ts';
import { waitFor } from '../support/wait-for.ts';

const messageTo = (name: string): OutgoingMessage => ({
  envelope: { from: 'news@example.com', to: `${name}@example.org` },
  raw: Buffer.from(`Subject: to ${name}\r\n\r\nHello ${name}\r\n`),
  encoding: '7bit',
  isCanonical: true,
});
const [ada, bob, cid] = [messageTo('ada'), messageTo('bob'), messageTo('cid')] as const;
const envelopeOf = ({ envelope, raw }: OutgoingMessage) =>
  `MAIL FROM:<${envelope.from}> SIZE=${raw.length}\r\nRCPT TO:<${envelope.to}>\r\nDATA\r\n`;
const contentOf = ({ raw }: OutgoingMessage) => `${raw}.\r\n`;

/** A conversation whose other side is the test: it says what it wants, when it wants. */
function talk(options?: MailWireOptions) {
  const [near, far] = duplexPair();
  const packets: string[] = [];
  let isOver = false;
  near.once('close', () => {
    isOver = true;
  });
  far.on('data', (bytes: Buffer) => packets.push(bytes.toString()));
  const conversation = conversationOver(near, options);
  return {
    conversation,
    hangUp: () => far.end(),
    /** From now on the server reads nothing more. */
    stopReading: () => far.pause(),
    /** Lets the server say it in one packet. */
    says: async (said: string) => {
      far.write(said, 'latin1');
      await turn();
    },
    /** What the server has heard since it was asked last. */
    heard: async () => {
      await turn();
      return packets.splice(0).join('');
    },
    isOver: () => isOver,
  };
}

const agreed = '250 fine\r\n250 fine\r\n354 go on\r\n';
const taken = '250 2.0.0 taken\r\n';
const isLost = (reply: unknown = expect.any(String)) => ({
  kind: 'connection-lost',
  reply,
  handedOver: false,
});

describe('a message that is answered before the server has had all of it', () => {
  it.each([
    ['552 5.3.4 too large\r\n', 'rejected'],
    ['250 2.0.0 taken\r\n', 'accepted'],
  ])(
    'costs the connection: its rest must neither come nor be made up of another message',
    async (said, kind) => {
      const { conversation, says, stopReading, isOver } = talk();
      const large = { ...ada, raw: Buffer.alloc(1_000_000, 'x\r\n') };
      const sending = conversation.send(large, bob);
      await says(agreed.replace('354 go on\r\n', ''));
      stopReading();
      await says('354 go on\r\n');
      await says(said);
      expect(await sending).toMatchObject({ kind });
      await waitFor(isOver, { describe: 'the connection to be given up' });
      expect(await conversation.send(bob, undefined)).toEqual(isLost());
    },
  );
});

describe('a message that is announced', () => {
  it('has its envelope behind the content before it, and its content with the envelope after it', async () => {
    const { conversation, says, heard } = talk();
    const first = conversation.send(ada, bob);
    expect(await heard()).toBe(envelopeOf(ada));
    await says(agreed);
    expect(await heard()).toBe(contentOf(ada) + envelopeOf(bob));
    await says(taken + agreed);
    expect(await first).toEqual({ kind: 'accepted', reply: '250 2.0.0 taken' });
    const second = conversation.send(bob, cid);
    expect(await heard()).toBe(contentOf(bob) + envelopeOf(cid));
    await says(taken + agreed);
    expect(await second).toMatchObject({ kind: 'accepted' });
    const third = conversation.send(cid, undefined);
    expect(await heard()).toBe(contentOf(cid));
    await says(taken);
    expect(await third).toMatchObject({ kind: 'accepted' });
    conversation.close();
    expect(await heard()).toBe('QUIT\r\n');
  });

  it('waits for what is said about its envelope', async () => {
    const { conversation, says, heard } = talk();
    const first = conversation.send(ada, bob);
    await says(agreed);
    await says(`${taken}250 fi`);
    await first;
    await heard();
    const second = conversation.send(bob, undefined);
    await says('ne\r\n250 fine\r\n');
    expect(await heard()).toBe('');
    await says('354 go on\r\n');
    expect(await heard()).toBe(contentOf(bob));
    await says(taken);
    expect(await second).toMatchObject({ kind: 'accepted' });
  });

  it('and refused is answered without a word, and RSET goes before the next', async () => {
    const { conversation, says, heard } = talk();
    const first = conversation.send(ada, bob);
    await says(agreed);
    await says(`${taken}250 fine\r\n550 5.1.1 unknown\r\n503 5.5.1 nobody\r\n`);
    await first;
    await heard();
    expect(await conversation.send(bob, cid)).toEqual({ kind: 'rejected', reply: '550 5.1.1 unknown' });
    expect(await heard()).toBe(`RSET\r\n${envelopeOf(cid)}`);
    const third = conversation.send(cid, undefined);
    await says(`250 forgotten\r\n${agreed}`);
    expect(await heard()).toBe(contentOf(cid));
    await says(taken);
    expect(await third).toMatchObject({ kind: 'accepted' });
  });

  it('is not announced behind one whose sender was put off, which is tried again', async () => {
    const { conversation, says, heard } = talk();
    const first = conversation.send(ada, bob);
    await heard();
    await says('451 4.3.2 not so fast\r\n503 5.5.1 no sender\r\n503 5.5.1 nobody\r\n');
    expect(await first).toEqual({ kind: 'server-busy', reply: '451 4.3.2 not so fast' });
    expect(await heard()).toBe('');
    const again = conversation.send(ada, bob);
    expect(await heard()).toBe(`RSET\r\n${envelopeOf(ada)}`);
    await says(`250 forgotten\r\n${agreed}`);
    await says(taken);
    expect(await again).toMatchObject({ kind: 'accepted' });
  });

  it('leaves the one before it as it was where the server hangs up in between', async () => {
    const { conversation, says, hangUp, isOver } = talk();
    const first = conversation.send(ada, bob);
    await says(agreed);
    await says(taken);
    hangUp();
    expect(await first).toMatchObject({ kind: 'accepted' });
    await waitFor(isOver);
    expect(conversation.isOpen).toBe(false);
    expect(await conversation.send(bob, undefined)).toEqual(isLost('the server closed the connection'));
  });

  it('and withdrawn takes the connection with it, and nothing more is said', async () => {
    const { conversation, says, heard, isOver } = talk();
    const first = conversation.send(ada, bob);
    await says(agreed);
    await says(taken + agreed);
    await first;
    await heard();
    conversation.withdraw();
    expect(conversation.isOpen).toBe(false);
    await waitFor(isOver);
    expect(await heard()).toBe('');
  });

  it('and withdrawn before the one before it is answered lets that one come through', async () => {
    const { conversation, says } = talk();
    const first = conversation.send(ada, bob);
    await says(agreed);
    conversation.withdraw();
    expect(conversation.isOpen).toBe(true);
    await says(taken);
    expect(await first).toMatchObject({ kind: 'accepted' });
    expect(conversation.isOpen).toBe(false);
  });

  it('and withdrawn after it was refused leaves the connection', async () => {
    const { conversation, says, heard } = talk();
    const first = conversation.send(ada, bob);
    await says(agreed);
    await says(`${taken}250 fine\r\n450 not now\r\n503 nobody\r\n`);
    await first;
    await heard();
    conversation.withdraw();
    expect(conversation.isOpen).toBe(true);
    void conversation.send(cid, undefined);
    expect(await heard()).toBe(`RSET\r\n${envelopeOf(cid)}`);
  });

  it('never has another one’s content behind its envelope', async () => {
    const { conversation, says, heard } = talk();
    const first = conversation.send(ada, bob);
    await says(agreed);
    await says(taken + agreed);
    await first;
    await heard();
    expect(await conversation.send({ ...bob }, undefined)).toEqual(isLost());
    expect(await heard()).toBe('');
    expect(conversation.isOpen).toBe(false);
  });

  it('is not withdrawn by one who announced nothing', async () => {
    const { conversation, says } = talk();
    const first = conversation.send(ada, undefined);
    await says(agreed);
    await says(taken);
    await first;
    conversation.withdraw();
    expect(conversation.isOpen).toBe(true);
  });

  it('is announced to nobody who does not offer PIPELINING', async () => {
    const { conversation, says, heard } = talk({ greeted: '250-blunt\r\n250 SIZE' });
    const first = conversation.send(ada, bob);
    const dialogue = [];
    for (const reply of ['250 fine', '250 fine', '354 go on', '250 taken']) {
      dialogue.push(await heard());
      await says(`${reply}\r\n`);
    }
    expect(dialogue.join('')).toBe(envelopeOf(ada) + contentOf(ada));
    expect(dialogue).toHaveLength(4);
    expect(await first).toMatchObject({ kind: 'accepted' });
    expect(await heard()).toBe('');
    expect(conversation.isOpen).toBe(true);
  });
});

describe('what a server says out of turn ends the connection', () => {
  it.each([
    ['a "yes" before the content has come', `${agreed}250 taken\r\n`, isLost('250 taken')],
    ['a "no" before it', `${agreed}550 no\r\n`, { kind: 'rejected', reply: '550 no' }],
    ['421 before it', `${agreed}421 closing\r\n`, isLost('421 closing')],
    ['"yes" to DATA, which could be to RCPT', '250 fine\r\n250 fine\r\n250 fine\r\n', isLost('250 fine')],
    [
      'an invitation after a "no" to the recipient',
      '250 fine\r\n550 no\r\n354 go on\r\n',
      { kind: 'rejected', reply: '550 no' },
    ],
    [
      'an invitation after a "no" to the sender',
      '450 no\r\n503 no\r\n354 go on\r\n',
      { kind: 'server-busy', reply: '450 no' },
    ],
    ['an answer that answers nothing', '354 go on\r\n', isLost('354 go on')],
    ['what is no reply', 'HTTP/1.1 400 Bad Request\r\n', isLost('HTTP/1.1 400 Bad Request')],
    ['a reply without an end', '2'.repeat(replyMaximum + 1), isLost(expect.stringContaining('longer than'))],
    [
      'a reply of endless lines',
      '250-and so on\r\n'.repeat(replyMaximum / 10),
      isLost(expect.stringContaining('longer than')),
    ],
  ])('%s', async (_, said, expected) => {
    const { conversation, says, heard } = talk();
    const result = conversation.send(ada, bob);
    await heard();
    await says(said);
    expect(await result).toEqual(expected);
    expect(await heard()).toBe('');
    expect(conversation.isOpen).toBe(false);
  });

  it('also where nothing was asked, and the message before is accepted all the same', async () => {
    const { conversation, says } = talk();
    const first = conversation.send(ada, undefined);
    await says(agreed);
    await says(`${taken}250 again\r\n`);
    expect(await first).toMatchObject({ kind: 'accepted' });
    expect(conversation.isOpen).toBe(false);
  });

  it('also while nothing is sent, and before the first message', async () => {
    const idle = talk();
    await idle.says('421 4.4.2 idle for too long\r\n');
    expect(idle.conversation.isOpen).toBe(false);
    expect(await idle.conversation.send(ada, undefined)).toEqual(isLost('421 4.4.2 idle for too long'));
    expect(talk({ unread: '421 4.3.2 closing\r\n' }).conversation.isOpen).toBe(false);
  });
});

describe('a reply', () => {
  it('that refuses counts without the end of its line, where the server hangs up', async () => {
    const { conversation, says, hangUp } = talk();
    const result = conversation.send(ada, undefined);
    await says(agreed);
    await says('554 5.7.1 no');
    hangUp();
    expect(await result).toEqual({ kind: 'rejected', reply: '554 5.7.1 no' });
  });

  it('that agrees does not', async () => {
    const { conversation, says, hangUp } = talk();
    const result = conversation.send(ada, undefined);
    await says(agreed);
    await says('250 2.0.0 tak');
    hangUp();
    expect(await result).toMatchObject({ kind: 'connection-lost', handedOver: true });
  });

  it('is kept as one line of text, whatever is in it', async () => {
    const { conversation, says } = talk();
    const result = conversation.send(ada, undefined);
    await says(agreed);
    await says(`250-gr\xc3\xbc\xc3\x9fe\0\x1b[31m\r\n\r\n250  ${'x'.repeat(1_000)}\r\n`);
    const { reply } = await result;
    expect(reply).toMatch(/^250-grüße \[31m 250 x+$/);
    expect(reply).toHaveLength(500);
  });
});

describe('a server that fills the time with single bytes', () => {
  it.each([
    ['its answer to the envelope', '', 'MAIL, RCPT and DATA', false],
    ['its answer to the message', agreed, 'the message', true],
  ])('is given up in %s', async (_, before, what, handedOver) => {
    const limits = { envelopeMs: 300, contentMs: 300 };
    const { conversation, says } = talk({ limits, greeted: pipelines });
    const result = conversation.send(ada, undefined);
    await says(before);
    let isSettled = false;
    void result.then(() => {
      isSettled = true;
    });
    for (const byte of '250-'.padEnd(10_000, 'x')) {
      if (isSettled) break;
      await says(byte);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await result).toEqual({
      kind: 'connection-lost',
      reply: `the server did not answer ${what} within 0.3 s`,
      handedOver,
    });
  });
});
