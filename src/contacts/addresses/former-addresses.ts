import { type SQL, sql } from 'drizzle-orm';
import { isOfMailbox } from '../consent/put-on-suppression-list.ts';

/**
 * Addresses whose people say "no" by another address of theirs: a query of the one column `email_key`. One is the former address
 * of the other, and whichever says it, it holds for both.
 *
 * @param isAsked a condition over such an address, where not all are asked for
 */
export function otherAddressesOfNos(
  { checkSuppressionList }: { readonly checkSuppressionList: boolean },
  isAsked?: (key: SQL) => SQL,
): SQL {
  return sql`${formerAddressesOfNos(isAsked?.(sql`h.email_key`), checkSuppressionList)}
    union all ${laterAddressesOfNos(isAsked?.(sql`had.email_key`))}`;
}

/**
 * Addresses that contacts had before who say "no" to anything by now: a query of the one column `email_key`. A source that
 * still has such an address makes another contact of the same person, whom that "no" has to hold for as well. So does a suppression
 * of the address they have now, unless it is about that mailbox.
 *
 * @param among a further condition over the history `h`, where not all are asked for
 * @param checkSuppressionList whether the suppression list is looked at
 */
export function formerAddressesOfNos(among?: SQL, checkSuppressionList = true): SQL {
  const suppressed = sql`
            or exists (select from suppression o where o.email_key = had.email_key and not ${isOfMailbox(sql`o.cause`)})`;
  return sql`select h.email_key
      from ${among === undefined ? whoHadAnAddress : whoHadOneOf(among)}
     where had.email_key <> h.email_key
       and (had.do_not_market or had.consent_revoked
            or exists (select from global_opt_out o where o.email_key = had.email_key)
            or exists (select from general_no o where o.email_key = had.email_key)
            or exists (select from list_opt_out o where o.email_key = had.email_key)${checkSuppressionList ? suppressed : sql``})
       and not ${isProvedAnothers(sql`h.email_key`, among !== undefined)}`;
}

/**
 * Addresses of contacts of whom somebody said "no" to all mail by an address that they had left: by hand, by a file, or by what a
 * source made of the old address that does not know of the change. What was said before they left it went along with them
 * (`changeAddress`), and they may have taken it back since. Of single lists such a "no" holds for the old address alone: it is
 * not in doubt what it is about. Nor does a suppression of it: that may be about a mailbox which is another's by now.
 */
function laterAddressesOfNos(among?: SQL): SQL {
  const left = sql`least(had.address_since, (
    select min(n.used_from) from email_address_history n
     where n.contact_id = h.contact_id and n.used_from > h.used_from and n.email_key <> h.email_key))`;
  const saidSince = (table: SQL) => sql`exists (select from ${table} o where o.email_key = h.email_key
    and o.created_at > ${left} and not ${hasSubscribedSince(sql`had.email_key`, sql`o.created_at`)})`;
  return sql`select had.email_key
      from ${among === undefined ? whoLeftAnAddressOfNo : whatTheyHad(among)}
     where had.email_key <> h.email_key
       and (${saidSince(sql`global_opt_out`)} or ${saidSince(sql`general_no`)}
            or exists (select from contact o where o.email_key = h.email_key and (o.do_not_market or o.consent_revoked)
              and not ${hasSubscribedSince(sql`had.email_key`, sql`o.updated_at`)}))
       and not ${isProvedAnothers(sql`h.email_key`, among !== undefined)}`;
}

/** The history `h`, and `had`, who it is of. */
const whoHadAnAddress = sql`email_address_history h join contact had on had.id = h.contact_id`;

/**
 * The same for the few addresses that `among` asks for, looked up one by one whatever the planner thinks of it: where it has no
 * statistics of the history it went through all contacts for each group of recipients (measured: fifteen times as long).
 */
const whoHadOneOf = (among: SQL) => sql`(
    select * from email_address_history h where ${among} offset 0) h
    cross join lateral (select * from contact where contact.id = h.contact_id offset 0) had`;

/** The same where `among` asks for those who had them, over `had`. */
const whatTheyHad = (among: SQL) => sql`(
    select * from contact had where ${among} offset 0) had
    cross join lateral (select * from email_address_history where contact_id = had.id offset 0) h`;

/** The same of those addresses alone that say "no" to all mail, whenever that was: few, though the planner thinks them to be many. */
const whoLeftAnAddressOfNo = whoHadOneOf(sql`
    h.email_key in (select email_key from global_opt_out) or h.email_key in (select email_key from general_no)
      or exists (select from contact o where o.email_key = h.email_key and (o.do_not_market or o.consent_revoked))`);

/**
 * Whether who has the address now has subscribed by it: then the mailbox is theirs, and what they want is what they say, whoever
 * had it before.
 */
function isProvedAnothers(key: SQL, isLookedUp: boolean): SQL {
  const proof = sql`from contact now_its where now_its.email_key = ${key}
       and ${hasSubscribedSince(sql`now_its.email_key`, sql`now_its.address_since`)}`;
  // As a value no join of all contacts is made of it.
  return isLookedUp ? sql`((select true ${proof} limit 1) is not null)` : sql`exists (select ${proof})`;
}

/** Whether somebody has left the address since then: what is said by it now was not said when they did. */
export function wasLeftSince(key: SQL, since: SQL): SQL {
  return sql`exists (${leftSince(key, since)})`;
}

/** The same of somebody who has not subscribed by another address of theirs since then either. */
export function wasLeftForGoodSince(key: SQL, since: SQL): SQL {
  return sql`exists (${leftSince(key, since)} and not ${hasSubscribedSince(sql`had.email_key`, since)})`;
}

function leftSince(key: SQL, since: SQL): SQL {
  return sql`select from email_address_history h join contact had on had.id = h.contact_id
    where h.email_key = ${key} and had.email_key <> h.email_key and had.address_since >= ${since}`;
}

function hasSubscribedSince(key: SQL, since: SQL): SQL {
  return sql`exists (select from subscription_request r
    where r.email_key = ${key} and r.purpose = 'subscribe' and r.confirmed_at >= ${since})`;
}
