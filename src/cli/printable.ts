/** Text of other people's as one line for a terminal: without characters that would move its cursor or hide something. */
export function printable(text: string, maximum = 200): string {
  const line = text.replace(/\s*\r?\n\s*/g, ' ⏎ ').replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '�');
  return line.length > maximum ? `${line.slice(0, maximum)}…` : line;
}
