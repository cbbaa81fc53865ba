import { Buffer } from 'node:buffer';
import type { Keys } from '../config/keys.ts';
import type { Recipient } from '../contacts/audience/recipient.ts';
import type { Awaitable } from '../domain/awaitable.ts';
import { isBeyondAscii } from '../smtp/envelope.ts';
import { trackingPaths } from '../tracking/links/links.ts';
import { makeTokenAndMark, returnMark } from '../tracking/links/token.ts';
import { BodyCache } from './body-cache.ts';
import type { ComposedMessage, FrozenContent, Mailbox, MessageEncoding } from './content.ts';
import type { FileBytes } from './content-files.ts';
import type { DkimSigner } from './dkim/dkim.ts';
import { asciiAddress, domainOf, mailtoUrl, sendableAddress } from './mailbox.ts';
import { dateField, mailboxField, plainField, textField } from './mime/header.ts';
import { feedbackIdFor, headerText, listIdFor, messageIdFor } from './mime/newsletter-fields.ts';
import type { MessageRoom } from './mime/room.ts';
import { type BodyEncoding, MimeSkeleton, type PartValues } from './mime/skeleton.ts';
import { RecipientFailedError } from './recipient-failed-error.ts';
import { type CompiledBody, chooseBody, compileBody, fillPart } from './render/render-body.ts';
import { Rendering } from './render/rendering.ts';
import type { ReturnPaths } from './return-path.ts';

/** Characters of a subject and of a display name; what is longer is cut off. */
const subjectMaximum = 998;
const displayNameMaximum = 200;

export interface MessageComposerOptions {
  /** True for test messages: they are marked in their subject. */
  readonly test?: boolean;
  /** True where no person decided to send just now: triggered messages say so (RFC 3834). */
  readonly automatic?: boolean;
  /** The content's attachments and embedded images. */
  readonly files?: FileBytes;
  /** Signs for senders of its domain. */
  readonly signer?: DkimSigner | undefined;
  /**
   * Addresses of our own in the envelope and in List-Unsubscribe, by which what comes back is known. Left out, and where the
   * sender's address is not ASCII, which concerns the envelope too (RFC 6531): the sender's.
   */
  readonly returnPaths?: ReturnPaths | undefined;
  /** Where bodies made ready are kept, under the content's hash. Left out: for this composer alone. */
  readonly cache?: { readonly bodies: MessageBodyCache; readonly contentHash: string };
  readonly now?: () => Date;
}

/** A body with everything about it that is the same for all recipients. */
export interface ReadyBody {
  readonly bytes: number;
  readonly compiled: CompiledBody;
  readonly skeleton: MimeSkeleton;
  /** Address of the envelope, its domain in ASCII form, and that domain. */
  readonly sender: string;
  readonly isAsciiSender: boolean;
  readonly senderDomain: string;
  /** Header fields before and after those of the recipient. */
  readonly fieldsBefore: string;
  readonly fieldsAfter: string;
}

export type MessageBodyCache = BodyCache<ReadyBody>;

export interface ComposeOptions {
  /**
   * The most that the mail server takes: 8bit only where it offers 8BITMIME. Where messages are signed they are 7bit all
   * the same, for a server on its way that has to convert it would break the signature (RFC 6376 section 5.3).
   */
  readonly encoding?: MessageEncoding;
  /** False where the message is changed before it is sent, and signed then: see `sign`. */
  readonly sign?: boolean;
  /** Where the message is put; left out: in memory of its own. */
  readonly memory?: MessageRoom | undefined;
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
  #lastKey = { variant: Number.NaN, language: '', encoding: '', key: '' };

  constructor(content: FrozenContent, keys: Keys, options: MessageComposerOptions = {}) {
    this.#content = content;
    this.#keys = keys;
    this.#options = options;
    this.#bodies = options.cache?.bodies ?? new BodyCache(Number.POSITIVE_INFINITY);
    this.#cacheKey = `${options.cache?.contentHash ?? ''}${options.automatic ? '/automatic' : ''}`;
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
    options: ComposeOptions = {},
  ): Promise<ComposedMessage> {
    return await this.composeNow(recipient, position, variant, language, options);
  }

  /** The same, at once where nothing has to be waited for, as a signature has. @throws the same, at once too */
  composeNow(
    recipient: Recipient,
    position: number,
    variant: number,
    language: string,
    { encoding = '7bit', sign = true, memory }: ComposeOptions = {},
  ): Awaitable<ComposedMessage> {
    const to = sendableAddress(recipient.email);
    if (to === undefined) throw addressMalformed();
    const { campaignId } = this.#content;
    const { token, mark } = makeTokenAndMark(
      { campaignId, position, contactId: recipient.contactId },
      this.#keys,
    );
    const pathMark = this.#pathMark(position, mark);
    const rendering = new Rendering(this.#content, { recipient, position, variant, language }, token);
    const { signer } = this.#options;
    const isEightBit = encoding === '8bit' && signer === undefined;
    let ready = this.#ready(variant, language, isEightBit ? '8bit' : 'quoted-printable');
    const { compiled } = ready;
    const values = {
      html: fillPart(compiled, 'html', (template) => template.values(rendering)),
      text: fillPart(compiled, 'text', (template) => template.values(rendering)),
    };
    if (!ready.skeleton.fits(values)) ready = this.#ready(variant, language, 'quoted-printable');
    const messageId = messageIdFor(campaignId, position, mark, ready.senderDomain);
    const boundary = boundaryFor(token);
    const head =
      ready.fieldsBefore +
      mailboxField('To', { name: displayName(`${recipient.firstName} ${recipient.lastName}`), address: to }) +
      textField('Subject', this.#subject(compiled, rendering)) +
      dateField(this.#options.now?.() ?? new Date()) +
      `Message-ID: ${messageId}\r\n` +
      // RFC 8058: a mail program's own button, by POST; the signed token is all it needs.
      plainField('List-Unsubscribe', this.#waysOut(token, position, pathMark)) +
      ready.fieldsAfter +
      ready.skeleton.fields(boundary);
    const made = (raw: Buffer): ComposedMessage => ({
      envelope: { from: this.#senderOf(ready, position, pathMark), to },
      messageId,
      raw,
      encoding: ready.skeleton.encoding === '8bit' ? '8bit' : '7bit',
      isCanonical: true,
    });
    const dkim = sign ? this.#signerFor(ready) : undefined;
    return dkim === undefined
      ? made(ready.skeleton.write(`${head}\r\n`, values, boundary, memory))
      : writeSigned(ready.skeleton, { head, values, boundary }, dkim).then(made);
  }

  /** Signs a message of this content that was composed without, where its sender is one of the signer's. */
  async sign(message: ComposedMessage, variant: number, language: string): Promise<ComposedMessage> {
    const signer = this.#signerFor(this.#ready(variant, language, 'quoted-printable'));
    const { raw } = message;
    const end = raw.indexOf('\r\n\r\n');
    if (signer === undefined || end < 0) return message;
    const signature = await signer.sign(raw.toString('utf8', 0, end + 2), raw.subarray(end + 4));
    return { ...message, raw: Buffer.concat([Buffer.from(signature), raw]) };
  }

  #signerFor({ sender }: ReadyBody): DkimSigner | undefined {
    const { signer } = this.#options;
    return signer?.signsFor(sender) ? signer : undefined;
  }

  #senderOf({ sender, isAsciiSender }: ReadyBody, position: number, mark: string): string {
    const { returnPaths } = this.#options;
    return returnPaths !== undefined && isAsciiSender ? returnPaths.bounce(position, mark) : sender;
  }

  /** The mark in the addresses that the message comes back to; none where there are none. */
  #pathMark(position: number, mark: string): string {
    if (this.#options.returnPaths === undefined) return '';
    return returnMark(position === 0 ? this.#testMark() : mark, this.#keys);
  }

  /** Test messages go to anybody: what comes back of them is only known to be of a test of this campaign. */
  #testMark(): string {
    return makeTokenAndMark({ campaignId: this.#content.campaignId, position: 0, contactId: 0 }, this.#keys)
      .mark;
  }

  /** RFC 2369 section 3.2: in the order of preference. A button of RFC 8058 takes the one of HTTPS. */
  #waysOut(token: string, position: number, mark: string): string {
    const { baseUrl, unsubscribeAddress } = this.#content;
    const byHttps = `<${baseUrl}${trackingPaths.unsubscribe(token)}>`;
    const { returnPaths } = this.#options;
    if (returnPaths !== undefined) {
      return `${byHttps}, <mailto:${returnPaths.unsubscribe(position, mark)}?subject=unsubscribe>`;
    }
    if (unsubscribeAddress === undefined) return byHttps;
    return `${byHttps}, <${mailtoUrl(unsubscribeAddress)}?subject=unsubscribe%20${token}>`;
  }

  #subject(compiled: CompiledBody, rendering: Rendering): string {
    const subject = headerText(
      fillPart(compiled, 'subject', (template) => template.fill(rendering)),
      subjectMaximum,
    );
    return this.#options.test ? `[Test] ${subject}` : subject;
  }

  #ready(variant: number, language: string, encoding: BodyEncoding): ReadyBody {
    const key = this.#keyOf(variant, language, encoding);
    const ready = this.#bodies.get(key, () => this.#make(variant, language, encoding));
    // A body whose lines could get too long for 8bit is sent as quoted-printable.
    return ready ?? this.#ready(variant, language, 'quoted-printable');
  }

  /** The same text object as before where nothing changed, which it mostly does not from one recipient to the next. */
  #keyOf(variant: number, language: string, encoding: BodyEncoding): string {
    const last = this.#lastKey;
    if (last.variant === variant && last.language === language && last.encoding === encoding) return last.key;
    const key = `${this.#cacheKey}/${variant}/${language}/${encoding}`;
    this.#lastKey = { variant, language, encoding, key };
    return key;
  }

  #make(variant: number, language: string, encoding: BodyEncoding): ReadyBody | undefined {
    const { embedded: images = [], attachments = [], ...content } = this.#content;
    const compiled = compileBody(this.#content, chooseBody(this.#content, variant, language));
    const { body, html, text } = compiled;
    const { files = new Map() } = this.#options;
    // Those of other languages and variants stay away.
    const embedded = images.filter(({ cid }) => body.html.includes(`cid:${cid}`));
    const skeleton = MimeSkeleton.compile({ html, text, embedded, attachments, files }, encoding);
    if (skeleton === undefined) return undefined;
    const sender = body.from ?? content.from;
    const feedbackId = feedbackIdFor(content.campaignId, body.variant, body.language, sender.address);
    return {
      // What is compiled holds its source several times over.
      bytes: skeleton.bytes + 4 * (body.html.length + body.text.length),
      compiled,
      skeleton,
      sender: asciiAddress(sender.address),
      isAsciiSender: !isBeyondAscii(asciiAddress(sender.address)),
      senderDomain: domainOf(sender.address),
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

interface Filled {
  readonly head: string;
  readonly values: PartValues;
  readonly boundary: string;
}

async function writeSigned(
  skeleton: MimeSkeleton,
  { head, values, boundary }: Filled,
  signer: DkimSigner,
): Promise<Buffer> {
  const body = skeleton.write('', values, boundary);
  return Buffer.concat([Buffer.from(`${await signer.sign(head, body)}${head}\r\n`), body]);
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
