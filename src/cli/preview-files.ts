import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../domain/errors.ts';
import { htmlWithImages, parseMessage } from '../local/mail-catcher/message-view.ts';
import { makeFolder } from '../local/make-folder.ts';
import { writePrivateFile } from '../local/write-file.ts';

export interface PreviewFiles {
  readonly eml: string;
  readonly html: string;
  readonly txt: string;
}

/** Characters of a file name, without its ending: every file system takes as many. */
const nameMaximum = 150;
const byteOrderMark = '\ufeff';

/**
 * A file name for a preview, whatever address it is of: `autumn-7k3f-ann@example.com`, with the variant and the language
 * where they were asked for.
 */
export function previewName(campaignId: string, email: string, chosen: readonly string[] = []): string {
  return [campaignId, email.toLowerCase(), ...chosen]
    .join('-')
    .replace(/[^a-zA-Z0-9.@_+-]/g, '_')
    .replace(/^\.+/, '_')
    .slice(0, nameMaximum);
}

/**
 * Writes a message as it is (.eml), and what a browser and an editor can show of it. Only their owner can read the
 * files, for they hold personal data.
 *
 * @throws InputError PREVIEW_EXISTS, PREVIEW_FILE
 */
export async function writePreview(
  raw: Buffer,
  { folder, name, replace }: { folder: string; name: string; replace: boolean },
): Promise<PreviewFiles> {
  const view = await parseMessage(raw);
  const html = htmlWithImages(view);
  const files = {
    eml: join(folder, `${name}.eml`),
    html: join(folder, `${name}.html`),
    txt: join(folder, `${name}.txt`),
  };
  try {
    const there = replace ? undefined : Object.values(files).find(isThere);
    if (there !== undefined) {
      throw new InputError(
        'PREVIEW_EXISTS',
        'A file that the preview would be written to is there already.',
        {
          field: '--out',
          value: there,
          hint: 'Name another folder with --out, or replace it with --force.',
        },
      );
    }
    makeFolder(folder, 0o700);
    writePrivateFile(files.eml, raw);
    // A file has no header that names its encoding; the message has.
    writePrivateFile(files.html, /<meta\s[^>]*charset/i.test(html) ? html : byteOrderMark + html);
    writePrivateFile(files.txt, view.text ?? '');
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError('PREVIEW_FILE', `The preview cannot be written: ${(error as Error).message}`, {
      field: '--out',
      value: folder,
      hint: 'Name a folder that you may write to.',
      cause: error,
    });
  }
  return files;
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
