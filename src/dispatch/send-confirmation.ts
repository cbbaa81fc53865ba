import { sql } from 'drizzle-orm';
import { formerAddressesOfNos } from '../contacts/addresses/former-addresses.ts';
import { UnavailableError } from '../domain/errors.ts';
import { confirmationDays, type RequestPurpose, takenBackDays } from '../domain/subscription.ts';
import { composeConfirmation } from '../message/confirmation-mail.ts';
import { sendableAddress } from '../message/mailbox.ts';
import { EmulatedSession } from '../smtp/emulation.ts';
import type { SmtpResult } from '../smtp/reply.ts';
import { subscriptionLink } from '../tracking/links/subscription-link.ts';
import { mailWords } from '../tracking/pages/mail-words.ts';
import { choosePageLanguage } from '../tracking/pages/texts.ts';
import type { DispatchHost } from './dispatch-host.ts';

interface Waiting extends Record<string, unknown> {
  readonly email: string;
  readonly language: string;
  readonly title: string | null;
  readonly wording: string;
  readonly purpose: RequestPurpose;
  /** Its contact is there; of `subscribe` always. */
  readonly hasContact: boolean;
  readonly isPresent: boolean;
  readonly isTaken: boolean;
  readonly isOptedOut: boolean;
  readonly isFormerOfNo: boolean;
  readonly isTakenBack: boolean;
  readonly isSuppressed: boolean;
  readonly doNotMarket: boolean;
  readonly consentRevoked: boolean;
}

/**
 * Sends the mail that asks to confirm a subscription or another address. Who must not get it is found out here and not where the form was
 * answered, so that the form tells nobody; why it was not sent stands with the request.
 *
 * @returns whether it was sent, now or before
 * @throws UnavailableError where another try, here or on another dispatcher, may send it
 */
export async function sendConfirmation(host: DispatchHost, requestId: string): Promise<boolean> {
  const { db, sender } = host;
  const { rows } = await db.execute<Waiting & { sentAt: string | null; failure: string | null }>(sql`
    select request.purpose, request.email, request.language, request.wording, list.title, sent_at as "sentAt", failure,
           exists (select from suppression s where s.email_key = request.email_key) as "isSuppressed",
           exists (select from global_opt_out o
                    where o.email_key = request.email_key
                       or (request.purpose = 'old-address' and o.email_key = person.email_key
                           and o.created_at <= request.created_at)) as "isOptedOut",
           request.contact_id is null or person.id is not null as "hasContact",
           coalesce(holder.id = person.id, false) as "isPresent",
           coalesce(holder.id <> person.id, false) as "isTaken",
           request.email_key in (${formerAddressesOfNos(
             sql`h.email_key = request.email_key and h.contact_id is distinct from request.contact_id`,
           )}) as "isFormerOfNo",
           exists (select from subscription_request r
                    where r.contact_id = request.contact_id and r.purpose = 'old-address'
                      and r.confirmed_at > now() - make_interval(days => ${takenBackDays})) as "isTakenBack",
           coalesce(holder.do_not_market, false) or coalesce(person.do_not_market, false) as "doNotMarket",
           coalesce(holder.consent_revoked, false) or coalesce(person.consent_revoked, false) as "consentRevoked"
    from subscription_request request
    left join contact_list list on list.id = request.list_id
    left join contact holder on holder.email_key = request.email_key
    left join contact person on person.id = request.contact_id
    where request.id = ${requestId}`);
  const [request] = rows;
  if (request === undefined || request.failure !== null) return false;
  if (request.sentAt !== null) return true;
  const hindrance = whyNotSent(request);
  if (hindrance !== undefined) return await fail(host, requestId, hindrance);
  if (sender === undefined) {
    throw new UnavailableError(
      'CONFIRMATION_NO_SENDER',
      `${host.name} does not know who sends confirmations.`,
      {
        field: 'EXM_SENDER',
        hint: 'Give every dispatcher the EXM_SENDER that content-delivery has; it is tried again.',
      },
    );
  }
  const language = choosePageLanguage(request.language);
  const message = await composeConfirmation({
    requestId,
    sender,
    to: sendableAddress(request.email) ?? '',
    language,
    words: mailWords(request.purpose, language, request.title ?? ''),
    wording: request.wording,
    link: subscriptionLink(host.baseUrl, requestId, host.keys),
    days: confirmationDays,
    signer: host.dkim,
  });
  const session =
    host.emulation === undefined ? await host.sessions.acquire() : new EmulatedSession(host.emulation);
  try {
    return await settle(host, requestId, await session.send(message));
  } finally {
    host.sessions.release(session);
  }
}

/** In this order: what is said first is true whoever asks. */
function whyNotSent(request: Waiting): string | undefined {
  if (request.isSuppressed) return 'suppression-list';
  if (request.doNotMarket) return 'do-not-market';
  if (request.consentRevoked) return 'consent-revoked';
  const special = request.purpose === 'subscribe' ? whyNotToSubscriber(request) : whyNotToAddress(request);
  return special ?? (sendableAddress(request.email) === undefined ? 'no-address' : undefined);
}

function whyNotToSubscriber({ title }: Waiting): string | undefined {
  return title === null ? 'the list is internal' : undefined;
}

/**
 * Who says "no" to everything is not asked to take over somebody's mail, for nothing would be sent there. What the new address says
 * once it has the mail keeps nothing from the one before: whoever took the mail away could undo it, and nobody would ever know.
 */
function whyNotToAddress(request: Waiting): string | undefined {
  if (!request.hasContact) return 'the contact is gone';
  if (request.isTaken) return "another contact's address";
  if (request.isPresent) return 'the address is the same';
  if (request.isOptedOut) return 'global-opt-out';
  if (request.purpose === 'old-address') return undefined;
  if (request.isFormerOfNo) return 'former-address';
  return request.isTakenBack ? 'a change was taken back' : undefined;
}

async function settle({ db, name }: DispatchHost, requestId: string, result: SmtpResult): Promise<boolean> {
  // Of a reply its number alone is kept: the rest may quote the address.
  const code = /^\d{3}/.exec(result.reply)?.[0] ?? '';
  switch (result.kind) {
    case 'accepted':
      await db.execute(sql`update subscription_request set sent_at = now() where id = ${requestId}`);
      return true;
    case 'rejected':
    case 'unfit':
      return await fail({ db }, requestId, `the mail server refused it ${code}`.trim());
    case 'sender-refused':
    case 'later':
    case 'server-busy':
    case 'connection-lost':
      throw new UnavailableError(
        'CONFIRMATION_UNSENT',
        `${name}: the mail server did not take the mail (${result.kind} ${code}).`.replace(' )', ')'),
        { field: 'EXM_SMTP_URL', hint: 'It is tried again for a day.' },
      );
  }
}

async function fail({ db }: Pick<DispatchHost, 'db'>, requestId: string, failure: string): Promise<false> {
  await db.execute(sql`update subscription_request set failure = ${failure} where id = ${requestId}`);
  return false;
}
