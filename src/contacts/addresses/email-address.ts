import { domainToASCII } from 'node:url';

/** Limits of RFC 5321, in octets: 4.5.3.1.1 local part, 4.5.3.1.2 domain, 4.5.3.1.3 path without its angle brackets. */
export const localPartMaximum = 64;
export const domainMaximum = 255;
export const addressMaximum = 254;

/** Why a text is not an address that mail can be sent to. */
export type AddressRefusal =
  | 'empty'
  | 'forbidden-character'
  | 'no-at-sign'
  | 'local-part-malformed'
  | 'domain-malformed'
  | 'too-long';

export type ParsedAddress =
  | { readonly ok: true; readonly address: string; readonly key: string }
  | { readonly ok: false; readonly reason: AddressRefusal };

/** Control characters, spaces, invisible and private characters, and what structures an address list or a header. */
const forbidden = /[\p{C}\p{Z}<>()[\]\\,;:"]/u;
/** RFC 5321 Dot-string; RFC 6531 adds everything outside ASCII. */
const localPart =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\u{10ffff}]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\u{10ffff}]+)*$/iu;
/** A host name of two labels or more in A-labels, the last not a number: no IP address. */
const hostName = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** The usual case, in one test: everything is ASCII and nothing needs mapping. */
const plain =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The form in which addresses are compared: spaces around removed, Unicode NFC, the domain in lower-case A-labels
 * (RFC 5891), the local part in lower case. Lower-casing the local part is stricter than RFC 5321 2.4, which no
 * provider of size follows: it makes `Ann@` and `ann@` one person, so that a "no" of either counts for both.
 *
 * Defined for any text, so that it can be asked about one that is no address. Idempotent.
 */
export function emailKey(address: string): string {
  const text = trimSpaces(address).normalize('NFC');
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(0, at)).toLowerCase().normalize('NFC');
  const domain = text
    .slice(at + 1)
    .toLowerCase()
    .normalize('NFC');
  if (at < 0) return domain;
  return `${local}@${asciiDomain(domain) ?? domain}`;
}

/**
 * Checks an address. Accepted is what SMTP can carry: a dot-string and a host name. Quoted local parts and address
 * literals are refused: they are what attacks look like, not what people have. Local parts outside ASCII are
 * addresses (RFC 6531); whether a mail server takes them is seen at sending.
 *
 * @returns the address as given but for spaces around and Unicode NFC, and its `emailKey`; or the reason.
 */
export function parseEmailAddress(text: string): ParsedAddress {
  const address = trimSpaces(text);
  if (address === '') return refused('empty');
  // Before any other work, so that none is spent on a hostile length.
  if (address.length > addressMaximum) return refused('too-long');
  const lower = address.toLowerCase();
  return isPlainAddress(lower) ? { ok: true, address, key: lower } : parseInternational(address);
}

/** Whether an address is of the usual form, in lower case: it is its own `emailKey`, and its domain is in A-labels. */
export function isPlainAddress(text: string): boolean {
  return (
    text.length <= addressMaximum &&
    plain.test(text) &&
    text.indexOf('@') <= localPartMaximum &&
    !punycode.test(text)
  );
}

/** Labels of this form are decoded and checked, not taken as they stand. */
const punycode = /[@.]xn--/;

function parseInternational(given: string): ParsedAddress {
  const address = given.normalize('NFC');
  if (forbidden.test(address)) return refused('forbidden-character');
  const at = address.lastIndexOf('@');
  if (at < 0) return refused('no-at-sign');
  const local = address.slice(0, at);
  if (!localPart.test(local)) return refused('local-part-malformed');
  if (octets(local) > localPartMaximum) return refused('too-long');
  const domain = asciiDomain(address.slice(at + 1).toLowerCase());
  if (domain === undefined || !hostName.test(domain)) return refused('domain-malformed');
  const key = emailKey(address);
  if (domain.length > domainMaximum || octets(local) + 1 + domain.length > addressMaximum)
    return refused('too-long');
  return { ok: true, address, key };
}

/** A domain in lower case and NFC as A-labels; undefined where it is none. */
export function asciiDomain(domain: string): string | undefined {
  // domainToASCII reads its argument as the host of a URL: without this it would decode `%40` and stop at `/`.
  if (!/^[a-z0-9.\-\u0080-\u{10ffff}]+$/u.test(domain)) return undefined;
  const ascii = domainToASCII(domain);
  return ascii === '' ? undefined : ascii;
}

function trimSpaces(text: string): string {
  return text.replace(/^[ \t\u00a0]+|[ \t\u00a0]+$/g, '');
}

function octets(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function refused(reason: AddressRefusal): ParsedAddress {
  return { ok: false, reason };
}
