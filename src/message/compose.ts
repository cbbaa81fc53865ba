import type { Keys } from '../config/keys.ts';
import type { Recipient } from '../contacts/recipient.ts';
import { trackingPaths } from '../tracking/links.ts';
import { makeToken } from '../tracking/token.ts';
import { BodyCache } from './body-cache.ts';
import type { ComposedMessage, FrozenContent, Mailbox, MessageEncoding } from './content.ts';
import type { FileBytes } from './content-files.ts';
import { feedbackIdFor, headerText, listIdFor, messageIdFor } from './headers.ts';
import { asciiAddress, isAddress } from './mailbox.ts';
import { dateField, mailboxField, plainField, textField } from './mime/header.ts';
import { type BodyEncoding, MimeSkeleton } from './mime/skeleton.ts';
import { RecipientFailedError } from './recipient-failed-error.ts';
import { type CompiledBody, chooseBody, compileBody, fillPart } from './render-body.ts';
import { Rendering } from './rendering.ts';

/** Characters of a subject and of a display name; what is longer is cut off. */
const subjectMaximum = 998;
const displayNameMaximum = 200;

/** Adds a signature to a message: DKIM. */
export interface MessageSigner {
  /** @returns header fields with their CRLF, to be put before the others */
  sign(head: string, body: Buffer): string | Promise<string>;
}

export interface MessageComposerOptions {
  /** True for test messages: they are marked in their subject. */
  readonly test?: boolean;
  /** True where no person decided to send just now: triggered messages say so (RFC 3834). */
  readonly automatic?: boolean;
  /** The content's attachments and embedded images. */
  readonly files?: FileBytes;
  readonly signer?: MessageSigner | undefined;
  /** Where bodies made ready are kept, under the content's hash. Left out: for this composer alone. */
  readonly cache?: { readonly bodies: MessageBodyCache; readonly contentHash: string };
  readonly now?: () => Date;
}

/** A body with everything about it that is the same for all recipients. */
export interface ReadyBody {
  readonly bytes: number;
  readonly compiled: CompiledBody;
  readonly skeleton: MimeSkeleton;
  readonly sender: Mailbox;
  /** Header fields before and after those of the recipient. */
  readonly fieldsBefore: string;
  readonly fieldsAfter: string;
}

export type MessageBodyCache = BodyCache<ReadyBody>;

export interface ComposeOptions {
  /**
   * The most that the mail server takes: 8bit only where it offers 8BITMIME. A message that is signed is 7bit all the
   * same, for a server on its way that has to convert it would break the signature (RFC 6376 section 5.3).
   */
  readonly encoding?: MessageEncoding;
}

/**
 * FillEmail: one recipient's message from one campaign's frozen content. Position 0 is nobody's in the queue: it is
 * for test messages, whose links count nothing.
 */
export class MessageComposer {
  readonly #content: FrozenContent;
  readonly #keys: Keys;
  readonly #options: MessageComposerOptions;
  readonly #bodies: MessageBodyCache;
  readonly #cacheKey: string;

  constructor(content: FrozenContent, keys: Keys, options: MessageComposerOptions = {}) {
    this.#content = content;
    this.#keys = keys;
    this.#options = options;
    this.#bodies = options.cache?.bodies ?? new BodyCache(Number.POSITIVE_INFINITY);
    this.#cacheKey = options.cache?.contentHash ?? '';
  }

  /**
   * @throws RecipientFailedError ADDRESS_MALFORMED or TEMPLATE_RENDER: this recipient cannot get the message.
   * @throws FailedError BODY_MISSING: nobody can.
   */
  async compose(
    recipient: Recipient,
    position: number,
    variant: number,
    language: string,
    { encoding = '7bit' }: ComposeOptions = {},
  ): Promise<ComposedMessage> {
    if (!isAddress(recipient.email)) throw addressMalformed();
    const { campaignId } = this.#content;
    const token = makeToken({ campaignId, position, contactId: recipient.contactId }, this.#keys);
    const rendering = new Rendering(this.#content, { recipient, position, variant, language }, token);
    const isEightBit = encoding === '8bit' && this.#options.signer === undefined;
    let ready = this.#ready(variant, language, isEightBit ? '8bit' : 'quoted-printable');
    const { compiled, sender } = ready;
    const values = {
      html: fillPart(compiled, 'html', (template) => template.values(rendering)),
      text: fillPart(compiled, 'text', (template) => template.values(rendering)),
    };
    if (!ready.skeleton.fits(values)) ready = this.#ready(variant, language, 'quoted-printable');
    const messageId = messageIdFor(campaignId, position, sender.address, this.#keys);
    const to = asciiAddress(recipient.email);
    const boundary = boundaryFor(token);
    const head =
      ready.fieldsBefore +
      mailboxField('To', { name: displayName(`${recipient.firstName} ${recipient.lastName}`), address: to }) +
      textField('Subject', this.#subject(compiled, rendering)) +
      dateField(this.#options.now?.() ?? new Date()) +
      `Message-ID: ${messageId}\r\n` +
      // RFC 8058: a mail program's own button, by POST; the signed token is all it needs.
      plainField('List-Unsubscribe', `<${this.#content.baseUrl}${trackingPaths.unsubscribe(token)}>`) +
      ready.fieldsAfter +
      ready.skeleton.fields(boundary);
    return {
      envelope: { from: asciiAddress(sender.address), to },
      messageId,
      raw: await this.#write(ready.skeleton, head, values, boundary),
      encoding: ready.skeleton.encoding === '8bit' ? '8bit' : '7bit',
    };
  }

  async #write(
    skeleton: MimeSkeleton,
    head: string,
    values: Parameters<MimeSkeleton['fits']>[0],
    boundary: string,
  ) {
    const { signer } = this.#options;
    if (signer === undefined) return skeleton.write(`${head}\r\n`, values, boundary);
    const body = skeleton.write('', values, boundary);
    return Buffer.concat([Buffer.from(`${await signer.sign(head, body)}${head}\r\n`), body]);
  }

  #subject(compiled: CompiledBody, rendering: Rendering): string {
    const subject = headerText(
      fillPart(compiled, 'subject', (template) => template.fill(rendering)),
      subjectMaximum,
    );
    return this.#options.test ? `[Test] ${subject}` : subject;
  }

  #ready(variant: number, language: string, encoding: BodyEncoding): ReadyBody {
    const key = `${this.#cacheKey}/${variant}/${language}/${encoding}`;
    const ready = this.#bodies.get(key, () => this.#make(variant, language, encoding));
    // A body whose lines could get too long for 8bit is sent as quoted-printable.
    return ready ?? this.#ready(variant, language, 'quoted-printable');
  }

  #make(variant: number, language: string, encoding: BodyEncoding): ReadyBody | undefined {
    const { embedded = [], attachments = [], ...content } = this.#content;
    const compiled = compileBody(this.#content, chooseBody(this.#content, variant, language));
    const { body, html, text } = compiled;
    const { files = new Map() } = this.#options;
    const skeleton = MimeSkeleton.compile({ html, text, embedded, attachments, files }, encoding);
    if (skeleton === undefined) return undefined;
    const sender = body.from ?? content.from;
    const feedbackId = feedbackIdFor(content.campaignId, body.variant, body.language, sender.address);
    return {
      // What is compiled holds its source several times over.
      bytes: skeleton.bytes + 4 * (body.html.length + body.text.length),
      compiled,
      skeleton,
      sender,
      fieldsBefore:
        mailboxField('From', named(sender)) +
        (content.replyTo ? mailboxField('Reply-To', named(content.replyTo)) : ''),
      fieldsAfter:
        plainField('List-Unsubscribe-Post', 'List-Unsubscribe=One-Click') +
        plainField('List-Id', listIdFor(sender.address)) +
        plainField('Feedback-ID', feedbackId) +
        (this.#options.automatic ? plainField('Auto-Submitted', 'auto-generated') : ''),
    };
  }
}

/**
 * A boundary that no body contains: quoted-printable and base64 have no "=_", and nobody can have put into their
 * values what is only known once they are written, for the token is made with our keys.
 */
function boundaryFor(token: string): string {
  return `=_${token.slice(0, 22)}`;
}

function named({ name, address }: Mailbox): Mailbox {
  return { name: displayName(name), address: asciiAddress(address) };
}

function displayName(name: string): string {
  return headerText(name, displayNameMaximum);
}

function addressMalformed(): RecipientFailedError {
  return new RecipientFailedError(
    'ADDRESS_MALFORMED',
    "The contact's address is not one that mail can be sent to.",
    { field: 'contact.email' },
  );
}
