import { sql } from 'drizzle-orm';
import type { Database } from '../../../db/connect.ts';
import { variantOf } from '../../../domain/ab-test.ts';
import { messageOf } from '../../../domain/error-message.ts';
import { ExmError, FailedError, InputError } from '../../../domain/errors.ts';
import { parseEmailAddress } from '../../addresses/email-address.ts';
import { CampaignWord } from './campaign-word.ts';
import type {
  DispatchManager,
  EnqueueSettings,
  ManagedCampaign,
  ManagedRecipient,
} from './dispatch-manager.ts';

const defaultMaximum = 10_000_000;
const longestSilenceMs = 300_000;

/** Contacts that a DispatchManager named, in its order, repeats included. One array for each batch. */
export interface NamedRecipients {
  readonly batches: readonly NamedBatch[];
  /** How many it named that are no contact. */
  readonly unknown: number;
}

export interface NamedBatch {
  readonly contactIds: readonly number[];
  readonly variants: readonly (number | null)[];
  readonly languages: readonly (string | null)[];
}

/** One that was named, checked. */
interface Named {
  readonly contactId: number | null;
  readonly key: string | null;
  readonly variant: number | null;
  readonly language: string | null;
}

export interface NamingOptions extends EnqueueSettings {
  /** How long it may say nothing, milliseconds. */
  readonly longestSilenceMs?: number;
}

/**
 * Asks a DispatchManager for all of its recipients and finds their contacts: batches of DispatchEnqueueBatchSize, of which
 * DispatchEnqueueThreadsNumber are looked up at the same time, while it goes on. Nothing is written. Hears of a pause, which it
 * waits for, and of a cancel.
 *
 * @throws RefusedError QUEUEING_CANCELLED; FailedError DISPATCH_MANAGER with what it threw, where it does not end, or says
 * nothing; InputError DISPATCH_MANAGER_RECIPIENT
 */
export async function nameRecipients(
  db: Database,
  manager: DispatchManager,
  campaign: ManagedCampaign,
  { dispatchEnqueueBatchSize, dispatchEnqueueThreadsNumber, ...options }: NamingOptions,
): Promise<NamedRecipients> {
  const { maximum = defaultMaximum } = manager;
  const batches: NamedBatch[] = [];
  const running = new Set<Promise<void>>();
  let [unknown, count] = [0, 0];
  const failures: unknown[] = [];
  let batch: Named[] = [];
  const longestMs = options.longestSilenceMs ?? longestSilenceMs;
  const word = new CampaignWord(db, campaign.id, {
    longestMs,
    error: () => failed(`named nobody for ${longestMs / 1_000} s, and did not end.`),
  });

  const lookUp = async () => {
    const [asked, place] = [batch, batches.length];
    batch = [];
    // Its place in the order of all, whichever is found first.
    batches.push({ contactIds: [], variants: [], languages: [] });
    const looking = findContacts(db, asked)
      .then((found) => {
        batches[place] = found;
        unknown += asked.length - found.contactIds.length;
      })
      .catch((error: unknown) => {
        failures.push(error);
      })
      .finally(() => running.delete(looking));
    running.add(looking);
    if (running.size >= dispatchEnqueueThreadsNumber) await Promise.race(running);
  };

  let iterator: AsyncIterator<ManagedRecipient> | undefined;
  let isOver = false;
  try {
    iterator = begin(manager, campaign);
    for (;;) {
      const next = await word.during(nextOf(iterator));
      if (failures.length > 0) throw failures[0];
      if (next.done === true) break;
      if (++count > maximum) throw endless(maximum);
      batch.push(checked(next.value, count, campaign));
      if (batch.length >= dispatchEnqueueBatchSize) await lookUp();
    }
    isOver = true;
    if (batch.length > 0) await lookUp();
    await word.during(Promise.all(running));
    if (failures.length > 0) throw failures[0];
    return { batches, unknown };
  } finally {
    word.close();
    // Not waited for: one that hangs would keep the campaign from saying so.
    if (!isOver) void end(iterator);
    await Promise.all(running);
  }
}

function begin(manager: DispatchManager, campaign: ManagedCampaign): AsyncIterator<ManagedRecipient> {
  try {
    return manager.recipients(campaign)[Symbol.asyncIterator]();
  } catch (error) {
    throw failed(`threw: ${messageOf(error)}`, error);
  }
}

async function end(iterator: AsyncIterator<ManagedRecipient> | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // What it says about being stopped changes nothing.
  }
}

async function nextOf(iterator: AsyncIterator<ManagedRecipient>): Promise<IteratorResult<ManagedRecipient>> {
  try {
    return await iterator.next();
  } catch (error) {
    throw error instanceof ExmError ? error : failed(`threw: ${messageOf(error)}`, error);
  }
}

function failed(what: string, cause?: unknown): FailedError {
  return new FailedError('DISPATCH_MANAGER', `The DispatchManager ${what}`, {
    field: 'dispatchManager.recipients',
    hint: 'Mend it, restart the primary, then resume the campaign: it is asked again from the start. Nobody was queued.',
    cause,
  });
}

function endless(maximum: number): FailedError {
  return new FailedError('DISPATCH_MANAGER', `The DispatchManager named more than ${maximum} recipients.`, {
    field: 'dispatchManager.maximum',
    value: maximum,
    hint: 'Mend it where it does not end, or raise dispatchManager.maximum; restart the primary, then resume the campaign. Nobody was queued.',
  });
}

/** Says of what is wrong where it stands, and nothing of whom it is about. */
function checked(recipient: ManagedRecipient, place: number, { variants }: ManagedCampaign): Named {
  const wrong = (field: string, expected: string) =>
    new InputError(
      'DISPATCH_MANAGER_RECIPIENT',
      `The DispatchManager's recipient number ${place} is wrong: ${field} must be ${expected}.`,
      {
        field: `dispatchManager.recipients: ${field}`,
        hint: 'Mend it, restart the primary, then resume the campaign. Nobody was queued.',
      },
    );
  const given: { contactId?: unknown; email?: unknown; variant?: unknown; language?: unknown } | null =
    recipient;
  if (typeof given !== 'object' || given === null) throw wrong('it', 'an object');
  const { contactId, email, variant, language } = given;
  if ((contactId === undefined) === (email === undefined))
    throw wrong('it', 'either by contactId or by email');
  if (contactId !== undefined && !(Number.isSafeInteger(contactId) && Number(contactId) > 0))
    throw wrong('contactId', 'the number of a contact');
  if (email !== undefined && typeof email !== 'string') throw wrong('email', 'text');
  const number = typeof variant === 'string' ? variantOf(variant, variants.length) : undefined;
  if (variant !== undefined && number === undefined) throw wrong('variant', `one of ${variants.join(', ')}`);
  if (language !== undefined && (typeof language !== 'string' || !/^[a-z0-9-]{1,35}$/i.test(language)))
    throw wrong('language', 'a language tag such as de-AT');
  return {
    contactId: typeof contactId === 'number' ? contactId : null,
    // What is no address is nobody's.
    key: typeof email === 'string' ? keyOf(email) : null,
    variant: number ?? null,
    language: typeof language === 'string' ? language.toLowerCase() : null,
  };
}

function keyOf(email: string): string | null {
  const parsed = parseEmailAddress(email);
  return parsed.ok ? parsed.key : null;
}

async function findContacts(db: Database, batch: readonly Named[]): Promise<NamedBatch> {
  const { rows } = await db.execute<{ place: number; id: number }>(sql`
    select place::int, coalesce(by_id.id, by_key.id)::float8 as id
      from unnest(${sql.param(batch.map(({ contactId }) => contactId))}::bigint[],
                  ${sql.param(batch.map(({ key }) => key))}::text[]) with ordinality as named(id, key, place)
      left join contact by_id on by_id.id = named.id
      left join contact by_key on by_key.email_key = named.key
     where coalesce(by_id.id, by_key.id) is not null
     order by place`);
  const found = rows.map(({ place, id }) => ({ id, named: batch[place - 1] }));
  return {
    contactIds: found.map(({ id }) => id),
    variants: found.map(({ named }) => named?.variant ?? null),
    languages: found.map(({ named }) => named?.language ?? null),
  };
}
