import { connect } from 'node:net';
import { runSender, type SenderTask, shareOf } from './sender.ts';

/**
 * What a sender could reach that does nothing but send: prebuilt messages, with PIPELINING (RFC 2920). MAIL, RCPT and DATA are
 * one write and the content is another, or where it sends ahead a message's content and the next one's envelope are one.
 */

/** So many different messages are sent in turn: enough that they do not all lie in the processor's nearest cache. */
const different = 64;
const endOfContent = '\r\n.\r\n';
const line = `${'The evenings are drawing in, and with them comes the season of mending'.padEnd(76, ' .')}\r\n`;

interface Prebuilt {
  readonly alone: Buffer;
  readonly withNextEnvelope: Buffer;
}

await runSender(async ({ port, connections, messages, bytes, isAhead = false }: SenderTask) => {
  const prebuilt = Array.from({ length: different }, (_, number) => prebuild(number, bytes));
  return async () => {
    await Promise.all(
      Array.from({ length: connections }, async (_, one) => {
        await sendOnOne(port, prebuilt, { count: shareOf(messages, one, connections), isAhead });
      }),
    );
  };
});

/** Sends so many messages on one connection. Rejects where an answer is no success. */
async function sendOnOne(
  port: number,
  prebuilt: readonly Prebuilt[],
  { count, isAhead }: { readonly count: number; readonly isAhead: boolean },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let begun = 0;
    let hasGreeted = false;
    let isContentOut = false;
    let partOfLine = '';
    const take = (code: string) => {
      if (code === '220') socket.write('EHLO bench.example.com\r\n');
      else if (code === '354') {
        const message = prebuilt[begun++ % different];
        if (message === undefined) return;
        socket.write(isAhead && begun < count ? message.withNextEnvelope : message.alone);
        isContentOut = true;
        if (begun === count) socket.write('QUIT\r\n');
      } else if (code === '250' && isContentOut && !isAhead && begun < count) {
        isContentOut = false;
        socket.write(envelopeOf(begun));
      } else if (!hasGreeted && code === '250') {
        hasGreeted = true;
        socket.write(count > 0 ? envelopeOf(0) : 'QUIT\r\n');
      } else if (code !== '250' && code !== '221') {
        socket.destroy(new Error(`the mail server answered ${code}`));
      }
    };
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      const lines = (partOfLine + chunk).split('\r\n');
      partOfLine = lines.pop() ?? '';
      // A hyphen behind the code: more lines of the same reply follow.
      for (const reply of lines) if (reply[3] === ' ') take(reply.slice(0, 3));
    });
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
}

function envelopeOf(number: number): string {
  return `MAIL FROM:<news@example.com>\r\nRCPT TO:<ada.lovelace.${number}@mail1.example.com>\r\nDATA\r\n`;
}

function prebuild(number: number, bytes: number): Prebuilt {
  const head = `From: News <news@example.com>\r\nTo: <ada.lovelace.${number}@mail1.example.com>\r\nSubject: News\r\n\r\n`;
  const rest = Math.max(0, bytes - head.length - endOfContent.length);
  const body = line.repeat(Math.ceil(rest / line.length)).slice(0, rest);
  const alone = `${head}${body}${endOfContent}`;
  return { alone: Buffer.from(alone), withNextEnvelope: Buffer.from(alone + envelopeOf(number)) };
}
