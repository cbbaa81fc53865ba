import { classifyBounce } from './classify-bounce.ts';
import { decodeCharset } from './decode-text.ts';
import { type Fields, readGroups } from './fields.ts';
import { recipientsMaximum } from './limits.ts';
import { readNotice } from './notice.ts';
import type { About, Notification } from './notification.ts';
import { oneLine } from './one-line.ts';
import type { Part } from './part.ts';
import { replyIn } from './plain-bounce.ts';
import { recipientIn } from './recipient.ts';
import { isStatus } from './status-code.ts';

export const deliveryStatusTypes: ReadonlySet<string> = new Set([
  'message/delivery-status',
  'message/global-delivery-status',
  'message/xdelivery-status',
]);

/**
 * RFC 3464, and RFC 6533 for addresses in any script: one notification for each recipient.
 *
 * @param prose the part for people, looked at where the report itself has no words of the mail server's.
 */
export function readDeliveryStatus(part: Part, original: About, prose: string): Notification[] {
  return readStatusGroups(decodeCharset(part.body, undefined), original, prose);
}

/** The same, of the groups of fields that a report is made of. */
export function readStatusGroups(report: string, original: About, prose: string): Notification[] {
  const groups = readGroups(report, recipientsMaximum + 2).filter(isAboutRecipient);
  if (groups.length === 0) return [{ kind: 'unclear', why: 'a delivery report that names no recipient' }];
  const isAlone = groups.length === 1;
  const read = groups
    .slice(0, recipientsMaximum)
    .map((group) => readRecipient(group, original, prose, isAlone));
  if (groups.length <= recipientsMaximum) return read;
  return [
    ...read,
    { kind: 'unclear', why: `a delivery report about more than ${recipientsMaximum} recipients` },
  ];
}

function isAboutRecipient(group: Fields): boolean {
  return ['final-recipient', 'original-recipient', 'action', 'status'].some((name) => group.has(name));
}

function readRecipient(group: Fields, original: About, prose: string, isAlone: boolean): Notification {
  const about: About = {
    ...original,
    // Where mail is forwarded, the original recipient is the one that we know.
    recipient: recipientIn(group.first('original-recipient')) ?? recipientIn(group.first('final-recipient')),
  };
  const status = /\d\.\d{1,3}\.\d{1,3}/.exec(group.first('status') ?? '')?.[0] ?? '';
  const words = diagnosticOf(group) || wordsAbout(about.recipient, prose, isAlone);
  const action = actionOf(group, status);
  switch (action) {
    case 'failed': {
      const found = classifyBounce({
        status,
        text: isAlone && isAtData.test(prose) ? `${words} (in reply to DATA)` : words,
      });
      return { kind: 'bounce', ...about, ...found, text: oneLine(words) };
    }
    case 'delayed':
    case 'delivered':
    case 'relayed':
    case 'expanded':
      return { kind: 'nothing', ...about, text: action };
    default:
      return { kind: 'unclear', why: `a delivery report with ${oneLine(action)}` };
  }
}

/** Of which command the reply was is told to people alone: by Postfix and by sendmail. */
const isAtData = /in reply to (?:end of )?DATA command|>>> (?:DATA|\.)\s{0,20}<<< 5/;

/** The action in lower case. Where a server leaves it out, only a final "no" is one. */
function actionOf(group: Fields, status: string): string {
  const given = /^[a-z]+/.exec(group.first('action')?.toLowerCase() ?? '')?.[0];
  if (given === 'failed' && status.startsWith('2.')) return `the action "failed" and the status ${status}`;
  if (given !== undefined) return isAction(given) ? given : `the unknown action "${given}"`;
  return isStatus(status) && status.startsWith('5.') ? 'failed' : 'no action';
}

function isAction(word: string): boolean {
  return ['failed', 'delayed', 'delivered', 'relayed', 'expanded'].includes(word);
}

/** Diagnostic-Code without the kind of its words: `smtp; 550 5.1.1 ...`. */
function diagnosticOf(group: Fields): string {
  return (group.first('diagnostic-code') ?? '').replace(/^[\w-]{1,30}\s*;\s*/, '');
}

/** What the part for people says of a recipient; where it is the only one, any reply that it quotes. */
function wordsAbout(recipient: string | undefined, prose: string, isAlone: boolean): string {
  const { says, recipients } = readNotice(prose);
  const reason = recipients.find(({ address }) => address === recipient)?.reason ?? '';
  return reason === '' && isAlone ? replyIn(says) : reason;
}
