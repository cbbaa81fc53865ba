import type { KeyObject } from 'node:crypto';

/** Bytes of an Ed25519 public key, which are the last ones of its DER form (RFC 8410). */
const ed25519Length = 32;

/** Where the public key of a selector is published, in DNS as TXT. */
export function dkimRecordName({ domain, selector }: { domain: string; selector: string }): string {
  return `${selector}._domainkey.${domain}`;
}

/** The record's text (RFC 6376 section 3.6.1; RFC 8463 section 4 for Ed25519). */
export function dkimRecord(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return publicKey.asymmetricKeyType === 'ed25519'
    ? `v=DKIM1; k=ed25519; p=${der.subarray(-ed25519Length).toString('base64')}`
    : `v=DKIM1; k=rsa; p=${der.toString('base64')}`;
}

/** A text as zone files have it: a string of DNS holds 255 bytes at the most. */
export function asDnsStrings(text: string): string {
  return (text.match(/.{1,255}/g) ?? ['']).map((part) => `"${part}"`).join(' ');
}
