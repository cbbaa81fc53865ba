import { basename } from 'node:path';
import { InputError } from '../../domain/errors.ts';
import type { CampaignDefinition, FileReference } from '../content.ts';
import { fileHash } from '../content-files.ts';
import { type Locate, locateByName } from '../locate.ts';
import { attachmentType, imageExtension, imageTypeOf, refusedExtension } from './file-types.ts';

/** EXM's limit for all files that one message carries, bytes before base64, which makes a third more of them. */
export const messageFilesMaximumBytes = 7_340_032;
/** Attachments of a campaign, and its image files. */
export const attachmentsMaximum = 20;
export const imagesMaximum = 500;
/** Characters of a file's name; file systems take 255 bytes. */
const nameMaximum = 120;

/**
 * The reference to a file of a campaign. Images have the type that their bytes say, all others that of their name.
 * @param name as recipients see it, or a path that ends with it
 */
export function fileReference(name: string, bytes: Buffer): FileReference {
  const own = basename(name).normalize('NFC');
  return {
    hash: fileHash(bytes),
    name: own,
    type: imageTypeOf(bytes) ?? attachmentType(own),
    size: bytes.length,
  };
}

/** What is wrong with the name of an attachment, as the end of a sentence that begins with the name; else undefined. */
export function problemOfFileName(name: string): string | undefined {
  if (name.trim() === '' || name === '.' || name === '..') return 'must not be empty';
  if (/[/\\]/.test(name)) return 'must be a name without folders';
  // Characters that turn the direction of writing make `gpj.exe` of what reads `exe.jpg`.
  if (/[\p{Cc}\p{Surrogate}\p{Bidi_Control}\u2028\u2029]/u.test(name))
    return 'must be one line of text without control characters';
  if (name.length > nameMaximum) return `must have at most ${nameMaximum} characters`;
  return undefined;
}

/**
 * Checks what a definition says of its files: how many, names, types and sizes.
 * @throws InputError ATTACHMENT_FILE, IMAGE_FILE or FILES_TOO_LARGE
 */
export function checkFiles(
  { attachments = [], images = {} }: CampaignDefinition,
  locate: Locate = locateByName,
): void {
  for (const [index, { name, size }] of attachments.entries()) {
    const refuse = (why: string, hint = 'Correct it in the campaign file.') =>
      attachmentProblem(locate(['attachments', index]), name, why, hint);
    const wrong = problemOfFileName(name);
    if (wrong !== undefined) throw refuse(`has a name that ${wrong}`);
    const extension = refusedExtension(name);
    if (extension !== undefined) {
      throw refuse(
        `is a .${extension} file, and mail providers refuse messages with one`,
        'Put it on a web server and link to it.',
      );
    }
    if (attachments.findIndex((other) => other.name === name) !== index)
      throw refuse('has the name of another one', 'Give it a name of its own: {file: ..., name: ...}.');
    if (size === 0) throw refuse('is empty');
  }
  if (attachments.length > attachmentsMaximum)
    throw tooMany('ATTACHMENT_FILE', locate(['attachments']), attachments.length, attachmentsMaximum);
  requireRoom(attachments, locate(['attachments']));
  for (const [path, { type }] of Object.entries(images)) {
    if (imageExtension(type) === undefined) throw imageProblem(path, path, type);
  }
  if (Object.keys(images).length > imagesMaximum)
    throw tooMany('IMAGE_FILE', 'images', Object.keys(images).length, imagesMaximum);
}

/** Sees that one message can carry these files. @throws InputError FILES_TOO_LARGE that names them with their sizes */
export function requireRoom(files: readonly FileReference[], where: string): void {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= messageFilesMaximumBytes) return;
  const largest = [...files].sort((a, b) => b.size - a.size).slice(0, 10);
  const list = largest.map(({ name, size }) => `${name} ${size}`).join(', ');
  const more = files.length > largest.length ? `, and ${files.length - largest.length} smaller ones` : '';
  throw new InputError(
    'FILES_TOO_LARGE',
    `${where}: the attachments and embedded images of a message have ${bytes} bytes together, and ` +
      `${messageFilesMaximumBytes} are allowed: ${list}${more}.`,
    {
      field: where,
      value: bytes,
      hint: 'Make the images smaller or link them (embedImages: false), and link to large files instead of attaching them.',
    },
  );
}

/** An attachment that cannot be one. */
export function attachmentProblem(where: string, name: string, why: string, hint: string): InputError {
  return new InputError('ATTACHMENT_FILE', `${where}: the attachment ${JSON.stringify(name)} ${why}.`, {
    field: where,
    value: name,
    hint,
  });
}

/** A file that is no image which mail programs show. @param type what it is taken for */
export function imageProblem(where: string, written: string, type: string): InputError {
  const what =
    type === 'image/svg+xml' ? 'an SVG, which Gmail and Outlook do not show' : 'no PNG, JPEG, GIF or WebP';
  return new InputError('IMAGE_FILE', `${where}: the image ${JSON.stringify(written)} is ${what}.`, {
    field: where,
    value: written,
    hint: 'Save it as PNG, JPEG or GIF, which all mail programs show; classic Outlook does not show WebP.',
  });
}

function tooMany(code: string, where: string, count: number, maximum: number): InputError {
  return new InputError(
    code,
    `${where}: a campaign may have ${maximum} of these files; these are ${count}.`,
    {
      field: where,
      value: count,
    },
  );
}
