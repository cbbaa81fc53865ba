import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { ownPorts } from './ports.ts';
import { waitFor } from './wait-for.ts';

export interface ReceivedMessage {
  /** Envelope addresses. */
  readonly from: string;
  readonly to: string[];
  readonly raw: Buffer;
  /** Parameters of MAIL FROM, as `BODY=8BITMIME`. */
  readonly parameters: string[];
  /** When its last byte had arrived, in ms since 1970. */
  readonly at: number;
}

/** An answer other than 250, e.g. `{ code: 451, text: '4.7.1 Greylisted' }`. */
export interface SmtpAnswer {
  readonly code: number;
  readonly text?: string;
}

type Answers<T> = (value: T) => SmtpAnswer | undefined | Promise<SmtpAnswer | undefined>;

export interface SmtpReceiverOptions {
  /** Asked for each RCPT; undefined accepts. */
  readonly onRcpt?: Answers<string>;
  /** Asked for each whole message before it is answered; undefined accepts and keeps it. */
  readonly onData?: Answers<ReceivedMessage>;
  /** Left out: one of its own, which nobody else takes when it is closed. */
  readonly port?: number;
  /** Further options of smtp-server: TLS, AUTH, limits. */
  readonly server?: SMTPServerOptions;
}

export interface SmtpReceiver {
  /** smtp://127.0.0.1:port */
  readonly url: string;
  readonly port: number;
  /** Accepted messages, in the order in which they arrived whole. */
  readonly messages: ReceivedMessage[];
  /** From now on no message is answered, until `release`. What is held counts as accepted only after that. */
  hold(): void;
  release(): void;
  /** Messages that arrived whole and are not answered yet. */
  readonly held: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Cuts all connections, as a server that dies. New ones are accepted. */
  cutConnections(): void;
  /** Waits until at least n messages have been accepted. */
  waitFor(n: number, timeoutMs?: number): Promise<ReceivedMessage[]>;
  close(): Promise<void>;
}

/** A real SMTP server on loopback that keeps what it gets. */
export async function startSmtpReceiver(options: SmtpReceiverOptions = {}): Promise<SmtpReceiver> {
  const messages: ReceivedMessage[] = [];
  const sockets = new Set<Socket>();
  let holding: Promise<void> | undefined;
  let endHolding: (() => void) | undefined;
  let held = 0;

  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onRcptTo(address, _session, callback) {
      answer(options.onRcpt, address.address).then(callback, callback);
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('error', callback);
      stream.once('end', async () => {
        const { mailFrom, rcptTo } = session.envelope;
        const message: ReceivedMessage = {
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map((recipient) => recipient.address),
          raw: Buffer.concat(chunks),
          parameters: mailFrom === false ? [] : parametersOf(mailFrom.args),
          at: Date.now(),
        };
        held += 1;
        await holding;
        held -= 1;
        const refusal = await answer(options.onData, message).catch((error: Error) => error);
        if (refusal === null) messages.push(message);
        callback(refusal);
      });
    },
    ...options.server,
  });
  smtp.on('error', () => undefined); // A connection that broke; the sender notices.

  // smtp-server is given the connections one by one, so that they can be cut.
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    smtp.server.emit('connection', socket);
  });
  const [own = 0] = options.port === undefined ? await ownPorts(1) : [options.port];
  listener.listen(own, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const cutConnections = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const release = () => {
    endHolding?.();
    holding = undefined;
  };
  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    messages,
    get held() {
      return held;
    },
    get connections() {
      return sockets.size;
    },
    hold() {
      holding ??= new Promise((resolve) => {
        endHolding = resolve;
      });
    },
    release,
    cutConnections,
    async waitFor(n, timeoutMs) {
      await waitFor(() => messages.length >= n, {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        describe: () => `${n} messages; ${messages.length} arrived`,
      });
      return messages;
    },
    async close() {
      release();
      cutConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

function parametersOf(args: object | false): string[] {
  return Object.entries(args).map(([name, value]) => (value === true ? name : `${name}=${value}`));
}

/** Null accepts; an error with a code is what smtp-server answers with. */
async function answer<T>(answers: Answers<T> | undefined, value: T): Promise<Error | null> {
  const refusal = await answers?.(value);
  if (refusal === undefined) return null;
  return Object.assign(new Error(refusal.text ?? 'Refused by the test'), { responseCode: refusal.code });
}
