import { createTransport } from 'nodemailer';

/** What a mail server, or a provider, makes of a message that was sent to somebody. */
export const returns = ['no-such-user', 'mailbox-full', 'complaint'] as const;
export type Return = (typeof returns)[number];

export interface ReturnsOptions {
  /** Where mail to the senders of envelopes is taken: `exm worker processing --receive`. */
  readonly host: string;
  readonly port: number;
  /** EXM_BOUNCE_DOMAIN: nothing is sent back to another address. */
  readonly domain: string;
}

/** Milliseconds. */
const timeoutMs = 10_000;
const boundary = '=_exm-mail-catcher';

export function comesBackTo({ domain }: ReturnsOptions, sender: string): boolean {
  return sender.toLowerCase().endsWith(`@${domain.toLowerCase()}`);
}

/**
 * Sends a message back as the world outside would: a delivery status notification (RFC 3464) or a complaint (RFC 5965), to the
 * sender of its envelope. @throws where it was not taken
 */
export async function sendBack(
  { host, port }: ReturnsOptions,
  message: { readonly from: string; readonly to: string; readonly raw: Buffer },
  as: Return,
): Promise<void> {
  const timeouts = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs };
  const transport = createTransport({ host, port, secure: false, ignoreTLS: true, ...timeouts });
  try {
    const raw = as === 'complaint' ? complaint(message) : notification(message, as);
    await transport.sendMail({ envelope: { from: '', to: message.from }, raw });
  } finally {
    transport.close();
  }
}

interface Sent {
  readonly from: string;
  readonly to: string;
  readonly raw: Buffer;
}

const bounces = {
  'no-such-user': { status: '5.1.1', reply: '550 5.1.1 No such user here' },
  'mailbox-full': { status: '5.2.2', reply: '552 5.2.2 Mailbox full' },
} as const;

function notification({ from, to, raw }: Sent, as: keyof typeof bounces): string {
  const { status, reply } = bounces[as];
  return report(from, 'Undelivered Mail Returned to Sender', 'delivery-status', [
    text(`The mail server could not deliver the message to <${to}>:\r\n\r\n${reply}`),
    part(
      'message/delivery-status',
      `Reporting-MTA: dns; mail-catcher.localhost\r\n\r\nFinal-Recipient: rfc822; ${to}\r\nAction: failed\r\nStatus: ${status}\r\nDiagnostic-Code: smtp; ${reply}`,
    ),
    part('text/rfc822-headers', headOf(raw)),
  ]);
}

function complaint({ from, raw }: Sent): string {
  return report(from, 'Complaint', 'feedback-report', [
    text('This is a report of mail that its recipient called unwanted.'),
    part('message/feedback-report', 'Feedback-Type: abuse\r\nUser-Agent: exm-mail-catcher/1\r\nVersion: 1'),
    part('text/rfc822-headers', headOf(raw)),
  ]);
}

function report(to: string, subject: string, type: string, parts: readonly string[]): string {
  const head = `From: Mail catcher <mailer-daemon@mail-catcher.localhost>\r\nTo: ${to}\r\nSubject: ${subject}\r\nDate: ${new Date().toUTCString().replace('GMT', '+0000')}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=${type}; boundary="${boundary}"\r\n\r\n`;
  return `${head}${parts.map((one) => `--${boundary}\r\n${one}\r\n`).join('')}--${boundary}--\r\n`;
}

function text(words: string): string {
  return part('text/plain; charset=utf-8', words);
}

function part(type: string, content: string): string {
  return `Content-Type: ${type}\r\n\r\n${content}\r\n`;
}

function headOf(raw: Buffer): string {
  const message = raw.toString('latin1');
  const end = message.indexOf('\r\n\r\n');
  return end < 0 ? message.slice(0, 16_384) : message.slice(0, end);
}
