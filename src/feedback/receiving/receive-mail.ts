import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import type { Database } from '../../db/connect.ts';
import { messageOf } from '../../domain/error-message.ts';
import type { Logger } from '../../logging.ts';
import { parseReturnPath } from '../../message/return-path.ts';
import type { TokenKeys } from '../../tracking/links/token.ts';
import { findByReturnPath } from '../find-message.ts';
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
  /** Others for tests. Milliseconds, bytes. */
  readonly idleMs?: number;
  readonly connectionMs?: number;
  readonly sizeMaximum?: number;
}

export interface ReceivingMail {
  readonly port: number;
  /** Takes no new connections, lets messages under way end for a moment. */
  close(): Promise<void>;
}

/** With the megabyte that is kept of what each sends, this bounds the memory of the whole. */
const connectionMaximum = 100;
/** A notification is about one message; a client that names more is answered what it may do. RFC 5321 section 4.5.3.1.10. */
const recipientMaximum = 10;
/** A connection that says nothing for so long is closed, and any after the second. Milliseconds. */
const idleMaximumMs = 60_000;
const connectionMaximumMs = 600_000;
/** A stop waits so long for messages that are on their way. Milliseconds. */
const closeMaximumMs = 5_000;
/**
 * What is larger is refused. As much as mail servers let through: some send back the whole of a newsletter with all its images,
 * and whoever refuses that never hears of the bounce. Bytes.
 */
const bytesMaximum = 36_700_160;
/** Whoever tries addresses gets no more tries by one connection: each is looked up in the database. */
const refusalMaximum = 20;

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
    sizeMaximum = bytesMaximum,
  } = options;
  const refusals = new WeakMap<SMTPServerSession, number>();
  const smtp = new SMTPServer({
    name: bounceDomain,
    banner: 'exm-dispatch, for notifications about our own mail',
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    size: sizeMaximum,
    maxClients: connectionMaximum,
    socketTimeout: idleMs,
    closeTimeout: closeMaximumMs,
    onRcptTo: ({ address }, session, callback) =>
      answer(callback, checkRecipient(options, address, session, refusals)),
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
  options: ReceiveMailOptions,
  address: string,
  session: SMTPServerSession,
  refusals: WeakMap<SMTPServerSession, number>,
): Promise<void> {
  if (session.envelope.rcptTo.length >= recipientMaximum) throw new Refusal(452, '4.5.3 Too many recipients');
  const refused = refusals.get(session) ?? 0;
  if (refused >= refusalMaximum) throw new Refusal(421, '4.7.0 Too many addresses that are not here');
  if (await isOurs(options, address)) return;
  refusals.set(session, refused + 1);
  throw new Refusal(550, '5.1.1 No such address here');
}

async function isOurs(
  { db, keys, bounceDomain, log }: ReceiveMailOptions,
  address: string,
): Promise<boolean> {
  const path = parseReturnPath(address, bounceDomain);
  if (path === undefined) return false;
  try {
    return (await findByReturnPath(db, keys, path)) !== undefined;
  } catch (error) {
    log.warn({ err: messageOf(error) }, 'a recipient could not be looked up');
    throw new Refusal(451, '4.3.0 Cannot look that up now, try again later');
  }
}

async function take(
  { db, log }: ReceiveMailOptions,
  content: Readable & { readonly sizeExceeded?: boolean },
  { envelope: { mailFrom, rcptTo } }: SMTPServerSession,
): Promise<void> {
  const raw = await readBeginning(content);
  if (content.sizeExceeded === true) throw new Refusal(552, '5.3.4 Too large');
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

/** To its end, so that the answer comes when the client waits for it; kept is its beginning, where it stands what it is about. */
async function readBeginning(content: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    if (length >= messageMaximum) continue;
    // A copy: a part of a chunk would keep the whole of it in memory.
    const kept = Buffer.from(chunk.subarray(0, messageMaximum - length));
    chunks.push(kept);
    length += kept.length;
  }
  return Buffer.concat(chunks, length);
}
