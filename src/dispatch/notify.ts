import { createHmac } from 'node:crypto';
import { createTransport } from 'nodemailer';
import type { CampaignState } from '../domain/campaign-state.ts';
import { FailedError, InputError, UnavailableError } from '../domain/errors.ts';
import type { Totals } from '../domain/outcome.ts';
import type { CampaignDefinition, Mailbox } from '../message/content.ts';
import { asciiAddress, domainOf } from '../message/mailbox.ts';
import { headerText } from '../message/mime/newsletter-fields.ts';

/** What is told about the end of a dispatch. Contains no personal data. */
export interface FinishedDispatch {
  readonly campaignId: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly totals: Totals;
  /** Contacts of the included lists that were not queued, by reason. */
  readonly excluded: Readonly<Record<string, number>>;
}

export interface NotifyOptions {
  /** Whom to tell, as the campaign file says. */
  readonly notify: CampaignDefinition['notify'];
  /** The primary's mail server (EXM_SMTP_URL). */
  readonly smtpUrl: string | undefined;
  readonly from: Mailbox;
  /** InternalApiKey: signs what is posted to the webhook. */
  readonly internalApiKey: Buffer;
  readonly result: FinishedDispatch;
}

/** No channel may take longer, milliseconds: each is one short exchange. */
const timeoutMs = 15_000;
/** Characters of the sender's name and of the subject. */
const nameMaximum = 200;
const subjectMaximum = 200;
const maximumRedirects = 3;
/** Redirects after which the same request is posted to the new address. 303 asks for another one. */
const redirects: ReadonlySet<number> = new Set([301, 302, 307, 308]);
/** Client errors that another try may mend: request timeout, too early, too many requests. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * One plain mail to `notify.mail`. A repeated one has the same Message-ID.
 *
 * @throws UnavailableError where the mail server does not answer or says "later" (4xx); FailedError where it refuses
 * the mail for good (5xx); InputError where the primary has no mail server.
 */
export async function notifyByMail({ notify, smtpUrl, from, result }: NotifyOptions): Promise<void> {
  if (notify.mail === undefined) return;
  if (smtpUrl === undefined) {
    throw new InputError('NOTIFY_NO_MAIL_SERVER', 'The end of the dispatch cannot be told by mail.', {
      field: 'EXM_SMTP_URL',
      hint: 'Set EXM_SMTP_URL for the primary, or leave "notify: mail" out of the campaign file.',
    });
  }
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  });
  try {
    await transport.sendMail({
      from: { name: headerText(from.name, nameMaximum), address: asciiAddress(from.address) },
      to: { name: '', address: asciiAddress(notify.mail) },
      subject: headerText(`${result.name}: ${outcomeWords(result)}`, subjectMaximum),
      text: mailText(result),
      messageId: `<finished.${result.campaignId}@${domainOf(from.address)}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  } catch (cause) {
    const reply = (cause as { responseCode?: number }).responseCode;
    if (reply !== undefined && reply >= 500) {
      throw new FailedError('NOTIFY_REFUSED', `The mail server refused the notification with ${reply}.`, {
        field: 'notify: mail',
        hint: 'Correct the address in the campaign file, or let the mail server accept it.',
      });
    }
    throw new UnavailableError('NOTIFY_UNAVAILABLE', 'The notification by mail did not go out.', {
      field: 'EXM_SMTP_URL',
      value: reply ?? (cause as { code?: string }).code,
      hint: 'It is tried again; look at the mail server of the primary.',
    });
  } finally {
    transport.close();
  }
}

/**
 * One JSON POST to `notify.webhook`, with `X-Exm-Signature: sha256=<HMAC-SHA256 of the body by the InternalApiKey>`
 * and `X-Exm-Delivery`, which is the same when it is repeated. Any 2xx is an acceptance.
 *
 * @throws UnavailableError where nothing answers in time or the answer is 5xx, 408, 425 or 429; FailedError for every
 * other answer.
 */
export async function notifyByWebhook({ notify, internalApiKey, result }: NotifyOptions): Promise<void> {
  if (notify.webhook === undefined) return;
  const body = JSON.stringify({ type: 'DispatchFinished', ...webhookBody(result) });
  const init = {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'exm-dispatch',
      'x-exm-delivery': `${result.campaignId}/DispatchFinished`,
      'x-exm-signature': `sha256=${createHmac('sha256', internalApiKey).update(body).digest('hex')}`,
    },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  } satisfies RequestInit;

  let target = webhookTarget(notify.webhook);
  for (let hop = 0; hop <= maximumRedirects; hop++) {
    const { status, location } = await post(target, init);
    if (status >= 200 && status < 300) return;
    if (!redirects.has(status) || location === null) throw refusal(target, status);
    target = webhookTarget(location, target);
  }
  throw new FailedError('NOTIFY_REFUSED', `The webhook redirects more than ${maximumRedirects} times.`, {
    field: 'notify: webhook',
    value: target.host,
    hint: 'Give the campaign file the address that answers itself.',
  });
}

async function post(target: URL, init: RequestInit): Promise<{ status: number; location: string | null }> {
  try {
    const response = await fetch(target, init);
    // The answer's body is not ours to read, whatever its length.
    await response.body?.cancel();
    return { status: response.status, location: response.headers.get('location') };
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause;
    throw new UnavailableError('NOTIFY_UNAVAILABLE', 'The webhook does not answer.', {
      field: 'notify: webhook',
      value: `${target.host}: ${cause?.code ?? (error as Error).name}`,
      hint: 'It is tried again; look at the server that the webhook names.',
    });
  }
}

/** A web address to post to. Only its host is ever shown, for its path may hold a secret. */
function webhookTarget(address: string, base?: URL): URL {
  const target = URL.canParse(address, base?.href) ? new URL(address, base?.href) : undefined;
  const allowed = base?.protocol === 'https:' ? ['https:'] : ['http:', 'https:'];
  if (target !== undefined && allowed.includes(target.protocol) && target.username === '') return target;
  throw new FailedError('NOTIFY_REFUSED', 'The webhook leads to an address that is not posted to.', {
    field: 'notify: webhook',
    value: target === undefined ? '(not a URL)' : `${target.protocol}//${target.host}`,
    hint: 'It must be http: or https:, without a user name, and must not redirect from https: to http:.',
  });
}

function refusal(target: URL, status: number): UnavailableError | FailedError {
  const details = { field: 'notify: webhook', value: `${target.host}: ${status}` };
  return status >= 500 || passing.has(status)
    ? new UnavailableError('NOTIFY_UNAVAILABLE', `The webhook answered ${status}.`, {
        ...details,
        hint: 'It is tried again; look at the server that the webhook names.',
      })
    : new FailedError('NOTIFY_REFUSED', `The webhook refused the notification with ${status}.`, {
        ...details,
        hint: 'Correct "notify: webhook" in the campaign file, or let its server accept a POST of JSON.',
      });
}

/** Field by field, so that nothing else can slip out to somebody else's server. */
function webhookBody({ campaignId, name, state, totals, excluded }: FinishedDispatch): FinishedDispatch {
  return { campaignId, name, state, totals, excluded };
}

function outcomeWords({ state, totals }: FinishedDispatch): string {
  return state === 'Sent'
    ? `sent to ${format(totals.sent)} of ${format(totals.queued)} recipients`
    : `ended as ${state} after ${format(totals.sent)} of ${format(totals.queued)} recipients`;
}

function mailText(result: FinishedDispatch): string {
  const { totals, excluded } = result;
  const books: [string, number][] = [
    ['queued', totals.queued],
    ['sent', totals.sent],
    ['failed', totals.failed],
    ['skipped', totals.skipped],
    ['cancelled', totals.cancelled],
    ['in doubt', totals.inDoubt],
  ];
  const left = Object.entries(excluded).filter(([, count]) => count > 0);
  return [
    `The dispatch of "${result.name}" (${result.campaignId}) has ended: it is ${result.state}.`,
    '',
    ...table(books),
    ...(left.length === 0 ? [] : ['', 'Contacts of its lists that were not queued:', '', ...table(left)]),
    '',
  ].join('\n');
}

function table(rows: readonly (readonly [string, number])[]): string[] {
  const labels = Math.max(...rows.map(([label]) => label.length));
  const numbers = Math.max(...rows.map(([, count]) => format(count).length));
  return rows.map(([label, count]) => `  ${label.padEnd(labels)}  ${format(count).padStart(numbers)}`);
}

function format(count: number): string {
  return count.toLocaleString('en');
}
