import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { ownPorts } from '../support/ports.ts';
import type { Random } from '../support/random.ts';
import { type MailAnswer, MailConversation, type MessageHead } from './mail-conversation.ts';

/** A message that was received: whole, and either accepted or kept though its sender got no answer. */
export interface Arrival extends MessageHead {
  /** When it was whole, in ms since 1970. */
  readonly at: number;
  readonly connection: number;
  readonly answered: boolean;
}

/** What may be wrong with a mail server for a while. `share`: of the messages that it befalls, 0 to 1. */
export type MailTrouble =
  /** Nobody listens, and the connections there were are cut. */
  | { readonly kind: 'away' }
  /** Nothing is read nor answered, until it ends. */
  | { readonly kind: 'silent' }
  /** 421, and hangs up. */
  | { readonly kind: 'busy'; readonly share: number }
  /** 451 to the recipient. */
  | { readonly kind: 'puts-off'; readonly share: number }
  /** 550 to the recipient. */
  | { readonly kind: 'refuses'; readonly share: number }
  /** Hangs up in the middle of the message, which is not received. */
  | { readonly kind: 'hangs-up'; readonly share: number }
  /** Receives the message, and hangs up instead of saying so. */
  | { readonly kind: 'hangs-up-unanswered'; readonly share: number };

interface Connection {
  readonly number: number;
  readonly socket: Socket;
  readonly conversation: MailConversation;
  lastAnswerAt: number;
}

/** A connection whose last reply is so recent may lose it by being cut. Milliseconds. */
const replyUnderWayMs = 25;

/** A mail server that records who received what, fast, and can be ill in many ways. */
export class MailReceiver {
  /** In the order in which they were received. */
  arrivals: Arrival[] = [];
  /** Messages received since the start, also those whose arrivals were taken out. */
  received = 0;
  /** Messages that were received, and whose sender cannot know because their connection was cut. */
  leftUnanswered = 0;
  private readonly troubles = new Set<MailTrouble>();
  private readonly connections = new Set<Connection>();
  private readonly unheard = new Set<Connection>();
  private server: Server | undefined;
  private nextNumber = 1;

  private constructor(
    readonly port: number,
    private readonly random: Random,
  ) {}

  static async start(random: Random): Promise<MailReceiver> {
    const [port = 0] = await ownPorts(1);
    const receiver = new MailReceiver(port, random);
    await receiver.listen();
    return receiver;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** Whether a message is being received. */
  get isReceiving(): boolean {
    return [...this.connections].some(({ conversation }) => conversation.hasMessage);
  }

  async begin(trouble: MailTrouble): Promise<void> {
    this.troubles.add(trouble);
    if (trouble.kind === 'silent') {
      for (const { socket, conversation } of this.connections) {
        socket.pause();
        conversation.silentSince ??= Date.now();
      }
    }
    if (trouble.kind === 'away') await this.close();
  }

  async end(trouble: MailTrouble): Promise<void> {
    this.troubles.delete(trouble);
    if (trouble.kind === 'silent' && !this.has('silent')) {
      for (const connection of this.connections) this.hear(connection);
    }
    if (trouble.kind === 'away' && !this.has('away')) await this.listen();
  }

  /** Cuts all connections, as a server that dies. New ones are accepted. */
  cutConnections(): void {
    for (const connection of this.connections) {
      if (Date.now() - connection.lastAnswerAt < replyUnderWayMs) this.leftUnanswered++;
      this.connections.delete(connection);
      connection.socket.resetAndDestroy();
    }
  }

  async stop(): Promise<void> {
    await this.close();
  }

  private has(kind: MailTrouble['kind']): boolean {
    return [...this.troubles].some((trouble) => trouble.kind === kind);
  }

  private async listen(): Promise<void> {
    if (this.server !== undefined) return;
    const server = createServer((socket) => this.connected(socket));
    this.server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
  }

  private async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    await new Promise((resolve) => {
      server.close(resolve);
      this.cutConnections();
    });
  }

  private connected(socket: Socket): void {
    const connection: Connection = {
      number: this.nextNumber++,
      socket,
      conversation: new MailConversation(socket, {
        onMail: () => this.befalls('busy', { kind: 'hang-up', reply: '421 4.3.2 too busy' }),
        onRecipient: () =>
          this.befalls('puts-off', { kind: 'reply', reply: '451 4.7.1 come back later' }) ??
          this.befalls('refuses', { kind: 'reply', reply: '550 5.1.1 nobody of this name' }),
        onContent: () => this.befalls('hangs-up', { kind: 'hang-up' }),
        onMessage: (message) => this.receive(connection, message),
      }),
      lastAnswerAt: 0,
    };
    this.connections.add(connection);
    this.unheard.add(connection);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.connections.delete(connection);
      this.unheard.delete(connection);
    });
    if (!this.has('silent')) this.hear(connection);
  }

  private hear(connection: Connection): void {
    if (this.unheard.delete(connection)) connection.conversation.greet();
    else connection.socket.resume();
  }

  private receive(connection: Connection, message: MessageHead): MailAnswer | undefined {
    const answer = this.befalls('hangs-up-unanswered', { kind: 'hang-up' });
    if (answer !== undefined) this.leftUnanswered++;
    this.received++;
    connection.lastAnswerAt = Date.now();
    this.arrivals.push({
      ...message,
      at: connection.lastAnswerAt,
      connection: connection.number,
      answered: answer === undefined,
    });
    return answer;
  }

  private befalls(kind: MailTrouble['kind'], answer: MailAnswer): MailAnswer | undefined {
    for (const trouble of this.troubles) {
      if (trouble.kind === kind && 'share' in trouble && this.random.chance(trouble.share)) return answer;
    }
    return undefined;
  }
}
