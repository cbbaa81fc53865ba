import { type SQL, sql } from 'drizzle-orm';
import { type ExclusionReason, exclusionReasons } from '../../domain/outcome.ts';
import { otherAddressesOfNos } from '../addresses/former-addresses.ts';
import type { SendLimits } from './send-limit.ts';

/** The manager root's settings that decide who may get mail. */
export interface ExclusionSettings {
  /** UndeliveredMaximum: an address whose BounceCount is above it gets nothing. */
  readonly undeliveredMaximum: number;
  /** CheckSuppressionList: whether the suppression list is looked at. */
  readonly checkSuppressionList: boolean;
  /** How many messages a contact may be sent; undefined: as many as there are campaigns. */
  readonly sendLimits?: SendLimits | undefined;
  /** Reasons that do not count: a DispatchManager overruled them by name, for one campaign. */
  readonly overruled?: readonly ExclusionReason[] | undefined;
}

/**
 * Reasons that hold whatever the campaign. They are looked at again at sending, so that a "no" given since the campaign
 * was queued is honoured; so are `list-opt-out` and `send-limit`, while excluded lists are settled when it is queued.
 */
export type PersonalExclusionReason = Exclude<
  ExclusionReason,
  'excluded-list' | 'list-opt-out' | 'duplicate-address' | 'unknown-contact' | 'send-limit'
>;

/** Whether a reason that came after the campaign was queued is honoured, too. */
export function holdsAtSending(reason: ExclusionReason): boolean {
  return reason === 'list-opt-out' || reason === 'send-limit' || reason in personalConditions;
}

/** The condition of a reason is null-safe: a row without a contact (erased since it was queued) is `no-address`. */
const personalConditions = {
  'global-opt-out': () => sql`global_opt_out.email_key is not null`,
  'do-not-market': () => sql`contact.do_not_market`,
  'consent-revoked': () => sql`contact.consent_revoked`,
  'undelivered-maximum': ({ undeliveredMaximum }) =>
    sql`contact.bounce_count > ${undeliveredMaximum}::integer`,
  'suppression-list': ({ checkSuppressionList }) =>
    checkSuppressionList ? sql`suppression.email_key is not null` : undefined,
  'former-address': () => sql`former_address.email_key is not null`,
  'no-address': () => sql`coalesce(contact.email_key, '') = ''`,
} as const satisfies Record<PersonalExclusionReason, (settings: ExclusionSettings) => SQL | undefined>;

/**
 * The joins that `exclusionCase` needs, to stand after a FROM clause that has the table `contact` under its own name.
 * Left joins on unique keys: they add no rows, and the planner hashes them for a million contacts and uses the
 * index for a hundred.
 */
export function exclusionJoins(settings: ExclusionSettings): SQL {
  const optOut = sql`left join global_opt_out on global_opt_out.email_key = contact.email_key
    left join lateral (${otherAddressesOfNos(settings, (key) => sql`${key} = contact.email_key`)} limit 1) former_address on true`;
  return settings.checkSuppressionList
    ? sql`${optOut} left join suppression on suppression.email_key = contact.email_key`
    : optOut;
}

/**
 * The same where most contacts are looked at: the tables that are kept by address become one, which is asked once for each
 * contact and not once for each table. Under their own names they are what `exclusionCase` expects.
 *
 * @param further other addresses by the name of the join: queries of one column `email_key`
 */
export function exclusionJoinsForMany(
  settings: ExclusionSettings,
  further: Readonly<Record<string, SQL>> = {},
): SQL {
  const queries = Object.entries({
    global_opt_out: sql`select email_key from global_opt_out`,
    former_address: otherAddressesOfNos(settings),
    ...(settings.checkSuppressionList ? { suppression: sql`select email_key from suppression` } : {}),
    ...further,
  }).map(([name, query], index) => ({ name: sql.identifier(name), query, bit: sql.raw(String(1 << index)) }));
  const all = queries.map(
    ({ name, query, bit }) => sql`select email_key, ${bit} as bit from (${query}) ${name}`,
  );
  const each = queries.map(
    ({ name, bit }) => sql`
      cross join lateral (select case when kept.bits & ${bit} <> 0 then kept.email_key end as email_key) ${name}`,
  );
  return sql`left join (
      select email_key, bit_or(bit) as bits from (${sql.join(all, sql` union all `)}) each group by email_key
    ) kept on kept.email_key = contact.email_key${sql.join(each)}`;
}

/**
 * The same for a group of contacts, some hundred of a million: each table is asked once, for all addresses of the group, and
 * not once for each contact, which takes twice as long. What comes back is a few rows, kept as a hash for the statement.
 * A table without rows is not asked at all.
 *
 * @param keys the group's addresses as a `text[]`, best in their order: then nothing is left to sort
 */
export function exclusionJoinsForGroup(settings: ExclusionSettings, keys: SQL): SQL {
  const suppressed = settings.checkSuppressionList ? isInGroup('suppression', keys) : sql``;
  const former = otherAddressesOfNos(settings, (key) => sql`${key} = any (${keys})`);
  return sql`${isInGroup('global_opt_out', keys)}${suppressed}${isFoundBy('former_address', 'email_address_history', former)}`;
}

/** `email_key` of the contact where the table has it, to stand behind a FROM clause that has the table `contact`. */
export function isInGroup(table: 'global_opt_out' | 'suppression' | 'list_opt_out', keys: SQL): SQL {
  return isFoundBy(
    table,
    table,
    sql`select email_key from ${sql.identifier(table)} where email_key = any (${keys})`,
  );
}

/**
 * @param name of the join
 * @param table without any row of which nothing is asked
 * @param query of the one column `email_key`
 */
function isFoundBy(name: string, table: string, query: SQL): SQL {
  return sql`
    cross join lateral (
      select case when exists (select from ${sql.identifier(table)})
                   and contact.email_key in (${query})
                  then contact.email_key end as email_key) ${sql.identifier(name)}`;
}

/** Conditions of reasons that only the caller can know, such as those of the campaign's lists. */
export type FurtherConditions = Partial<Record<Exclude<ExclusionReason, PersonalExclusionReason>, SQL>>;

/**
 * Why the contact of the row must not get mail, as a text expression: one of `exclusionReasons`, the first that
 * holds in their order, or null where it may. The one definition for queueing and for sending.
 *
 * Over the table `contact` and the joins of `exclusionJoins`, given the same settings. `contact` may be the right
 * side of a left join.
 */
export function exclusionCase(settings: ExclusionSettings, further: FurtherConditions = {}): SQL {
  return sql`case ${sql.join(branches(settings, further), sql` `)} end`;
}

/** Every reason that holds, in their order, as an expression of an array of text; otherwise as `exclusionCase`. */
export function everyExclusion(settings: ExclusionSettings, further: FurtherConditions = {}): SQL {
  const each = branches(settings, further).map((branch) => sql`case ${branch} end`);
  return sql`array_remove(array[${sql.join(each, sql`, `)}]::text[], null)`;
}

/** `when <condition> then '<reason>'`, in the order of the reasons. */
function branches(settings: ExclusionSettings, further: FurtherConditions): SQL[] {
  const conditions: Partial<Record<ExclusionReason, SQL>> = { ...further };
  for (const [reason, condition] of Object.entries(personalConditions)) {
    const met = condition(settings);
    if (met !== undefined) conditions[reason as PersonalExclusionReason] = met;
  }
  return exclusionReasons.flatMap((reason) => {
    const condition = settings.overruled?.includes(reason) ? undefined : conditions[reason];
    // The names are constants of ours; as parameters they would make the types of the branches unknown.
    return condition === undefined ? [] : [sql`when ${condition} then ${sql.raw(`'${reason}'`)}`];
  });
}
