/** Where the header of a message ends, or the end of what there is of it. */
function headerLength(message: Buffer): number {
  const crlf = message.indexOf('\r\n\r\n');
  const lf = message.indexOf('\n\n');
  const ends = [crlf, lf].filter((end) => end >= 0);
  return ends.length === 0 ? Math.min(message.length, 64 * 1024) : Math.min(...ends);
}

/** The message's Subject, unfolded (RFC 5322, 2.2.3) but not decoded, cut at 300 characters. Empty where it has none. */
export function readSubject(message: Buffer): string {
  const header = message.toString('utf8', 0, headerLength(message));
  const found = /^subject:[ \t]*(.*(?:\r?\n[ \t].*)*)/im.exec(header);
  return (found?.[1] ?? '').replace(/\r?\n(?=[ \t])/g, '').slice(0, 300);
}
