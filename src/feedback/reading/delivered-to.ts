import { parseReturnPath } from '../../message/return-path.ts';

/** Of the header, where the addresses stand; what is longer is no header that a mail server has written. Bytes. */
const headerMaximum = 65_536;

/**
 * The address of ours that a message was delivered to: what the delivering server says, then what stands in To. It is as good as
 * its mark, which nobody else can make, whoever wrote the field.
 */
export function deliveredTo(raw: Uint8Array): string {
  const text = Buffer.from(raw.subarray(0, headerMaximum)).toString('latin1');
  const header = (/^[\s\S]*?(?=\r?\n\r?\n)/.exec(text)?.[0] ?? text).replace(/\r?\n[ \t]+/g, ' ');
  for (const name of ['Delivered-To', 'X-Original-To', 'Envelope-To', 'To']) {
    for (const [, value = ''] of header.matchAll(new RegExp(`^${name}:(.*)$`, 'gim'))) {
      // Word by word: it must not take longer than the field is long.
      const ours = value.split(/[\s<>"'(),;:]+/).find((word) => parseReturnPath(word) !== undefined);
      if (ours !== undefined) return ours;
    }
  }
  return '';
}
