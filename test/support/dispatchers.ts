import { eq } from 'drizzle-orm';
import { afterAll, beforeAll } from 'vitest';
import { server } from '../../src/db/schema.ts';
import { createInstallation, type Installation } from './installation.ts';
import { type ReceivedMessage, type SmtpReceiver, startSmtpReceiver } from './smtp-receiver.ts';

/** A dispatcher process with a mail server of its own, so that it is known what it sends, and when. */
export interface Dispatcher {
  readonly name: string;
  readonly receiver: SmtpReceiver;
}

export interface Dispatchers {
  readonly installation: Installation;
  readonly all: readonly Dispatcher[];
  /** Everything that was accepted of all of them. */
  messages(): ReceivedMessage[];
  /** Changes the Sleep of all of them, as `exm server sleep` does. */
  sleep(ms: number): Promise<void>;
}

export interface DispatchersOptions {
  readonly count: number;
  readonly threads: number;
  readonly sleepMs: number;
}

/** An installation with a primary that does not send, and so many dispatchers. */
export function useDispatchers({ count, threads, sleepMs }: DispatchersOptions): Dispatchers {
  let installation: Installation;
  const all: Dispatcher[] = [];
  beforeAll(async () => {
    installation = await createInstallation({ smtpUrl: 'smtp://127.0.0.1:1' });
    const host = new URL(installation.env['EXM_BASE_URL'] ?? '').host;
    await Promise.all([
      installation.startWorker('primary', ['--no-dispatch']),
      installation.startWorker('content-delivery', ['--listen', host]),
    ]);
    for (let number = 1; number <= count; number++) {
      const name = `d${number}`;
      const receiver = await startSmtpReceiver();
      all.push({ name, receiver });
      const flags = ['--threads', String(threads), '--sleep-ms', String(sleepMs)];
      await installation.startWorker('dedicated-dispatch', [
        '--name',
        name,
        '--smtp',
        receiver.url,
        ...flags,
      ]);
    }
  });
  afterAll(async () => {
    await installation?.dispose();
    for (const { receiver } of all) await receiver.close();
  });
  return {
    get installation() {
      return installation;
    },
    all,
    messages: () => all.flatMap(({ receiver }) => receiver.messages),
    async sleep(ms) {
      const { db } = installation.database;
      await db.update(server).set({ sleepMs: ms }).where(eq(server.role, 'dedicated-dispatch'));
    },
  };
}
