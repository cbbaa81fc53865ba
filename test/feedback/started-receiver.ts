import type { Database } from '../../src/db/connect.ts';
import { type ReceiveMailOptions, receiveMail } from '../../src/feedback/receiving/receive-mail.ts';
import { createLogger } from '../../src/logging.ts';
import { keys } from '../message/fixtures.ts';
import type { useClosers } from '../support/closers.ts';
import { bounceDomain } from './fixtures.ts';

const log = createLogger('test');
log.level = 'silent';

/** The listener for what comes back, on any free port, until the end of the test. */
export async function startedReceiver(
  db: Database,
  closers: ReturnType<typeof useClosers>,
  change: Partial<ReceiveMailOptions> = {},
) {
  const receiver = await receiveMail({ host: '127.0.0.1', port: 0, db, keys, bounceDomain, log, ...change });
  closers.push(() => receiver.close());
  return receiver;
}
