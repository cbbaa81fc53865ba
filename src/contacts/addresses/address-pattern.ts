import { emailKey } from './email-address.ts';

/**
 * Patterns, for PostgreSQL and for text in lower case, that find addresses in text: also as quoted-printable and links write
 * them, and not as a part of a longer address.
 */
export function addressPattern(addresses: readonly string[]): string {
  const forms = new Set(
    addresses.flatMap((address) => [address, emailKey(address)]).map((form) => form.toLowerCase()),
  );
  const alternatives = [...forms].map((form) => escapePattern(form).replaceAll('@', '(?:@|=40|%40)'));
  return `(?<![a-z0-9._+-])(?:${alternatives.join('|')})(?![a-z0-9-]|\\.[a-z0-9])`;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/**
 * What of an address is found in base64, whichever of the three places in a group it begins at. Only what no neighbour
 * changes.
 */
export function base64Traces(addresses: readonly string[]): string[] {
  return [...new Set(addresses.flatMap((address) => [address, emailKey(address)]))].flatMap((address) =>
    [0, 1, 2].map((offset) => {
      const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(address)]);
      const whole = Math.floor((bytes.length * 8) / 6);
      return bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), whole);
    }),
  );
}
