import { exitCodes } from '../domain/errors.ts';

/** The reader of a pipe is gone, or the terminal was closed: nobody wants the output any more. */
const nobodyReads = new Set(['EPIPE', 'EIO', 'ENXIO']);

/**
 * Lets a command go on where its output cannot be written any more: one that has started processes must still stop
 * them. A result that is lost for another reason, such as a full disk, makes the command fail.
 */
export function outliveLostOutput(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!nobodyReads.has(error.code ?? '')) process.exitCode = exitCodes.failed;
  });
}
