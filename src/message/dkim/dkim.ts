import { createHash, type KeyObject, sign as signWith } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { domainOf } from '../mailbox.ts';

export interface DkimKey {
  /** `d=`: who answers for the message. Its own mail and that of the domains below it is signed. */
  readonly domain: string;
  /** `s=`: the public key is published at `SELECTOR._domainkey.DOMAIN`. */
  readonly selector: string;
  /** RSA of 2048 bits or more (RFC 8301), or Ed25519 (RFC 8463). */
  readonly privateKey: KeyObject;
}

export interface DkimSigner {
  readonly domain: string;
  /**
   * Whether it signs for this sender: the domain of the From header is the signature's or below it, so that DMARC
   * (RFC 7489 section 3.1.1) takes the signature for the sender's.
   */
  signsFor(from: string): boolean;
  /**
   * @param headers the header as it is sent, each field with its CRLF, without the empty line after it
   * @param body the bytes after that empty line, whole or in pieces
   * @returns the field DKIM-Signature with its CRLF, to be put in front
   */
  sign(headers: string, body: Buffer | readonly Buffer[]): Promise<string>;
}

/** What is signed, where the message has it: what a reader sees, and what mail programs and providers act on. */
const signedFields = [
  'from',
  'reply-to',
  'subject',
  'date',
  'to',
  'cc',
  'message-id',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'auto-submitted',
  'feedback-id',
  'list-id',
  'list-unsubscribe',
  'list-unsubscribe-post',
];
/** Named once more than the message has them: another one that is put in on the way breaks the signature (RFC 6376 section 8.15). */
const oversignedFields = new Set(['from', 'reply-to', 'subject', 'date', 'to', 'cc', 'content-type']);

const lineFeed = 10;
const carriageReturn = 13;

/** Characters of a line of the signature's field. */
const lineMaximum = 76;

/**
 * Signs messages by RFC 6376, with relaxed canonicalisation of the header and simple one of the body. The signature is
 * made in a thread of its own: by RSA it takes ten times as long as composing the message.
 */
export function createDkimSigner({ domain, selector, privateKey }: DkimKey): DkimSigner {
  const asciiDomain = domainToASCII(domain);
  const isRsa = privateKey.asymmetricKeyType === 'rsa';
  const algorithm = isRsa ? 'rsa-sha256' : 'ed25519-sha256';
  const opening = `v=1; a=${algorithm}; c=relaxed/simple; d=${asciiDomain}; s=${domainToASCII(selector)};`;
  return {
    domain: asciiDomain,
    signsFor(from) {
      const sender = domainOf(from);
      return sender === asciiDomain || sender.endsWith(`.${asciiDomain}`);
    },
    async sign(headers, body) {
      const fields = relaxedFields(headers);
      const { names, canonical } = choose(fields);
      const tags = [
        ...opening.split(/(?<=;) /),
        `t=${Math.floor(Date.now() / 1_000)};`,
        ...`h=${names.join(':')};`.split(/(?<=:)/),
        `bh=${bodyHash(body)};`,
      ];
      const unsigned = `${folded('DKIM-Signature:', tags)}\r\n b=`;
      const data = `${canonical}dkim-signature:${relaxedValue(unsigned.slice('DKIM-Signature:'.length))}`;
      const signature = await signature64(data, privateKey, isRsa);
      return `${unsigned}${inLines(signature)}\r\n`;
    },
  };
}

interface Field {
  readonly name: string;
  /** As RFC 6376 section 3.4.2 has it, with its CRLF. */
  readonly canonical: string;
}

/** The fields of a header in their relaxed form. */
function relaxedFields(headers: string): Field[] {
  return headers
    .split(/\r\n(?![ \t])/)
    .filter((field) => field !== '')
    .map((field) => {
      const colon = field.indexOf(':');
      const name = field.slice(0, colon).trimEnd().toLowerCase();
      return { name, canonical: `${name}:${relaxedValue(field.slice(colon + 1))}\r\n` };
    });
}

/** Unfolded, with single spaces and none around. Only spaces and tabs count: `trim` would take more. */
function relaxedValue(value: string): string {
  return value
    .replaceAll('\r\n', '')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '');
}

/** The fields to sign: those of one name from the last one up, as verifiers take them. */
function choose(fields: readonly Field[]): { names: string[]; canonical: string } {
  const names: string[] = [];
  let canonical = '';
  for (const name of signedFields) {
    for (let index = fields.length - 1; index >= 0; index--) {
      const field = fields[index];
      if (field?.name !== name) continue;
      names.push(name);
      canonical += field.canonical;
    }
    if (oversignedFields.has(name)) names.push(name);
  }
  return { names, canonical };
}

/** SHA-256 of the body in its simple form (RFC 6376 section 3.4.3): as it is, with exactly one CRLF at its end. */
function bodyHash(body: Buffer | readonly Buffer[]): string {
  const whole = Buffer.isBuffer(body) ? body : Buffer.concat(body);
  let end = whole.length;
  while (end >= 2 && whole[end - 1] === lineFeed && whole[end - 2] === carriageReturn) end -= 2;
  return createHash('sha256').update(whole.subarray(0, end)).update('\r\n').digest('base64');
}

function signature64(data: string, key: KeyObject, isRsa: boolean): Promise<string> {
  // RFC 8463 section 3: Ed25519 signs the hash of what RSA signs.
  const toSign = isRsa ? Buffer.from(data) : createHash('sha256').update(data).digest();
  return new Promise((resolve, reject) => {
    signWith(isRsa ? 'sha256' : null, toSign, key, (error, signature) => {
      if (error) reject(error);
      else resolve(signature.toString('base64'));
    });
  });
}

/** A field of words with spaces between, folded. Names in `h=` are joined without a space where they fit. */
function folded(name: string, words: readonly string[]): string {
  let text = name;
  let length = name.length;
  for (const word of words) {
    const glued = text.endsWith(':') && length > name.length;
    const needed = (glued ? 0 : 1) + word.length;
    if (length + needed > lineMaximum) {
      text += `\r\n ${word}`;
      length = 1 + word.length;
    } else {
      text += glued ? word : ` ${word}`;
      length += needed;
    }
  }
  return text;
}

/** A signature after ` b=`, in lines. */
function inLines(signature: string): string {
  const first = lineMaximum - ' b='.length;
  const rest = signature.slice(first).match(new RegExp(`.{1,${lineMaximum - 1}}`, 'g')) ?? [];
  return [signature.slice(0, first), ...rest].join('\r\n ');
}
