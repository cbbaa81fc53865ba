import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

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
  /** Asked at each stage, with the recipient where one was named; undefined is the usual answer. */
  readonly at: (stage: SmtpStage, recipient: string) => Misconduct | undefined;
}

/** A bare SMTP server that does at each stage what a test wants, however impolite. */
export async function startBluntMailServer({ at }: BluntMailServerOptions): Promise<BluntMailServer> {
  const accepted: string[] = [];
  const arrived: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    converse(socket, at, { accepted, arrived });
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

function converse(
  socket: Socket,
  at: BluntMailServerOptions['at'],
  { accepted, arrived }: { accepted: string[]; arrived: string[] },
): void {
  let unread = '';
  let recipient = '';
  let isData = false;
  /** @returns the reply that was given, if any */
  const answer = (stage: SmtpStage): string | undefined => {
    const misconduct = at(stage, recipient);
    if (misconduct === 'nothing') return undefined;
    const says = misconduct === undefined ? usualReplies[stage] : 'says' in misconduct && misconduct.says;
    if (says) socket.write(`${says}\r\n`);
    if (misconduct?.hangsUp) socket.end();
    return says || undefined;
  };
  const hear = (line: string): void => {
    const command = /^[a-z]*/i.exec(line)?.[0].toUpperCase();
    if (isData) {
      if (line !== '.') return;
      isData = false;
      arrived.push(recipient);
      if (answer('answer')?.startsWith('2')) accepted.push(recipient);
    } else if (command === 'DATA') isData = answer('DATA')?.startsWith('3') ?? false;
    else if (command === 'QUIT') socket.end('221 2.0.0 bye\r\n');
    else {
      if (command === 'RCPT') recipient = /<(.*?)>/.exec(line)?.[1] ?? '';
      answer(command as SmtpStage);
    }
  };
  answer('greeting');
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    if (isData) answer('content');
    unread += chunk;
    for (let end = unread.indexOf('\r\n'); end >= 0; end = unread.indexOf('\r\n')) {
      const line = unread.slice(0, end);
      unread = unread.slice(end + 2);
      if (!socket.writableEnded) hear(line);
    }
  });
}
