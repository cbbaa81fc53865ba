import type { Database } from '../../src/db/connect.ts';
import { campaign, contact, dispatchQueue } from '../../src/db/schema.ts';
import { ReturnPaths } from '../../src/message/return-path.ts';
import { makeToken, makeTokenAndMark, returnMark } from '../../src/tracking/links/token.ts';
import { keys } from '../message/fixtures.ts';

export const bounceDomain = 'bounces.example.com';
export const judging = { keys };

let campaigns = 0;

/** A campaign that people were queued for, with the addresses of their messages. */
export async function queuedFor(db: Database, people: number) {
  const id = `autumn-${++campaigns}`;
  const [row] = await db.insert(campaign).values({ id, name: 'Autumn', definition: {} }).returning();
  const paths = new ReturnPaths(row?.number ?? 0, bounceDomain);
  const emails = Array.from({ length: people }, (_, index) => `p${index + 1}-${id}@example.org`);
  const contacts = await db
    .insert(contact)
    .values(emails.map((email) => ({ email, emailKey: email, addressSince: new Date(0) })))
    .returning();
  await db
    .insert(dispatchQueue)
    .values(
      contacts.map((one, at) => ({ campaignId: id, position: at + 1, contactId: one.id, language: 'en' })),
    );
  const of = (position: number) => {
    const contactId = position === 0 ? 0 : (contacts[position - 1]?.id ?? 0);
    const payload = { campaignId: id, position, contactId };
    const { mark } = makeTokenAndMark(payload, keys);
    return {
      ...payload,
      email: emails[position - 1] ?? '',
      bounce: paths.bounce(position, returnMark(mark, keys)),
      unsubscribe: paths.unsubscribe(position, returnMark(mark, keys)),
      messageId: `<${id}.${position}.${mark}@example.com>`,
      token: makeToken(payload, keys),
    };
  };
  return { id, of };
}

interface Quoted {
  readonly status?: string;
  readonly diagnostic?: string;
  readonly recipient?: string;
  readonly messageId?: string | undefined;
  readonly listUnsubscribe?: string | undefined;
}

/** A delivery status notification (RFC 3464) as Postfix writes them. */
export function bounceMessage({
  status = '5.1.1',
  diagnostic = '550 5.1.1 no such user',
  recipient = 'ann@example.org',
  messageId,
  listUnsubscribe,
}: Quoted = {}): Buffer {
  return message(
    'report-type=delivery-status',
    `Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ${recipient}
Action: failed
Status: ${status}
Diagnostic-Code: smtp; ${diagnostic}
`,
    { messageId, listUnsubscribe },
  );
}

/** A complaint (RFC 5965). */
export function complaintMessage(quoted: Quoted = {}): Buffer {
  return message(
    'report-type=feedback-report',
    `Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Loop/1.0
Version: 1
`,
    quoted,
  );
}

function message(type: string, report: string, { messageId, listUnsubscribe }: Quoted): Buffer {
  const original = [
    'From: News <news@example.com>',
    ...(messageId === undefined ? [] : [`Message-ID: ${messageId}`]),
    ...(listUnsubscribe === undefined ? [] : [`List-Unsubscribe: ${listUnsubscribe}`]),
    'Subject: Autumn',
  ].join('\n');
  return Buffer.from(
    `From: MAILER-DAEMON@mx.example.net
To: somebody@bounces.example.com
Subject: Report
MIME-Version: 1.0
Content-Type: multipart/report; ${type}; boundary="b"

--b
Content-Type: text/plain

This is a report.

--b
${report}
--b
Content-Type: text/rfc822-headers

${original}

--b--
`.replaceAll('\n', '\r\n'),
  );
}
