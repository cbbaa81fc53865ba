import { readSettings } from '../../config/settings.ts';
import { closeDatabase, connectDatabase, type Database } from '../../db/connect.ts';
import type { DispatchHost } from '../../dispatch/dispatch-host.ts';
import { Journal } from '../../dispatch/journal/journal.ts';
import { Recorder } from '../../dispatch/ledger/recorder.ts';
import { readRecipients } from '../../dispatch/read-recipients.ts';
import { sendBatch } from '../../dispatch/send-batch.ts';
import type { PositionRange } from '../../domain/batch-plan.ts';
import { createLogger } from '../../logging.ts';
import { nextMessage } from '../senders/sender.ts';
import { benchHost } from './bench-host.ts';
import { NoLedger } from './no-ledger.ts';
import { RememberedQueries } from './remembered-queries.ts';

/** Where the dispatcher finds its installation; told once. */
export interface DispatchSetting {
  readonly env: Readonly<Record<string, string>>;
  readonly name: string;
  readonly smtpUrl: string;
  readonly threads: number;
}

/** A queued campaign, or a part of it, to be sent without Temporal. */
export interface DispatchTask {
  readonly campaignId: string;
  readonly contentHash: string;
  readonly batches: readonly { readonly batch: number; readonly range: PositionRange }[];
  /** Parts that do nothing this time. */
  readonly without: { readonly ledger?: boolean; readonly contacts?: boolean };
}

/**
 * A dispatcher without Temporal: it sends the batches that it is told, by the code that a dispatcher has, and can do without
 * the ledger and without reading contacts, which no dispatcher can. The bench's process for that; it ends with its parent.
 */
const steps = ['FillEmail', 'SendEmail', 'EmailSent', 'Sleep'];
/** How many recipients are read at a time before the clock starts. */
const readAtATime = 350;

process.on('disconnect', () => process.exit());
const { env, name, smtpUrl, threads } = await nextMessage<DispatchSetting>();
const settings = readSettings(env);
const db = connectDatabase(settings.databaseUrl, { applicationName: name });
const log = createLogger(name);
const journal = new Journal({ dir: settings.journalDir, server: name, log, onHealth: () => undefined });
const recorder = new Recorder({ db, server: name, log, sleepMs: 0, journal });
const host = benchHost({ name, settings, db, log, recorder, smtpUrl, threads });
const withoutLedger = new NoLedger({ db, server: name, log, sleepMs: 0 });

for (;;) {
  process.send?.({ ready: true });
  const task = await nextMessage<DispatchTask | { readonly end: true }>();
  if ('end' in task) break;
  const hosts: DispatchHost[] = [];
  for (const { range } of task.batches) hosts.push(await prepare(task, range));
  process.send?.({ ready: true });
  await nextMessage();
  let sent = 0;
  for (const [index, { batch, range }] of task.batches.entries()) {
    const given = {
      campaignId: task.campaignId,
      contentHash: task.contentHash,
      batch,
      range,
      sendEmail: steps,
    };
    const attempt = { number: 1, cancelled: new AbortController().signal };
    sent += (await sendBatch(hosts[index] ?? host, given, attempt)).counts.sent;
  }
  process.send?.({ sent });
}
host.sessions.close();
recorder.stop();
journal.close();
await closeDatabase(db);
process.disconnect();

/** What sends a batch: the host, with what is to do nothing taken out. */
async function prepare(task: DispatchTask, range: PositionRange): Promise<DispatchHost> {
  return {
    ...host,
    recorder: task.without.ledger ? withoutLedger : recorder,
    db: task.without.contacts ? await readBefore(task.campaignId, range) : db,
  };
}

async function readBefore(campaignId: string, { first, last }: PositionRange): Promise<Database> {
  const queries = new RememberedQueries(db);
  for (let next = first; next <= last; ) {
    const group = await readRecipients(
      queries.db,
      campaignId,
      { first: next, last },
      readAtATime,
      host.settings,
    );
    next = (group.at(-1)?.position ?? last) + 1;
  }
  queries.answerByItself();
  return queries.db;
}
