import { readAutoReply } from './auto-reply.ts';
import { deliveryStatusTypes, readDeliveryStatus, readStatusGroups } from './delivery-status.ts';
import { readDisposition } from './disposition.ts';
import { readFeedbackReport } from './feedback-report.ts';
import type { Fields } from './fields.ts';
import { textOfHtml } from './html-text.ts';
import { messageMaximum, proseMaximum } from './limits.ts';
import { readNotice } from './notice.ts';
import type { About, Notification } from './notification.ts';
import { aboutOf, answeredBy, originalOf } from './original.ts';
import { type Part, partsOf, readMessage, textOf } from './part.ts';
import { isServerName, readPlainBounce } from './plain-bounce.ts';
import { readUnmarkedComplaint } from './unmarked-complaint.ts';

/**
 * Reads a message that came back: a bounce (RFC 3464, RFC 6533), a complaint (RFC 5965), or neither. Bounded in whatever it
 * does, and never throws: what is not understood is `unclear`.
 *
 * @param raw the message as it was received, of any origin; no more than its first mebibyte is looked at.
 * @returns one notification for each recipient that it is about, one at least.
 */
export async function readNotification(raw: Uint8Array): Promise<readonly Notification[]> {
  try {
    return read(raw);
  } catch (error) {
    // A flaw of ours must not cost the message: it is kept, and a person looks at it.
    return [
      { kind: 'unclear', why: `it could not be read: ${error instanceof Error ? error.name : 'error'}` },
    ];
  }
}

function read(raw: Uint8Array): readonly Notification[] {
  const bytes = raw.subarray(0, messageMaximum);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .replace(/\r\n?/g, '\n');
  const message = readMessage(text.slice(0, text.lastIndexOf('\n') + 1));
  const parts = [...partsOf(message)];
  const returned = originalOf(message);
  const original = returned?.about ?? answeredBy(message.fields);
  return (
    reportIn(parts, original) ??
    readUnmarkedComplaint(message.fields, returned) ??
    inlineReport(message.fields, parts, original) ??
    readPlainBounce(message.fields, proseOf(parts), original) ??
    automaticAnswer(message, parts, original) ?? [{ kind: 'unclear', why: 'nothing of a form that is known' }]
  );
}

/** A part for programs says it all. */
function reportIn(parts: readonly Part[], original: About): readonly Notification[] | undefined {
  for (const part of parts) {
    if (part.type === 'message/feedback-report') return readFeedbackReport(part, original);
    if (deliveryStatusTypes.has(part.type)) return readDeliveryStatus(part, original, proseOf(parts));
    if (part.type === 'message/disposition-notification') return [readDisposition(part, original)];
  }
  return undefined;
}

/** Some servers put the report for programs into the text for people. */
function inlineReport(
  fields: Fields,
  parts: readonly Part[],
  original: About,
): readonly Notification[] | undefined {
  if (!isServerName(fields)) return undefined;
  const prose = proseOf(parts);
  const start = /^(?:final|original)-recipient:[ \t]*(?:rfc822|utf-8);/im.exec(prose)?.index;
  if (start === undefined || !/^action:/im.test(prose)) return undefined;
  const report = prose.slice(prose.lastIndexOf('\n\n', start) + 1);
  const returned = readNotice(prose).returned;
  const about = original.messageId === undefined && returned !== undefined ? aboutOf(returned) : original;
  return readStatusGroups(report, about, prose.slice(0, start));
}

function automaticAnswer(
  { fields }: Part,
  parts: readonly Part[],
  original: About,
): readonly Notification[] | undefined {
  const answer = readAutoReply(fields, proseOf(parts), original);
  return answer === undefined ? undefined : [answer];
}

/** The first text for people. */
function proseOf(parts: readonly Part[]): string {
  const plain = parts.find(({ type, body }) => type === 'text/plain' && body.trim() !== '');
  if (plain !== undefined) return textOf(plain).slice(0, proseMaximum);
  const html = parts.find(({ type }) => type === 'text/html');
  return html === undefined ? '' : textOfHtml(textOf(html).slice(0, proseMaximum));
}
