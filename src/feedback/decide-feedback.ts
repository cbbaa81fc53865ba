import { eq, sql } from 'drizzle-orm';
import { emailKey } from '../contacts/addresses/email-address.ts';
import { givenAddress } from '../contacts/addresses/given-address.ts';
import { unknownContact } from '../contacts/unknown-contact.ts';
import type { Database, Queries } from '../db/connect.ts';
import { contact, feedback } from '../db/schema.ts';
import { InputError, RefusedError } from '../domain/errors.ts';
import type { BounceDetail } from '../domain/feedback.ts';

export type FeedbackRow = typeof feedback.$inferSelect;

/** What a person says that an unclear message is. */
export const decisions = ['hard', 'soft', 'complaint'] as const;
export type Decision = (typeof decisions)[number];

/** @throws InputError FEEDBACK_UNKNOWN */
export async function findFeedback(db: Queries, id: number): Promise<FeedbackRow> {
  const [row] = await db.select().from(feedback).where(eq(feedback.id, id));
  if (row !== undefined) return row;
  throw new InputError('FEEDBACK_UNKNOWN', 'Nothing that came back has this number.', {
    field: 'id',
    value: id,
    hint: '"exm feedback ls" lists what there is.',
  });
}

/** Has unclear messages read once more, as after an update of the program: one, or all. @returns how many */
export async function retryFeedback(db: Database, id: number | undefined): Promise<number> {
  if (id !== undefined) await requireUnclear(db, id);
  const { rowCount } = await db.execute(sql`
    update feedback set state = 'new', processed_at = null
     where state = 'unclear' and raw is not null and ${id === undefined ? sql`true` : sql`id = ${id}`}`);
  return rowCount ?? 0;
}

/** Puts an unclear message aside: nothing follows from it, and it is kept no longer. */
export async function dismissFeedback(db: Database, id: number, by: string): Promise<void> {
  await db.transaction(async (tx) => {
    const { verdict } = await requireUnclear(tx, id);
    await settle(tx, id, 'dismissed', `put aside by ${by}; it was: ${verdict}`);
  });
}

export interface Applied {
  readonly id: number;
  readonly as: Decision;
  readonly campaignId: string;
  readonly position: number;
}

/**
 * Enters what a person found an unclear message to be, about the last message that was sent to the contact before it came. What
 * follows is what would have followed by itself.
 *
 * @throws InputError ADDRESS_WRONG, FEEDBACK_UNKNOWN; FailedError CONTACT_UNKNOWN; RefusedError FEEDBACK_DECIDED,
 * FEEDBACK_NO_MESSAGE
 */
export async function applyDecision(
  db: Database,
  id: number,
  { as, email, by }: { readonly as: Decision; readonly email: string; readonly by: string },
): Promise<Applied> {
  return await db.transaction(async (tx) => {
    const { receivedAt } = await requireUnclear(tx, id);
    const { key } = givenAddress(email, '--contact');
    const [person] = await tx
      .select({ id: contact.id })
      .from(contact)
      .where(eq(contact.emailKey, emailKey(key)));
    if (person === undefined) {
      const hint = 'Name a contact whom the message is about, or dismiss it: "exm feedback dismiss".';
      throw await unknownContact(tx, email, key, { field: '--contact', hint });
    }
    const { rows } = await tx.execute<{ campaignId: string; position: number }>(sql`
      select q.campaign_id as "campaignId", q.position
        from dispatch_queue q
        join dispatch_outcome o on o.campaign_id = q.campaign_id and o.position = q.position
       where q.contact_id = ${person.id} and o.kind in ('sent', 'in_doubt', 'failed')
         and o.at <= ${receivedAt.toISOString()}::timestamptz
       order by o.at desc limit 1`);
    const [message] = rows;
    if (message === undefined) {
      throw new RefusedError('FEEDBACK_NO_MESSAGE', 'Nothing had been sent to this contact when this came.', {
        field: '--contact',
        hint: 'Name the contact whose message it is about, or put it aside with "exm feedback dismiss".',
      });
    }
    const detail: BounceDetail = {
      ...(as === 'complaint' ? {} : { class: as }),
      status: '',
      text: `decided by ${by}`,
      by: 'notification',
    };
    await tx.execute(sql`
      insert into event_inbox (type, campaign_id, position, contact_id, detail, at)
      values (${as === 'complaint' ? 'SpamComplaint' : 'Bounce'}, ${message.campaignId}, ${message.position},
              ${person.id}, ${JSON.stringify(detail)}::jsonb, ${receivedAt.toISOString()}::timestamptz)`);
    const what = as === 'complaint' ? 'complaint' : `${as} bounce`;
    await settle(
      tx,
      id,
      'understood',
      `${what}, decided by ${by}: ${message.campaignId}, ${message.position}`,
    );
    return { id, as, ...message };
  });
}

async function requireUnclear(tx: Queries, id: number): Promise<FeedbackRow> {
  const row = await findFeedback(tx, id);
  if (row.state === 'unclear') return row;
  const state = row.state === 'new' ? 'is not read yet' : `is ${row.state} already`;
  throw new RefusedError('FEEDBACK_DECIDED', `This ${state}: nothing is left to decide.`, {
    field: 'id',
    value: id,
    hint: '"exm feedback ls --unclear" lists what waits for a person.',
  });
}

/** @throws RefusedError FEEDBACK_DECIDED where somebody else has decided meanwhile */
async function settle(
  tx: Queries,
  id: number,
  state: 'dismissed' | 'understood',
  verdict: string,
): Promise<void> {
  const { rowCount } = await tx.execute(sql`
    update feedback set state = ${state}, verdict = ${verdict.slice(0, 500)}, processed_at = now(), raw = null,
           envelope_from = ''
     where id = ${id} and state = 'unclear'`);
  if (rowCount !== 1) await requireUnclear(tx, id);
}
