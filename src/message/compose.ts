import MailComposer from 'nodemailer/lib/mail-composer';
import type { Keys } from '../config/keys.ts';
import type { Recipient } from '../contacts/recipient.ts';
import { trackingPaths } from '../tracking/links.ts';
import type { ComposedMessage, FrozenContent, Mailbox, MessageEncoding } from './content.ts';
import { feedbackIdFor, headerText, listIdFor, messageIdFor } from './headers.ts';
import { asciiAddress, isAddress } from './mailbox.ts';
import { RecipientFailedError } from './recipient-failed-error.ts';
import { BodyRenderer } from './render-body.ts';

/** Characters of a subject and of a display name; what is longer is cut off. */
const subjectMaximum = 998;
const displayNameMaximum = 200;

export interface MessageComposerOptions {
  /** True for test messages: they are marked in their subject. */
  readonly test?: boolean;
}

/**
 * FillEmail: one recipient's message from one campaign's frozen content. Position 0 is nobody's in the queue: it is
 * for test messages, whose links count nothing.
 */
export class MessageComposer {
  readonly #content: FrozenContent;
  readonly #keys: Keys;
  readonly #renderer: BodyRenderer;
  readonly #test: boolean;

  constructor(content: FrozenContent, keys: Keys, { test = false }: MessageComposerOptions = {}) {
    this.#content = content;
    this.#keys = keys;
    this.#test = test;
    this.#renderer = new BodyRenderer(content, keys);
  }

  /**
   * @param _options `encoding` is the most that the mail server takes
   * @throws RecipientFailedError ADDRESS_MALFORMED or TEMPLATE_RENDER: this recipient cannot get the message.
   * @throws FailedError BODY_MISSING: nobody can.
   */
  async compose(
    recipient: Recipient,
    position: number,
    variant: number,
    language: string,
    _options: { readonly encoding?: MessageEncoding } = {},
  ): Promise<ComposedMessage> {
    if (!isAddress(recipient.email)) {
      throw new RecipientFailedError(
        'ADDRESS_MALFORMED',
        "The contact's address is not one that mail can be sent to.",
        {
          field: 'contact.email',
        },
      );
    }
    const { campaignId, from, replyTo, baseUrl } = this.#content;
    const token = this.#renderer.tokenOf({ recipient, position });
    const body = this.#renderer.render({ recipient, position, variant, language }, token);
    const messageId = messageIdFor(campaignId, position, from.address, this.#keys);
    const subject = headerText(body.subject, subjectMaximum);
    const raw = await buildMime({
      from,
      replyTo,
      to: { name: `${recipient.firstName} ${recipient.lastName}`, address: asciiAddress(recipient.email) },
      subject: this.#test ? `[Test] ${subject}` : subject,
      messageId,
      html: body.html,
      text: body.text,
      headers: {
        'List-Id': listIdFor(from.address),
        // RFC 8058: a mail program's own button, by POST; the signed token is all it needs.
        'List-Unsubscribe': `<${baseUrl}${trackingPaths.unsubscribe(token)}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        'Feedback-ID': feedbackIdFor(campaignId, body.variant, body.language, from.address),
      },
    });
    return {
      envelope: { from: asciiAddress(from.address), to: asciiAddress(recipient.email) },
      messageId,
      raw,
      encoding: '7bit',
    };
  }
}

interface MimeParts {
  readonly from: Mailbox;
  readonly replyTo: Mailbox | undefined;
  readonly to: Mailbox;
  readonly subject: string;
  readonly messageId: string;
  readonly html: string;
  readonly text: string;
  /** ASCII, one line each. */
  readonly headers: Readonly<Record<string, string>>;
}

/** multipart/alternative in UTF-8 and quoted-printable: 7-bit, CRLF, no line longer than 76 characters in the bodies. */
function buildMime({
  from,
  replyTo,
  to,
  subject,
  messageId,
  html,
  text,
  headers,
}: MimeParts): Promise<Buffer> {
  return new MailComposer({
    from: named(from),
    ...(replyTo ? { replyTo: named(replyTo) } : {}),
    to: named(to),
    subject,
    messageId,
    date: new Date(),
    text,
    html,
    headers: Object.entries(headers).map(([key, value]) => ({
      key,
      value: { prepared: true, foldLines: true, value },
    })),
    textEncoding: 'quoted-printable',
    newline: '\r\n',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
}

function named({ name, address }: Mailbox): { name: string; address: string } {
  return { name: headerText(name, displayNameMaximum), address: asciiAddress(address) };
}
