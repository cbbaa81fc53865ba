import { connect } from 'node:net';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { OutgoingMessage } from '../../../src/smtp/mail-session.ts';
import { SmtpSession } from '../../../src/smtp/session.ts';

/** One connection that hands over messages. */
export interface Sender {
  /** Sends messages for as long as `take` gives one. */
  run(take: () => OutgoingMessage | undefined): Promise<void>;
  close(): void;
}

/** The ways to hand over that are compared, the first of them the one before our own conversation. */
export const senders: Readonly<Record<string, (port: number) => Promise<Sender>>> = {
  "nodemailer's SMTPConnection": bySmtpConnection,
  'a session, one message at a time': (port) => bySession(port, false),
  'a session that knows the next': (port) => bySession(port, true),
  'a bare socket, two round trips': (port) => byBareSocket(port, false),
  'a bare socket, one round trip': (port) => byBareSocket(port, true),
};

async function bySmtpConnection(port: number): Promise<Sender> {
  const connection = new SMTPConnection({ host: '127.0.0.1', port });
  await new Promise<void>((resolve, reject) => {
    connection.once('error', reject);
    connection.connect(() => resolve());
  });
  return {
    async run(take) {
      for (let message = take(); message !== undefined; message = take()) {
        const { envelope, raw } = message;
        await new Promise<void>((resolve, reject) => {
          connection.send({ from: envelope.from, to: [envelope.to], size: raw.length }, raw, (error) =>
            error ? reject(error) : resolve(),
          );
        });
      }
    },
    close: () => connection.close(),
  };
}

async function bySession(port: number, isAhead: boolean): Promise<Sender> {
  const session = await SmtpSession.connect(`smtp://127.0.0.1:${port}`);
  return {
    async run(take) {
      for (let message = take(); message !== undefined; ) {
        const next = take();
        const result = await session.send(message, isAhead ? next : undefined);
        if (result.kind !== 'accepted') throw new Error(`${result.kind}: ${result.reply}`);
        message = next;
      }
    },
    close: () => session.close(),
  };
}

const lineFeed = 10;
const envelope = Buffer.from('MAIL FROM:<news@example.com>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n');

/** Its bytes lie ready, and of the replies it only counts the lines: less than this no program can do. */
async function byBareSocket(port: number, isAhead: boolean): Promise<Sender> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const prebuilt = new Map<Buffer, Buffer>();
  const bytesOf = (raw: Buffer) => {
    const bytes =
      prebuilt.get(raw) ?? Buffer.concat([raw, Buffer.from('.\r\n'), isAhead ? envelope : lastLine]);
    prebuilt.set(raw, bytes);
    return bytes;
  };
  let missing = 1;
  let heard: () => void = () => undefined;
  socket.on('data', (chunk) => {
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, at + 1)) missing--;
    if (missing === 0) heard();
  });
  const after = (lines: number, bytes: Buffer | string) =>
    new Promise<void>((resolve, reject) => {
      missing = lines;
      heard = resolve;
      socket.once('error', reject).write(bytes);
      socket.removeListener('error', reject);
    });
  await new Promise<void>((resolve) => {
    heard = resolve;
  });
  await after(ehloLines, 'EHLO bench.example.com\r\n');
  return {
    async run(take) {
      if (isAhead) await after(3, envelope);
      for (let message = take(); message !== undefined; message = take()) {
        if (!isAhead) await after(3, envelope);
        await after(isAhead ? 4 : 1, bytesOf(message.raw));
      }
    },
    close: () => socket.destroy(),
  };
}

const lastLine = Buffer.alloc(0);
/** Of the receiver's answer to EHLO. */
const ehloLines = 6;
