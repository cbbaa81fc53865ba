import { sql } from 'drizzle-orm';
import { UnavailableError } from '../domain/errors.ts';
import { confirmationDays } from '../domain/subscription.ts';
import { composeConfirmation } from '../message/confirmation-mail.ts';
import { sendableAddress } from '../message/mailbox.ts';
import { EmulatedSession } from '../smtp/emulation.ts';
import type { SmtpResult } from '../smtp/reply.ts';
import { choosePageLanguage } from '../tracking/pages/texts.ts';
import { subscriptionLink } from '../tracking/subscription-link.ts';
import type { DispatchHost } from './dispatch-host.ts';

interface Waiting extends Record<string, unknown> {
  readonly email: string;
  readonly language: string;
  readonly title: string | null;
  readonly wording: string;
  readonly isSuppressed: boolean;
  readonly doNotMarket: boolean;
  readonly consentRevoked: boolean;
}

/**
 * Sends the mail that asks to confirm a subscription. Who must not get it is found out here and not where the form was
 * answered, so that the form tells nobody; why it was not sent stands with the request.
 *
 * @returns whether it was sent, now or before
 * @throws UnavailableError where another try, here or on another dispatcher, may send it
 */
export async function sendConfirmation(host: DispatchHost, requestId: string): Promise<boolean> {
  const { db, sender } = host;
  const { rows } = await db.execute<Waiting & { sentAt: string | null; failure: string | null }>(sql`
    select request.email, request.language, request.wording, list.title, sent_at as "sentAt", failure,
           exists (select from suppression s where s.email_key = request.email_key) as "isSuppressed",
           coalesce(contact.do_not_market, false) as "doNotMarket",
           coalesce(contact.consent_revoked, false) as "consentRevoked"
    from subscription_request request join contact_list list on list.id = request.list_id
    left join contact on contact.email_key = request.email_key
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
  const message = await composeConfirmation({
    requestId,
    sender,
    to: sendableAddress(request.email) ?? '',
    language: choosePageLanguage(request.language),
    title: request.title ?? '',
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

function whyNotSent({
  email,
  title,
  isSuppressed,
  doNotMarket,
  consentRevoked,
}: Waiting): string | undefined {
  if (isSuppressed) return 'suppression-list';
  if (doNotMarket) return 'do-not-market';
  if (consentRevoked) return 'consent-revoked';
  if (title === null) return 'the list is internal';
  return sendableAddress(email) === undefined ? 'no-address' : undefined;
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
