/**
 * Ends a command that listens for signals, once all is done: while Node.js clears up by itself it listens no more, and a
 * signal that is sent once more would end the process by that signal, as if it had been cut short.
 */
export function endProcess(): never {
  process.exit();
}
