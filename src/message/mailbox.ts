import { asciiDomain, isPlainAddress, parseEmailAddress } from '../contacts/addresses/email-address.ts';
import type { Mailbox } from './content.ts';

/** True for an address that mail can be sent to, with nothing around it. */
export function isAddress(text: string): boolean {
  const parsed = parseEmailAddress(text);
  return parsed.ok && (parsed.address === text || parsed.address === text.normalize('NFC'));
}

/** An address in the form that envelopes carry, as `asciiAddress`; undefined where no mail can be sent to it. */
export function sendableAddress(text: string): string | undefined {
  if (isPlainAddress(text)) return text;
  return isAddress(text) ? asciiAddress(text) : undefined;
}

/** The domain of an address, in the ASCII form that headers and envelopes carry. */
export function domainOf(address: string): string {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  return isAsciiDomain.test(domain) ? domain : (asciiDomain(domain.normalize('NFC').toLowerCase()) ?? '');
}

/** Such a domain is its own ASCII form; punycode is left to those who check it. */
const isAsciiDomain = /^(?!.*--)[a-z0-9.-]+$/;

/** The address with its domain in ASCII form. */
export function asciiAddress(address: string): string {
  return `${address.slice(0, address.lastIndexOf('@'))}@${domainOf(address)}`;
}

/** Reads `Name <address>`, `"Name" <address>` or `address`; undefined where it is none of them. */
export function parseMailbox(text: string): Mailbox | undefined {
  const trimmed = text.trim();
  const match = /^(?:"((?:[^"\\]|\\.)*)"|([^"<>]*?))\s*<([^<>]+)>$/u.exec(trimmed);
  const address = match?.[3] ?? trimmed;
  const name = match?.[1]?.replace(/\\(.)/gu, '$1') ?? match?.[2] ?? '';
  if (!isAddress(address) || name.length > 200 || /[\p{Cc}\p{Surrogate}]/u.test(name)) return undefined;
  return { name: name.trim(), address };
}

/** The address as a URL to write to (RFC 6068). Its domain is in ASCII form. */
export function mailtoUrl(address: string): string {
  const at = address.lastIndexOf('@');
  return `mailto:${encodeURIComponent(address.slice(0, at))}${address.slice(at)}`;
}
