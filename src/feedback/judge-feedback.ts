import type { Database, Queries } from '../db/connect.ts';
import { withoutAddresses } from '../domain/error-message.ts';
import type { BounceDetail } from '../domain/feedback.ts';
import { parseReturnPath } from '../message/return-path.ts';
import type { TokenKeys, TokenPayload } from '../tracking/links/token.ts';
import { unsubscribe } from '../tracking/unsubscribe.ts';
import { findByQuote, findByReturnPath } from './find-message.ts';
import { deliveredTo } from './reading/delivered-to.ts';
import type { Notification } from './reading/notification.ts';
import { isReport, readReport } from './reading/posted-report.ts';
import { readNotification } from './reading/read-notification.ts';

export interface JudgeOptions {
  readonly keys: TokenKeys;
}

/** What came, as the table `feedback` has it. */
export interface StoredMessage {
  readonly envelopeTo: string;
  readonly raw: Uint8Array;
  readonly receivedAt: Date;
}

export interface FeedbackEvent {
  readonly type: 'Bounce' | 'SpamComplaint';
  readonly about: TokenPayload;
  readonly detail: BounceDetail;
}

export interface Judgement {
  readonly state: 'understood' | 'unclear';
  /** What it was, or why it is unclear; without addresses. */
  readonly verdict: string;
  readonly events: readonly FeedbackEvent[];
}

/** Characters kept of a mail server's words, and of a verdict. */
const textMaximum = 500;

/**
 * Finds out what a message that came back says, and about whom. Who unsubscribes by it is unsubscribed here and now, which may
 * be done again; bounces and complaints are returned.
 *
 * @param db for what is done; `tx` for what is read
 */
export async function judgeFeedback(
  db: Database,
  tx: Queries,
  message: StoredMessage,
  options: JudgeOptions,
): Promise<Judgement> {
  const path = parseReturnPath(message.envelopeTo || deliveredTo(message.raw));
  const byAddress = path && (await findByReturnPath(tx, options.keys, path));
  if (path?.kind === 'unsubscribe') {
    return byAddress === undefined
      ? unclear('no message was sent with this address')
      : await leave(db, byAddress, message);
  }
  if (isReport(message.raw)) return await judgeReport(db, tx, message, options);
  const notifications = await readNotification(message.raw);
  const judged: Judgement[] = [];
  for (const one of notifications) judged.push(await judgeOne(tx, one, byAddress, options));
  return inOne(judged);
}

/** Events that another program has understood, posted to us. */
async function judgeReport(
  db: Database,
  tx: Queries,
  message: StoredMessage,
  options: JudgeOptions,
): Promise<Judgement> {
  const report = readReport(message.raw);
  if (report === undefined) return unclear('this report is of a form that this version does not know');
  const path = parseReturnPath(report.returnPath ?? '');
  const about = path && (await findByReturnPath(tx, options.keys, path));
  if (report.notification !== 'unsubscribe')
    return await judgeOne(tx, report.notification, about, options, 'webhook');
  const who = about ?? (await findByQuote(tx, options.keys, report));
  return who === undefined ? unclear(aboutNobody) : await leave(db, who, message);
}

const aboutNobody = 'nothing in it proves which message it is about';

async function judgeOne(
  tx: Queries,
  notification: Notification,
  byAddress: TokenPayload | undefined,
  { keys }: JudgeOptions,
  by: BounceDetail['by'] = 'notification',
): Promise<Judgement> {
  if (notification.kind === 'unclear') return unclear(notification.why);
  const about = byAddress ?? (await findByQuote(tx, keys, notification));
  if (notification.kind === 'nothing') return understood(`nothing follows: ${notification.text}`);
  if (about === undefined) return unclear(`${describe(notification)}, but ${aboutNobody}`);
  const verdict = `${describe(notification)}: ${about.campaignId}, ${about.position}`;
  // What nobody was queued for counts nothing.
  if (about.position === 0) return understood(`${verdict}, a test message`);
  const text = clean(notification.text);
  if (notification.kind === 'complaint') {
    return understood(verdict, [{ type: 'SpamComplaint', about, detail: { status: '', text, by } }]);
  }
  const { class: kind, status } = notification;
  return understood(verdict, [{ type: 'Bounce', about, detail: { class: kind, status, text, by } }]);
}

/** What the person has subscribed to since it came stays. */
async function leave(db: Database, about: TokenPayload, { receivedAt }: StoredMessage): Promise<Judgement> {
  if (about.position === 0) return understood(`unsubscribed: ${about.campaignId}, a test message`);
  const { result } = await unsubscribe(db, about, 'all', '', receivedAt);
  return understood(`unsubscribed from all mail (${result}): ${about.campaignId}, ${about.position}`);
}

function describe(notification: Exclude<Notification, { kind: 'unclear' | 'nothing' }>): string {
  return notification.kind === 'complaint'
    ? `complaint${notification.text === '' ? '' : ` (${notification.text})`}`
    : `${notification.class} bounce${notification.status === '' ? '' : ` ${notification.status}`}`;
}

/** A report about several recipients is unclear as a whole where any of it is: what was clear counts all the same. */
function inOne(judged: readonly Judgement[]): Judgement {
  const state = judged.some((one) => one.state === 'unclear') ? 'unclear' : 'understood';
  const told = [...judged].sort((a, b) => Number(b.state === state) - Number(a.state === state));
  return {
    state,
    verdict: clean([...new Set(told.map(({ verdict }) => verdict))].join('; ')),
    events: judged.flatMap(({ events }) => events),
  };
}

function understood(verdict: string, events: readonly FeedbackEvent[] = []): Judgement {
  return { state: 'understood', verdict: clean(verdict), events };
}

function unclear(why: string): Judgement {
  return { state: 'unclear', verdict: clean(why), events: [] };
}

function clean(text: string): string {
  // Well-formed once more, for the cut may go through a character, and then the database would refuse the event.
  return withoutAddresses(text.toWellFormed().replace(/\p{Cc}+/gu, ' '))
    .slice(0, textMaximum)
    .toWellFormed();
}
