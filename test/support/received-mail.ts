import type { ComposedMessage } from '../../src/message/content.ts';
import { SmtpSession } from '../../src/smtp/session.ts';
import { type ReceivedMessage, type SmtpReceiverOptions, startSmtpReceiver } from './smtp-receiver.ts';

export interface MailPath {
  /** Sends a message as a dispatcher does. @returns it as the mail server received it */
  send(message: ComposedMessage): Promise<ReceivedMessage>;
  close(): Promise<void>;
}

/** A session with a real mail server on loopback, which takes everything unless a test wants otherwise. */
export async function openMailPath(server: SmtpReceiverOptions['server'] = {}): Promise<MailPath> {
  const receiver = await startSmtpReceiver({ server });
  const session = await SmtpSession.connect(receiver.url);
  return {
    async send(message) {
      const result = await session.send(message);
      if (result.kind !== 'accepted') throw new Error(`${result.kind}: ${result.reply}`);
      const received = receiver.messages.at(-1);
      if (received === undefined) throw new Error('accepted, and not received');
      return received;
    },
    async close() {
      session.close();
      await receiver.close();
    },
  };
}
