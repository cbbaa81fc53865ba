import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../domain/errors.ts';

/** Bytes of one template or text file: ten times what mail programs show of a message before they cut it. */
export const templateMaximumBytes = 1_048_576;
/** Bytes of a campaign file. */
export const campaignFileMaximumBytes = 262_144;

/**
 * Reads a text file that a person wrote.
 *
 * @param file path to open, and `shownAs` as messages name it.
 * @param where place in a campaign file that names the file, put before the message.
 * @throws InputError where it is not there, not a regular file, too large or not UTF-8.
 */
export async function readTextFile(
  file: string,
  options: { code: string; shownAs: string; where?: string; maximumBytes: number },
): Promise<string> {
  const { code, shownAs, where, maximumBytes } = options;
  const fail = (what: string, cause?: unknown): never => {
    throw new InputError(code, `${where === undefined ? 'The' : `${where}: the`} file ${shownAs} ${what}.`, {
      field: where ?? 'FILE',
      value: shownAs,
      hint:
        where === undefined
          ? 'Check the path; it is relative to the current directory.'
          : 'Paths in a campaign file are relative to that file.',
      cause,
    });
  };
  let bytes: Buffer;
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) return fail('is not a regular file');
      bytes = await readAtMost(handle, maximumBytes + 1);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    const reason = (error as NodeJS.ErrnoException).code;
    return fail(reason === 'ENOENT' ? 'does not exist' : `cannot be read (${reason})`, error);
  }
  if (bytes.length > maximumBytes) return fail(`has more than the ${maximumBytes} bytes that are allowed`);
  if (bytes.includes(0)) return fail('is not text: it has NUL bytes');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n');
  } catch (cause) {
    return fail('is not UTF-8 text', cause);
  }
}

async function readAtMost(handle: FileHandle, maximum: number): Promise<Buffer> {
  const buffer = Buffer.alloc(maximum);
  let length = 0;
  while (length < maximum) {
    const { bytesRead } = await handle.read(buffer, length, maximum - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
