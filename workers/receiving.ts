import { isIPv6 } from 'node:net';
import { closeDatabase, connectDatabase } from '../src/db/connect.ts';
import { messageOf } from '../src/domain/error-message.ts';
import { InputError } from '../src/domain/errors.ts';
import { readMaildir } from '../src/feedback/receiving/read-maildir.ts';
import { type ReceivingMail, receiveMail } from '../src/feedback/receiving/receive-mail.ts';
import { type ListenOptions, listenFailed } from './listen.ts';
import type { RoleContext } from './runtime.ts';

/**
 * What faces the internet has few connections of its own: it takes none from the work, and none is waited for whose server fell
 * silent.
 */
const ownConnections = { max: 4, queryTimeoutMs: 5_000 };

/** Where what comes back by mail comes in. Both may be left out. */
export interface ReceivingOptions {
  /** `--receive`: SMTP. */
  readonly receive?: ListenOptions | undefined;
  /** `--maildir`: a folder that a mail server delivers to. */
  readonly maildir?: string | undefined;
}

export interface Receiving {
  /** `smtp://127.0.0.1:2525`; empty where it does not listen. */
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * Starts to receive. What is received is stored, and read by any processing worker.
 *
 * @throws InputError SETTING_MISSING where there is no domain to receive for; LISTEN_FAILED
 */
export async function startReceiving(
  { name, settings, log }: Pick<RoleContext, 'name' | 'settings' | 'log'>,
  { receive, maildir }: ReceivingOptions,
): Promise<Receiving> {
  const { keys, bounceDomain, databaseUrl } = settings;
  const stopping = new AbortController();
  const db = connectDatabase(databaseUrl, {
    applicationName: `exm receiving ${name}`,
    onIdleError: (error) => log.warn({ err: messageOf(error) }, 'database connection lost while idle'),
    ...ownConnections,
  });
  const listening = receive && (await listen({ ...receive, db, keys, log }, bounceDomain));
  const reading =
    maildir === undefined ? undefined : readMaildir({ path: maildir, db, log, stop: stopping.signal });
  const { host = '' } = receive ?? {};
  return {
    address: listening === undefined ? '' : `smtp://${isIPv6(host) ? `[${host}]` : host}:${listening.port}`,
    async stop() {
      stopping.abort();
      await Promise.all([listening?.close(), reading]);
      await closeDatabase(db);
    },
  };
}

async function listen(
  options: Omit<Parameters<typeof receiveMail>[0], 'bounceDomain'>,
  bounceDomain: string | undefined,
): Promise<ReceivingMail> {
  if (bounceDomain === undefined) {
    throw new InputError('SETTING_MISSING', 'There is no domain to receive mail for.', {
      field: 'EXM_BOUNCE_DOMAIN',
      hint: 'Set EXM_BOUNCE_DOMAIN, here and for every dispatcher, or leave --receive out.',
    });
  }
  try {
    return await receiveMail({ ...options, bounceDomain });
  } catch (cause) {
    throw listenFailed('--receive', options, cause);
  }
}
