import { posix } from 'node:path';
import { InputError } from '../../domain/errors.ts';
import type { BodyDefinition } from '../content.ts';
import { findImages } from '../freeze/image-references.ts';
import { type MaskedTemplate, maskLiquid } from '../freeze/liquid-mask.ts';

/** An image file that a template names. */
export interface NamedImage {
  /** Its key in the images of a campaign: the path from the campaign file. */
  readonly path: string;
  /** The path as the template has it. */
  readonly written: string;
  /** `newsletter.mjml:12:18` */
  readonly where: string;
}

/**
 * The image files that a template names by a path relative to itself. Images at web addresses are none, nor are data in
 * the template itself.
 *
 * @throws InputError IMAGE_FILE with file and line where an address is neither.
 */
export function imageFilesOf(
  { source, file }: BodyDefinition['template'],
  masked = maskLiquid(source),
): NamedImage[] {
  return findImages(masked.text).flatMap(({ address, begin }) => {
    const { line, column } = masked.placeOf(begin);
    const where = `${file}:${line}:${column}`;
    const path = imageFilePath(address, { masked, file, where });
    return path === undefined ? [] : [{ path, written: masked.unmask(address).trim(), where }];
  });
}

interface Place {
  readonly masked: MaskedTemplate;
  /** The template's path from the campaign file. */
  readonly file: string;
  readonly where?: string;
}

/** The path of an image from the campaign file; undefined where its address is none of a file. @throws InputError */
export function imageFilePath(address: string, { masked, file, where = file }: Place): string | undefined {
  const text = address.trim();
  const liquidAt = text.search(masked.pattern);
  // What a token begins may be any address: it is what the message says it is.
  if (text === '' || liquidAt === 0 || /^(?:[a-z][a-z0-9+.-]*:|\/\/|#)/i.test(text)) return undefined;
  const refuse = (why: string) =>
    new InputError('IMAGE_FILE', `${where}: the image ${shown(masked.unmask(text))} ${why}.`, {
      field: where,
      value: masked.unmask(text).slice(0, 200),
      hint: 'An image is a file, by its path from the template, or a whole web address such as https://example.com/logo.png.',
    });
  if (liquidAt > 0) throw refuse('has Liquid in its path, so that nobody knows which file it is');
  if (/^[/\\]/.test(text)) throw refuse('is neither a whole web address nor a path from the template');
  const path = decoded(text);
  if (/\p{Cc}/u.test(path)) throw refuse('has control characters in its path');
  return posix.normalize(posix.join(posix.dirname(file), path));
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

/** `my%20logo.png` is the file `my logo.png`, as for a browser. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
