import { pipeline } from 'node:stream/promises';

/**
 * Prints a result that is too long to be held at once, no faster than it is read. Whoever reads may stop before the end
 * (`| head`), which is no error.
 */
export async function printParts(parts: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(parts, process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
