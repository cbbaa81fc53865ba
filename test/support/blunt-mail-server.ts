import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Where a mail server may misbehave: `greeting` when a client connects, `content` when the first of a message has
 * arrived, `answer` when it has arrived whole; the others are the commands.
 */
export type SmtpStage =
  | 'greeting'
  | 'EHLO'
  | 'HELO'
  | 'STARTTLS'
  | 'AUTH'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'content'
  | 'answer'
  | 'RSET';

/** What it does there: says this, says it and hangs up, hangs up without a word, or falls silent. */
export type Misconduct =
  | { readonly says: string; readonly hangsUp?: boolean }
  | { readonly hangsUp: true }
  | 'nothing';

export interface BluntMailServer {
  /** smtp://127.0.0.1:port */
  readonly url: string;
  /** Recipients of the messages it took, in order. */
  readonly accepted: readonly string[];
  /** Recipients of the messages that arrived whole, taken or not, in order. */
  readonly arrived: readonly string[];
  /** Connections there have been so far. */
  readonly connections: number;
  close(): Promise<void>;
}

export interface BluntMailServerOptions {
  /** Asked at each stage, with the recipient and the sender that were named last; undefined is the usual answer. */
  readonly at: (stage: SmtpStage, recipient: string, sender: string) => Misconduct | undefined;
  /** Told of each message that it takes, as it came over the wire: dots stuffed, without the one that ends it. */
  readonly takes?: (content: string, recipient: string, sender: string) => void;
}

/** A bare SMTP server that does at each stage what a test wants, however impolite. */
export async function startBluntMailServer(options: BluntMailServerOptions): Promise<BluntMailServer> {
  const accepted: string[] = [];
  const arrived: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    converseBluntly(socket, options, { accepted, arrived });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted,
    arrived,
    get connections() {
      return connections;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const usualReplies: Record<SmtpStage, string> = {
  greeting: '220 blunt',
  EHLO: '250 blunt',
  HELO: '250 blunt',
  STARTTLS: '502 5.5.1 none here',
  AUTH: '235 2.7.0 welcome',
  MAIL: '250 2.1.0 fine',
  RCPT: '250 2.1.5 fine',
  DATA: '354 go on',
  content: '',
  answer: '250 2.0.0 taken',
  RSET: '250 2.0.0 forgotten',
};

/** Its side of one connection. */
export function converseBluntly(
  socket: Duplex,
  { at, takes }: BluntMailServerOptions,
  { accepted, arrived }: { accepted: string[]; arrived: string[] },
): void {
  let unread = '';
  let sender = '';
  let recipient = '';
  let content = '';
  let isData = false;
  let isSilent = false;
  /** Whether it has refused a command of this message: those after it, pipelined, cannot do what they are for. */
  let isRefused = false;
  /** @returns the reply that was given, if any */
  const answer = (stage: SmtpStage): string | undefined => {
    const misconduct = at(stage, recipient, sender);
    if (misconduct === 'nothing') {
      // One that left out a reply and gave those after it would be misunderstood by anybody.
      isSilent = true;
      return undefined;
    }
    const isOutOfPlace = isRefused && (stage === 'RCPT' || stage === 'DATA');
    const usual = isOutOfPlace ? outOfPlace : usualReplies[stage];
    const says = misconduct === undefined ? usual : 'says' in misconduct && misconduct.says;
    if (says) socket.write(`${says}\r\n`);
    if (misconduct?.hangsUp) socket.end();
    return says || undefined;
  };
  const hear = (line: string): void => {
    const command = /^[a-z]*/i.exec(line)?.[0].toUpperCase();
    if (isData) {
      if (line !== '.') {
        content += `${line}\r\n`;
        return;
      }
      isData = false;
      arrived.push(recipient);
      if (!answer('answer')?.startsWith('2')) return;
      accepted.push(recipient);
      takes?.(content, recipient, sender);
    } else if (command === 'DATA') {
      isData = answer('DATA')?.startsWith('3') ?? false;
      content = '';
    } else if (command === 'QUIT') socket.end('221 2.0.0 bye\r\n');
    else {
      const address = /<(.*?)>/.exec(line)?.[1] ?? '';
      if (command === 'MAIL') sender = address;
      if (command === 'RCPT') recipient = address;
      if (command === 'MAIL' || command === 'RSET') isRefused = false;
      const reply = answer(command as SmtpStage);
      if (command === 'MAIL' || command === 'RCPT') isRefused ||= /^[45]/.test(reply ?? '');
    }
  };
  answer('greeting');
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    if (isData) answer('content');
    unread += chunk;
    for (let end = unread.indexOf('\r\n'); end >= 0; end = unread.indexOf('\r\n')) {
      const line = unread.slice(0, end);
      unread = unread.slice(end + 2);
      if (!socket.writableEnded && !isSilent) hear(line);
    }
  });
}

const outOfPlace = '503 5.5.1 not now';
