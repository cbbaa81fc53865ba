import { eq } from 'drizzle-orm';
import { defaultConfigSettings, type ResolvedConfig } from '../../src/config/exm-config.ts';
import { queueMessage } from '../../src/contacts/audience/queue-message.ts';
import type { Database } from '../../src/db/connect.ts';
import { campaign } from '../../src/db/schema.ts';
import { ContentCache } from '../../src/dispatch/content-cache.ts';
import { ContentReadiness } from '../../src/dispatch/content-readiness.ts';
import type { DispatchHost } from '../../src/dispatch/dispatch-host.ts';
import { DispatchThreads } from '../../src/dispatch/dispatch-threads.ts';
import { HandBackPace } from '../../src/dispatch/hand-back-pace.ts';
import type { Lease } from '../../src/dispatch/ledger/lease.ts';
import { Recorder } from '../../src/dispatch/ledger/recorder.ts';
import { MailServerState } from '../../src/dispatch/mail-server-state.ts';
import { NextBatch } from '../../src/dispatch/next-batch.ts';
import { type BatchResult, sendBatch } from '../../src/dispatch/send-batch.ts';
import type { SendBatchInput } from '../../src/domain/dispatch.ts';
import { createLogger } from '../../src/logging.ts';
import type { DkimSigner } from '../../src/message/dkim/dkim.ts';
import { publishDispatchItems } from '../../src/message/freeze/deploy.ts';
import { type SessionLimits, SmtpSession } from '../../src/smtp/session.ts';
import { SessionPool } from '../../src/smtp/session-pool.ts';
import { insertCampaign, insertContacts, insertList, type NewContact } from '../contacts/fixtures.ts';
import { baseUrl, definition, keys } from '../message/fixtures.ts';

/** A recorder that tells a test which batches it has taken. */
class ObservedRecorder extends Recorder {
  readonly taken: Lease[] = [];

  override async open(...args: Parameters<Recorder['open']>): Promise<Lease> {
    const lease = await super.open(...args);
    this.taken.push(lease);
    return lease;
  }
}

export interface TestHost extends DispatchHost {
  readonly recorder: ObservedRecorder;
  close(): void;
}

/** What a dispatcher process has, on a test's database and mail server. */
export function dispatchHost(
  db: Database,
  options: {
    readonly smtpUrl: string;
    readonly name?: string;
    /** Awaited before each connection to the mail server. */
    readonly beforeConnecting?: () => Promise<void>;
    readonly settings?: Partial<ResolvedConfig['settings']>;
    /** Steps of the installation's own. */
    readonly processors?: ResolvedConfig['processors'];
    readonly limits?: Partial<SessionLimits>;
    readonly dkim?: DkimSigner;
    /** Left out: one, so that recipients are sent to in the order of the queue. */
    readonly threads?: number;
  },
): TestHost {
  const name = options.name ?? 'd1';
  const log = createLogger('test');
  const recorder = new ObservedRecorder({ db, server: name, log, sleepMs: 0 });
  const sessions = new SessionPool(async () => {
    await options.beforeConnecting?.();
    return await SmtpSession.connect(options.smtpUrl, options.limits);
  });
  const contents = new ContentCache(db, keys, { ...defaultConfigSettings, signer: options.dkim });
  const processors = options.processors ?? {};
  const pool = 'default';
  return {
    name,
    pool,
    db,
    baseUrl,
    unsubscribeAddress: undefined,
    keys,
    log,
    settings: { ...defaultConfigSettings, ...options.settings },
    managerRoot: {},
    processors,
    recorder,
    contents,
    readiness: new ContentReadiness({ db, server: name, pool, log, contents, processors }),
    pace: new HandBackPace(),
    nextBatch: new NextBatch(options.threads ?? 1),
    threads: new DispatchThreads(options.threads ?? 1),
    sessions,
    emulation: undefined,
    mailServer: new MailServerState('unknown'),
    dkim: options.dkim,
    close() {
      sessions.close();
      recorder.stop();
    },
  };
}

/** A campaign as it is when its dispatch begins: queued, its content frozen. @returns its whole queue as one batch */
export async function queuedCampaign(
  db: Database,
  people: readonly NewContact[],
  change: Parameters<typeof definition>[0] = {},
): Promise<SendBatchInput> {
  const list = await insertList(db, await insertContacts(db, people));
  const campaignId = await insertCampaign(db, { include: [list.id] });
  await db
    .update(campaign)
    .set({ definition: definition(change), state: 'Sending' })
    .where(eq(campaign.id, campaignId));
  const { undeliveredMaximum, checkSuppressionList } = defaultConfigSettings;
  await queueMessage(db, campaignId, {
    undeliveredMaximum,
    checkSuppressionList,
    languages: ['en'],
    defaultLanguage: 'en',
  });
  const { hash } = await publishDispatchItems(db, campaignId, baseUrl);
  return {
    campaignId,
    batch: 1,
    range: { first: 1, last: people.length },
    sendEmail: ['FillEmail', 'SendEmail', 'EmailSent', 'Sleep'],
    contentHash: hash,
  };
}

/** An attempt at the batch, which nobody cancels. */
export async function attempt(host: DispatchHost, batch: SendBatchInput, number = 1): Promise<BatchResult> {
  return await sendBatch(host, batch, { number, cancelled: new AbortController().signal });
}

export interface RecipientEntry {
  /** The outcome's kind, or `deferred`, or `open`. */
  readonly kind: string;
  readonly reason: string | null;
  readonly reply: string | null;
}

/** What the books say of each recipient, by address. */
export async function booksByAddress(
  db: Database,
  campaignId: string,
): Promise<Record<string, RecipientEntry>> {
  const { rows } = await db.$client.query(
    `select c.email, coalesce(o.kind, case when d.position is null then 'open' else 'deferred' end) as kind,
            o.reason, coalesce(o.reply, d.reply) as reply
       from dispatch_queue q
       join contact c on c.id = q.contact_id
       left join dispatch_outcome o on o.campaign_id = q.campaign_id and o.position = q.position
       left join dispatch_deferral d on d.campaign_id = q.campaign_id and d.position = q.position
      where q.campaign_id = $1
      order by q.position`,
    [campaignId],
  );
  return Object.fromEntries(rows.map(({ email, kind, reason, reply }) => [email, { kind, reason, reply }]));
}
