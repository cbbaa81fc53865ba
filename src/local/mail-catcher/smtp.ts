import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';
import type { Logger } from '../../logging.ts';
import type { MailStore } from './mail-store.ts';

export interface CatcherSmtpOptions {
  readonly host: string;
  readonly port: number;
  readonly store: MailStore;
  readonly log: Logger;
}

export interface CatcherSmtp {
  readonly port: number;
  /** Takes no new connections, lets messages under way end. */
  close(): Promise<void>;
}

const messageLimitBytes = 25_000_000;
/** With the 256 KB of a message that stay in memory, this bounds the memory of the whole. */
const connectionLimit = 500;

/** An SMTP server that accepts every message for every address, with any login or none, and delivers nothing. */
export async function startCatcherSmtp(options: CatcherSmtpOptions): Promise<CatcherSmtp> {
  const { host, port, store, log } = options;
  const smtp = new SMTPServer({
    name: 'exm-mail-catcher',
    banner: 'accepts everything, delivers nothing',
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    size: messageLimitBytes,
    maxClients: connectionLimit,
    onAuth(_auth, _session, callback) {
      callback(null, { user: 'anyone' });
    },
    onData(content, session, callback) {
      const envelope = () => {
        const { mailFrom, rcptTo } = session.envelope;
        if (content.sizeExceeded) return undefined;
        return {
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map((recipient) => recipient.address),
        };
      };
      const refuse = (responseCode: number, text: string) =>
        callback(Object.assign(new Error(text), { responseCode }));
      store.add({ content, envelope }).then(
        (summary) => {
          if (summary !== undefined) callback(null, `Caught as ${summary.id}`);
          else refuse(552, `5.3.4 More than ${messageLimitBytes} bytes`);
        },
        (error: Error) => {
          log.error({ err: error.message }, 'a message could not be stored');
          refuse(451, '4.3.0 The message could not be stored');
        },
      );
    },
  });
  smtp.on('error', (error) => log.debug({ err: error.message }, 'a connection broke'));
  const server = smtp.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => new Promise((resolve) => smtp.close(() => resolve())),
  };
}
