import { FailedError } from '../../domain/errors.ts';
import type { FileReference } from '../content.ts';
import { parameter } from './parameter.ts';
import type { SegmentWriter } from './segments.ts';

/** RFC 2045 section 6.8 */
const base64Columns = 76;
const encoded = new WeakMap<Buffer, Buffer>();

/** A file's bytes in base64, in lines; made once, however many bodies hold the file. */
export function base64Lines(bytes: Buffer): Buffer {
  const known = encoded.get(bytes);
  if (known !== undefined) return known;
  const lines = bytes.toString('base64').match(new RegExp(`.{1,${base64Columns}}`, 'g')) ?? [];
  const made = Buffer.from(lines.join('\r\n'), 'latin1');
  encoded.set(bytes, made);
  return made;
}

/** An attachment (RFC 2183), or with a Content-ID (RFC 2392) an image that the HTML shows. */
export function filePart(
  out: SegmentWriter,
  { hash, name, type }: FileReference,
  files: ReadonlyMap<string, Buffer>,
  cid?: string,
): void {
  const bytes = files.get(hash);
  if (bytes === undefined) {
    throw new FailedError('CONTENT_MISSING', `The file ${name} of the content is not there.`, {
      field: 'content hash',
      value: hash,
    });
  }
  const disposition = cid === undefined ? 'attachment' : 'inline';
  out.text(
    `Content-Type: ${type}${parameter('name', name)}\r\n` +
      'Content-Transfer-Encoding: base64\r\n' +
      (cid === undefined ? '' : `Content-ID: <${cid}>\r\n`) +
      `Content-Disposition: ${disposition}${parameter('filename', name)}\r\n\r\n`,
  );
  out.bytes(base64Lines(bytes));
}
