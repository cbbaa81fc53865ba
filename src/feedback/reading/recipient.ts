import { parseEmailAddress } from '../../contacts/addresses/email-address.ts';

/** The address of a field such as `Final-Recipient: rfc822; ann@example.com` (RFC 3464 section 2.3), where it is one. */
export function recipientIn(value: string | undefined): string | undefined {
  if (value === undefined || value.length > 1_000) return undefined;
  const separator = value.indexOf(';');
  return addressIn(separator < 0 ? value : value.slice(separator + 1));
}

/** An address, alone or in angle brackets. */
export function addressIn(text: string): string | undefined {
  const bare = text.trim();
  const inBrackets = /^<([^<>]*)>/.exec(bare)?.[1] ?? bare;
  const parsed = parseEmailAddress(unescaped(inBrackets));
  return parsed.ok ? parsed.address : undefined;
}

/** `\x{FC}`: how RFC 6533 section 3 writes what is outside ASCII. */
function unescaped(address: string): string {
  return address.replace(/\\x\{([0-9A-Fa-f]{2,6})\}/g, (all, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : all;
  });
}
