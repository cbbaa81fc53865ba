import { classifyBounce } from './classify-bounce.ts';
import type { Fields } from './fields.ts';
import { recipientsMaximum } from './limits.ts';
import { type Notice, readNotice } from './notice.ts';
import type { About, Notification } from './notification.ts';
import { oneLine } from './one-line.ts';
import { aboutOf } from './original.ts';
import { addressIn } from './recipient.ts';
import { replyCodeIn, statusesIn } from './status-code.ts';

/** What programs say, in these words, when they give up: of servers and gateways that send no report for programs. */
const failures = new RegExp(
  [
    'hi\\. this is the .{1,200}(?:program|mail)', // qmail, and who speaks its QSBMF
    '(?:message|mail) (?:that )?you sent could not be delivered to (?:all|one or more|some) of', // Exim, GMX, Mail.ru, Zoho
    'delivery to the following recipients? (?:has )?failed', // Gmail, Microsoft
    '(?:unable|not able) to deliver (?:your |the )?message to the following', // Yahoo, AOL, Haraka
    'the following address(?:es|\\(es\\))? (?:had permanent|failed)', // sendmail, Exim
    'transcript of session follows', // sendmail
    'did not reach (?:some or all of )?the (?:following|intended) recipient', // Exchange
    'delivery has failed to these recipients', // Exchange, Office 365
    'was not delivered to:', // HCL Domino
    'failure reasons', // Lotus Notes
    'you sent was undeliverable to the following', // GroupWise
    "your message (?:wasn't|was not|couldn't be|could not be) delivered to", // Gmail, Postfix, Office 365
    '(?:email|message) (?:that )?you (?:attempted|tried) to send to the following', // Mimecast
    '(?:message|mail|e-?mail)[^.]{0,60} could not be delivered to one or more (?:of its )?(?:recipients|destinations)', // Postfix, MX Logic
    'following message to <[^<>\\s]{1,320}> was undeliverable', // IronPort
    'there was an error delivering your mail to', // DragonFly
    'error has occurred while attempting to deliver a message', // OpenSMTPD
    'this is the mail system at host', // Postfix
    'could not deliver (?:your |the )?(?:message|mail) to', // Mimecast and gateways
    'undeliverable mail|returning message to sender|delivery failure',
    '邮件被退回|系统退信|无法投递', // QQ, 163
    'konnte nicht (?:zugestellt|ausgeliefert) werden|nicht zustellbar', // T-Online, GMX, Web.de
    "n'a pas pu être (?:remis|délivré|distribué)", // Orange, OVH
    'не может быть доставлено|не доставлено', // Mail.ru, Yandex
  ].join('|'),
  'i',
);

/** The same servers while they still try. */
const delays =
  /\bdelayed\b|not yet been delivered|has not been delivered .{0,60}after|will (?:be retried|retry|continue|keep) |still (?:being )?(?:try|retr)|you do not need to resend|no action is required|delivery status notification \(delay\)|warning: (?:message|could not send)|nicht sofort|verzögert|retardé/i;

/**
 * Notifications without a report for programs: qmail's QSBMF, Exim's X-Failed-Recipients, and the texts of other servers.
 *
 * @returns undefined where it is none that is known.
 */
export function readPlainBounce(
  fields: Fields,
  text: string,
  original: About,
): readonly Notification[] | undefined {
  const notice = readNotice(text);
  const subject = fields.first('subject') ?? '';
  const failed = failedRecipients(fields);
  const isFromServer = isServerName(fields) || hasNullPath(fields);
  const about =
    notice.returned === undefined ? original : { ...original, ...known(aboutOf(notice.returned)) };
  if (isFromServer && delays.test(`${subject}\n${withoutReasons(notice)}`)) {
    return [{ kind: 'nothing', ...about, text: 'delayed' }];
  }
  if (failed.length === 0 && !(isFromServer && failures.test(`${subject}\n${notice.says}`))) return undefined;
  const recipients = recipientsOf(notice, failed.length > 0 ? failed : theOnlyAddress(notice, fields));
  if (recipients.length === 0) {
    if (about.messageId === undefined) return undefined;
    return [bounce(about, notice.says)];
  }
  return recipients.map(({ address, reason }) => bounce({ ...about, recipient: address }, reason));
}

function bounce(about: About, reason: string): Notification {
  return { kind: 'bounce', ...about, ...classifyBounce({ text: reason }), text: oneLine(reason) };
}

/** Everybody that a notice names, with what is said of them; where it is one alone, all that is said is. */
function recipientsOf(notice: Notice, failed: readonly string[]): { address: string; reason: string }[] {
  const named = [
    ...notice.recipients,
    ...failed
      .filter((address) => !notice.recipients.some((one) => one.address === address))
      .map((address) => ({ address, reason: '' })),
  ].slice(0, recipientsMaximum);
  const quoted = named.length === 1 ? quotedReply(notice.says) : undefined;
  const rest = named.length === 1 ? notice.says : '';
  return named.map(({ address, reason }) => ({
    address,
    reason: isReply(reason) ? reason : (quoted ?? (reason || rest)),
  }));
}

function isReply(reason: string): boolean {
  return replyCodeIn(reason) !== undefined || statusesIn(reason).length > 0;
}

/** What a text for people quotes of a mail server; all of it where it quotes nothing. */
export function replyIn(says: string): string {
  return quotedReply(says) ?? says;
}

/** A reply code, an enhanced one, or both, and the rest of the paragraph, no more than five lines. */
function quotedReply(says: string): string | undefined {
  const quote =
    /(?:^|[\s"'(<:])((?:[45]\d\d[ -]#?(?:[45]\.\d{1,3}\.\d{1,3})?|#?[45]\.\d{1,3}\.\d{1,3}(?= )).{3,}(?:\n(?!\n).*){0,4})/;
  return quote.exec(says)?.[1];
}

function known(about: About): About {
  return Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined));
}

function withoutReasons(notice: Notice): string {
  return notice.recipients.reduce(
    (text, { reason }) => (reason === '' ? text : text.replace(reason, '')),
    notice.says,
  );
}

/** Exim, and Gmail formerly. */
function failedRecipients(fields: Fields): string[] {
  const all = fields
    .every('x-failed-recipients')
    .slice(0, recipientsMaximum)
    .join(',')
    .split(',', recipientsMaximum);
  return [...new Set(all.map(addressIn).filter((address) => address !== undefined))];
}

/** The address that a notice names somewhere within a sentence, where it names no other than who writes and whom to. */
function theOnlyAddress({ says, recipients }: Notice, fields: Fields): string[] {
  if (recipients.length > 0) return [];
  const others = addressesIn(['from', 'to', 'sender'].map((name) => fields.first(name) ?? '').join(' '));
  const named = [...addressesIn(says)].filter(
    (address) => !others.has(address) && !/^postmaster@/i.test(address),
  );
  return named.length === 1 ? named : [];
}

function addressesIn(text: string): Set<string> {
  const found =
    text
      .slice(0, 20_000)
      .match(/(?<![^\s<>"'(),:;])[^\s<>"'(),:;@]{1,64}@[a-z0-9.-]{1,255}(?![a-z0-9@-])/gi) ?? [];
  return new Set(
    found.map((one) => addressIn(one.replace(/\.$/, ''))).filter((address) => address !== undefined),
  );
}

/** RFC 5321 section 4.5.5; answering machines have it, too. */
function hasNullPath(fields: Fields): boolean {
  return fields.first('return-path')?.replace(/\s/g, '') === '<>';
}

/** Whether a message comes from a name that people do not have. */
export function isServerName(fields: Fields): boolean {
  const from = fields.first('from') ?? '';
  return /(?:mailer-?daemon|mail-?daemon|postmaster|mailadmin|mail delivery|delivery subsystem|system administrator|no-?reply|<>)/i.test(
    from,
  );
}
