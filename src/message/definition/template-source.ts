import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../../domain/errors.ts';

/** Bytes of one template or text file: ten times what mail programs show of a message before they cut it. */
export const templateMaximumBytes = 1_048_576;
/** Bytes of a campaign file. */
export const campaignFileMaximumBytes = 262_144;

export interface ReadFileOptions {
  /** Code of the error. */
  readonly code: string;
  /** The file as messages name it. */
  readonly shownAs: string;
  /** Place in a campaign file or template that names the file, put before the message. */
  readonly where?: string;
  /** What the path is relative to, a sentence. */
  readonly hint?: string;
  readonly maximumBytes: number;
}

/**
 * Reads a text file that a person wrote.
 * @throws InputError where it is not there, not a regular file, too large or not UTF-8.
 */
export async function readTextFile(file: string, options: ReadFileOptions): Promise<string> {
  const bytes = await readFileBytes(file, options);
  if (bytes.includes(0)) throw problem(options, 'is not text: it has NUL bytes');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n');
  } catch (cause) {
    throw problem(options, 'is not UTF-8 text', cause);
  }
}

/**
 * Reads a file that a person named. Devices and pipes, which may have no end, are not read.
 * @throws InputError where it is not there, not a regular file or too large.
 */
export async function readFileBytes(file: string, options: ReadFileOptions): Promise<Buffer> {
  const { maximumBytes } = options;
  let bytes: Buffer;
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) throw problem(options, 'is not a regular file');
      bytes = await readAtMost(handle, maximumBytes + 1);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    const reason = (error as NodeJS.ErrnoException).code;
    throw problem(options, reason === 'ENOENT' ? 'does not exist' : `cannot be read (${reason})`, error);
  }
  if (bytes.length > maximumBytes) {
    const what = `has more than the ${maximumBytes} bytes that are allowed`;
    throw problem(
      { ...options, hint: 'Make it smaller: large things are better linked to than sent.' },
      what,
    );
  }
  return bytes;
}

function problem({ code, shownAs, where, hint }: ReadFileOptions, what: string, cause?: unknown): InputError {
  return new InputError(code, `${where === undefined ? 'The' : `${where}: the`} file ${shownAs} ${what}.`, {
    field: where ?? 'FILE',
    value: shownAs,
    hint:
      hint ??
      (where === undefined
        ? 'Check the path; it is relative to the current directory.'
        : 'Paths in a campaign file are relative to that file.'),
    cause,
  });
}

async function readAtMost(handle: FileHandle, maximum: number): Promise<Buffer> {
  const buffer = Buffer.alloc(maximum);
  let length = 0;
  while (length < maximum) {
    const { bytesRead } = await handle.read(buffer, length, maximum - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  // A small file must not keep the memory of the largest one.
  return Buffer.from(buffer.subarray(0, length));
}
