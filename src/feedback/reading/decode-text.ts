import { decodeQuotedPrintable } from './quoted-printable.ts';

/** Text as it came, one character a byte, from what a part's Content-Transfer-Encoding made of it. */
export function decodeTransfer(body: string, encoding: string | undefined): string {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === 'base64') return Buffer.from(body, 'base64').toString('latin1');
  if (name === 'quoted-printable') return decodeQuotedPrintable(body);
  return body;
}

/** Bytes (one character each) as text. A charset that is missing, wrong or unknown: UTF-8 where it is that, else Latin-1. */
export function decodeCharset(bytes: string, charset: string | undefined): string {
  if (isAscii.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  const name = charset?.trim().toLowerCase() ?? '';
  // Text that says us-ascii and is not has been written by somebody who did not look.
  if (name !== '' && name !== 'us-ascii' && name !== 'utf-8') {
    try {
      return new TextDecoder(name).decode(buffer);
    } catch {
      // Not a charset that is known here.
    }
  }
  const meant = buffer.toString('utf8');
  return meant.includes('\ufffd') ? bytes : meant;
}

const isAscii = /^[\0-\x7f]*$/;
