import { once } from 'node:events';
import { InputError } from '../domain/errors.ts';
import { type DraftFile, openDraft } from './draft-file.ts';

/** Nobody reads any more (`| head`), which is no error. */
class NobodyReads extends Error {}

/**
 * Writes what `run` makes to a file that only its owner may read, and that is there as a whole or not at all, or to stdout
 * no faster than it is read.
 *
 * @param path undefined: stdout
 * @returns what `run` returned; undefined where whoever read stdout was gone before the end
 */
export async function writeExport<T>(
  path: string | undefined,
  run: (write: (text: string) => Promise<void>) => Promise<T>,
): Promise<T | undefined> {
  const output =
    path === undefined ? standardOutput() : await openDraft(path, (why) => unwritable(path, why), 0o600);
  try {
    const result = await run(async (text) => await output.write(text));
    await output.keep();
    return result;
  } catch (error) {
    await output.discard();
    if (error instanceof NobodyReads) return undefined;
    throw error;
  }
}

function standardOutput(): DraftFile {
  let failure: NodeJS.ErrnoException | undefined;
  const onError = (error: NodeJS.ErrnoException) => {
    failure ??= error;
  };
  process.stdout.on('error', onError);
  const check = () => {
    if (failure === undefined) return;
    throw failure.code === 'EPIPE' ? new NobodyReads() : failure;
  };
  const flushed = async (text: string) => {
    await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
    check();
  };
  return {
    async write(text) {
      check();
      if (process.stdout.write(text)) return;
      const noMore = new AbortController();
      const { signal } = noMore;
      // A failure is told by its event as well: `check` throws it.
      await Promise.race([
        once(process.stdout, 'drain', { signal }),
        once(process.stdout, 'close', { signal }),
      ]).catch(onError);
      noMore.abort();
      check();
    },
    keep: async () => await flushed(''),
    discard: async () => undefined,
  };
}

function unwritable(path: string, why: string): InputError {
  return new InputError('EXPORT_FILE', `The file ${path} cannot be written: ${why}.`, {
    field: '--output',
    value: path,
    hint: 'Name a file in a directory that you may write to, with room for it.',
  });
}
