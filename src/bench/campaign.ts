import { sql } from 'drizzle-orm';
import { createCampaign } from '../campaigns/create-campaign.ts';
import { campaignResult, type DispatchResult, startCampaign } from '../client/client.ts';
import type { Database } from '../db/connect.ts';
import { FailedError } from '../domain/errors.ts';
import type { CampaignDefinition } from '../message/content.ts';
import { connectClient } from '../temporal/client-connection.ts';
import { benchList, newsletter, newsletterHtml } from './newsletters.ts';
import type { BenchProcess, BenchStage } from './stage.ts';

const firstNames = ['Ada', 'Zoë', 'Jürgen', 'Grace', 'François', 'Ingrid', 'Tomás', 'Noor', 'Łucja', 'Emil'];
const lastNames = [
  'Lovelace',
  'Müller',
  'Hopper',
  'Nowak',
  'García',
  'Jensen',
  'Okafor',
  'Rossi',
  'Sørensen',
];

/** Makes so many people with names and addresses of their own, all of them on a list, by one statement. */
export async function addContacts(db: Database, count: number, list = benchList): Promise<void> {
  await db.execute(sql`
    with list as (
      insert into contact_list (name) values (${list})
      on conflict (name) do update set name = excluded.name returning id
    ), drawn as (
      select n, (${textArray(firstNames)})[1 + n % ${firstNames.length}::int] as first_name,
                (${textArray(lastNames)})[1 + n % ${lastNames.length}::int] as last_name
        from generate_series(1, ${count}::int) as n
    ), people as (
      insert into contact (email, email_key, first_name, last_name, language)
      select address, address, first_name, last_name, 'en'
        from (select *, translate(lower(first_name || '.' || last_name), 'ëüçáłíø', 'eucalio')
                        || '.' || n || '@mail' || n % 50 || '.example.com' as address from drawn) as addressed
      returning id
    )
    insert into list_member (list_id, contact_id) select list.id, people.id from list, people`);
  // As an import does: without it the first campaign is planned for empty tables.
  await db.execute(sql`analyze contact, list_member`);
}

const textArray = (values: readonly string[]) =>
  sql`array[${sql.join(
    values.map((value) => sql`${value}`),
    sql`, `,
  )}]::text[]`;

/** Removes all contacts, lists and campaigns, so that no measurement is slowed by what another one has left. */
export async function emptyDatabase(db: Database): Promise<void> {
  await db.execute(sql`truncate contact, email_address_history, email_address_history_bus, left_mailbox, contact_list, list_member,
    list_opt_out, global_opt_out, general_no, suppression, subscription_request, feedback, campaign, content, content_file,
    campaign_list, campaign_audit, dispatch_queue, dispatch_exclusion, dispatch_outcome, dispatch_deferral, dispatch_batch,
    event_inbox, interaction restart identity cascade`);
}

const primaries = new WeakMap<BenchStage, Promise<BenchProcess>>();

/** The one primary of a stage, which sends nothing, and content-delivery, without which no campaign starts. */
export async function startPrimary(stage: BenchStage): Promise<BenchProcess> {
  const start = async () => {
    const { EXM_BASE_URL = '' } = await stage.environment();
    const [primary] = await Promise.all([
      stage.startWorker(['primary', '--no-dispatch']),
      stage.startWorker(['content-delivery', '--listen', new URL(EXM_BASE_URL).host]),
    ]);
    return primary;
  };
  const started = primaries.get(stage) ?? start();
  primaries.set(stage, started);
  return await started;
}

export interface DispatcherSettings {
  readonly threads: number;
  /** Default 0. */
  readonly sleepMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the stage's receiver. */
  readonly smtpUrl?: string;
  /** How many there are already: their names count on. Default 0. */
  readonly running?: number;
}

/** Starts so many dispatchers, all alike. */
export async function startDispatchers(
  stage: BenchStage,
  count: number,
  { threads, sleepMs = 0, env, smtpUrl, running = 0 }: DispatcherSettings,
): Promise<readonly BenchProcess[]> {
  const smtp = smtpUrl ?? (await stage.receiver()).url;
  const settings = ['--smtp', smtp, '--threads', String(threads), '--sleep-ms', String(sleepMs)];
  return await Promise.all(
    Array.from({ length: count }, (_, index) =>
      stage.startWorker(['dedicated-dispatch', '--name', `bench-${running + index + 1}`, ...settings], env),
    ),
  );
}

export interface CampaignRun {
  readonly id: string;
  /** When it was told to start, and when it was Sent, as Date.now() says it. */
  readonly startedAt: number;
  readonly sentAt: number;
  readonly result: DispatchResult;
}

/** Creates a campaign as `exm campaign create` does. @returns its id */
export async function createBenchCampaign(
  stage: BenchStage,
  definition: CampaignDefinition,
): Promise<string> {
  return (await createCampaign(await stage.database(), definition, { by: 'exm bench' })).id;
}

/**
 * Starts a campaign and waits for its end; the wait costs one request to Temporal.
 *
 * @throws FailedError BENCH_CAMPAIGN where it does not end as Sent with everybody sent to
 */
export async function sendCampaign(stage: BenchStage, id: string): Promise<CampaignRun> {
  const env = await stage.environment();
  const db = await stage.database();
  const client = await connectClient(env);
  try {
    const startedAt = Date.now();
    await startCampaign(client, id, { queuePrefix: env['EXM_QUEUE_PREFIX'], startedBy: 'exm bench' });
    const result = await untilAborted(stage.signal, campaignResult(client, id));
    const { rows } = await db.execute<{ sent: number | null; other: number; at: number | null }>(sql`
      select sum(sent)::int as sent, (sum(failed + skipped) > 0)::int as other,
             (select extract(epoch from max(at))::float8 * 1000 from campaign_audit
               where campaign_id = ${id} and what = 'state' and "to" = 'Sent') as at
        from dispatch_batch where campaign_id = ${id}`);
    const [row] = rows;
    if (row?.at == null || row.other > 0) {
      throw new FailedError('BENCH_CAMPAIGN', 'A campaign of the bench was not sent to everybody.', {
        field: id,
        value: result,
        hint: 'The figures would mean nothing. Please report it.',
      });
    }
    return { id, startedAt, sentAt: row.at, result };
  } finally {
    await client.connection.close();
  }
}

const warmUpList = 'warm-up';
/** Only after some ten thousand messages has a process compiled and optimised all that sends them. */
export const warmUpMaximum = 20_000;

/**
 * Sends campaigns to some of the bench's people: the first messages of a process cost several times what all others do.
 *
 * @param campaigns as many, one after the other
 */
export async function warmUp(stage: BenchStage, messages = warmUpMaximum, campaigns = 1): Promise<void> {
  stage.tell('Warming up');
  const db = await stage.database();
  await db.execute(sql`
    with list as (insert into contact_list (name) values (${warmUpList}) returning id)
    insert into list_member (list_id, contact_id)
    select list.id, contact.id from list, (select id from contact order by id limit ${messages}) as contact`);
  const definition = newsletter(newsletterHtml(2_000, 2), { include: [warmUpList] });
  for (let sent = 0; sent < campaigns; sent++)
    await sendCampaign(stage, await createBenchCampaign(stage, definition));
}

/** Waits for something, but no longer than until Ctrl-C. @throws the signal's reason */
export async function untilAborted<T>(signal: AbortSignal, awaited: Promise<T>): Promise<T> {
  // Once nobody waits for it any more, what becomes of it is nobody's concern.
  awaited.catch(() => undefined);
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  try {
    return await Promise.race([
      awaited,
      new Promise<never>((_, reject) => {
        stop = () => reject(signal.reason);
        signal.addEventListener('abort', stop);
      }),
    ]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}
