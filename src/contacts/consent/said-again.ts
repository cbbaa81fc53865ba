/** For so long a click on a page that says "no" can be undone by who clicked. Milliseconds. */
export const undoMs = 3_600_000;

const primaryKeys = { global_opt_out: 'email_key', list_opt_out: 'list_id, email_key' } as const;

/**
 * Stands behind the insert of opt-outs, as SQL: one that is there already keeps its date and reason, unless it is so young that the
 * click which made it can still be undone. Then it takes the date of now, and that undo takes nothing away any more: the same
 * was said again since, maybe by somebody else, for messages are passed on. Of now, and not of when the transaction began: whoever
 * left the address meanwhile would have said "no" before they left.
 *
 * One statement must not have two rows of the same. Whether one is new says `isNewOptOut`.
 */
export function saidAgain(table: keyof typeof primaryKeys): string {
  return `on conflict (${primaryKeys[table]}) do update set created_at = clock_timestamp()
    where ${isYoung(table)}`;
}

/** Whether an opt-out that is there can still be undone by who clicked. */
export function isYoung(table: keyof typeof primaryKeys): string {
  return `${table}.created_at > now() - interval '${undoMs} milliseconds'`;
}

/** Stands behind `returning`: whether the opt-out was not there before. */
export const isNewOptOut = '(xmax = 0) as is_new';
