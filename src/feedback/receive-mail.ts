import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import type { Database } from '../db/connect.ts';
import { messageOf } from '../domain/error-message.ts';
import type { Logger } from '../logging.ts';
import { parseReturnPath } from '../message/return-path.ts';
import type { TokenKeys } from '../tracking/token.ts';
import { findByReturnPath } from './find-message.ts';
import { messageMaximum, storeFeedback } from './store-feedback.ts';

export interface ReceiveMailOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly db: Database;
  readonly keys: TokenKeys;
  /** EXM_BOUNCE_DOMAIN */
  readonly bounceDomain: string;
  readonly log: Logger;
  /** Others for tests. Milliseconds. */
  readonly idleMs?: number;
  readonly connectionMs?: number;
}

export interface ReceivingMail {
  readonly port: number;
  /** Takes no new connections, lets messages under way end for a moment. */
  close(): Promise<void>;
}

/** With the megabyte that each may send, this bounds the memory of the whole. */
const connectionMaximum = 100;
/** A notification is about one message; a client that names more is answered what it may do. RFC 5321 section 4.5.3.1.10. */
const recipientMaximum = 10;
/** A connection that says nothing for so long is closed, and any after the second. Milliseconds. */
const idleMaximumMs = 60_000;
const connectionMaximumMs = 600_000;
/** A stop waits so long for messages that are on their way. Milliseconds. */
const closeMaximumMs = 5_000;
const bytesMaximum = messageMaximum;

/** A reply code of SMTP with its text, which begins with a code of RFC 3463. */
class Refusal extends Error {
  constructor(
    readonly responseCode: number,
    text: string,
  ) {
    super(text);
  }
}

/**
 * An SMTP server that takes nothing but mail to the addresses of messages that were sent, known by their marks, and relays
 * nothing. A message is stored before it is answered; while the database is away the other side is told to keep it.
 */
export async function receiveMail(options: ReceiveMailOptions): Promise<ReceivingMail> {
  const {
    host,
    port,
    log,
    bounceDomain,
    idleMs = idleMaximumMs,
    connectionMs = connectionMaximumMs,
  } = options;
  const smtp = new SMTPServer({
    name: bounceDomain,
    banner: 'exm-dispatch, for notifications about our own mail',
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    size: bytesMaximum,
    maxClients: connectionMaximum,
    socketTimeout: idleMs,
    closeTimeout: closeMaximumMs,
    onRcptTo: ({ address }, session, callback) => answer(callback, checkRecipient(options, address, session)),
    onData: (content, session, callback) => answer(callback, take(options, content, session), 'Stored'),
  });
  smtp.on('error', (error) => log.debug({ err: error.message }, 'a connection broke'));
  const server = smtp.listen(port, host);
  server.on('connection', (socket: Socket) => {
    const late = setTimeout(() => socket.destroy(), connectionMs);
    socket.once('close', () => clearTimeout(late));
  });
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => await new Promise((resolve) => smtp.close(() => resolve())),
  };
}

function answer(
  callback: (error?: Error | null, message?: string) => void,
  done: Promise<void>,
  text?: string,
): void {
  done.then(
    () => callback(null, text),
    (error: Error) => callback(error),
  );
}

/** Anybody may write to an address of ours: who knows it has got the message, or speaks for a server that had it. */
async function checkRecipient(
  { db, keys, bounceDomain, log }: ReceiveMailOptions,
  address: string,
  { envelope }: SMTPServerSession,
): Promise<void> {
  if (envelope.rcptTo.length >= recipientMaximum) throw new Refusal(452, '4.5.3 Too many recipients');
  const path = parseReturnPath(address, bounceDomain);
  if (path === undefined) throw new Refusal(550, '5.1.1 No such address here');
  let known: unknown;
  try {
    known = await findByReturnPath(db, keys, path);
  } catch (error) {
    log.warn({ err: messageOf(error) }, 'a recipient could not be looked up');
    throw new Refusal(451, '4.3.0 Cannot look that up now, try again later');
  }
  if (known === undefined) throw new Refusal(550, '5.1.1 No such address here');
}

async function take(
  { db, log }: ReceiveMailOptions,
  content: Readable & { readonly sizeExceeded?: boolean },
  { envelope: { mailFrom, rcptTo } }: SMTPServerSession,
): Promise<void> {
  const raw = await readAll(content);
  if (raw === undefined || content.sizeExceeded === true) {
    throw new Refusal(552, `5.3.4 More than ${bytesMaximum} bytes`);
  }
  try {
    for (const { address } of rcptTo) {
      const envelopeFrom = mailFrom === false ? '' : mailFrom.address;
      await storeFeedback(db, { source: 'smtp', envelopeFrom, envelopeTo: address, raw });
    }
  } catch (error) {
    log.warn({ err: messageOf(error) }, 'a message that came back could not be stored');
    throw new Refusal(451, '4.3.0 Cannot store it now, try again later');
  }
}

/** All of it, to its end, so that the answer comes when the client waits for it. @returns undefined where it is too large */
async function readAll(content: Readable): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= bytesMaximum) chunks.push(chunk);
    else chunks.length = 0;
  }
  return length > bytesMaximum ? undefined : Buffer.concat(chunks);
}
