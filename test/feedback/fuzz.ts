import { expect } from 'vitest';
import type { Notification } from '../../src/feedback/reading/notification.ts';
import { readNotification } from '../../src/feedback/reading/read-notification.ts';
import { randomFor } from '../support/random.ts';
import { readSample, sampleNames } from './samples.ts';
import { type Spliced, spliced } from './spliced.ts';

/** What reading `rounds` cuts and splices of all samples gave, after every one of them was checked. */
export async function fuzzNotifications(seed: number, rounds: number): Promise<Record<string, number>> {
  // One character a byte, as the wire has it.
  const samples = sampleNames().map((name) => Buffer.from(readSample(name)).toString('latin1'));
  const known = knownIn(samples);
  const counts: Record<string, number> = {};
  for (let round = 0; round < rounds; round += 1) {
    const input = spliced(samples, randomFor(seed, round));
    const before = process.cpuUsage();
    const read = await readNotification(Buffer.from(input.text, 'latin1'));
    const { user } = process.cpuUsage(before);
    const about = `seed ${seed}, round ${round}, ${input.how}`;
    if (user > 2_000_000) expect.fail(`${about} took ${user} µs`);
    if (read.length === 0 || read.length > 21) expect.fail(`${about} gave ${read.length}`);
    for (const notification of read) {
      const wrong = wrongIn(notification, input, known);
      if (wrong !== undefined)
        expect.fail(`${about}: ${wrong}\n${JSON.stringify(notification)}\n${input.text}`);
      const kind = notification.kind === 'bounce' ? notification.class : notification.kind;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
  }
  return counts;
}

/** All that could be a recipient or a Message-ID. */
function knownIn(samples: readonly string[]): ReadonlySet<string> {
  const texts = samples.flatMap((sample) => [sample, ...base64In(sample), unquoted(sample)]);
  const found = texts.flatMap(
    (text) =>
      Buffer.from(text, 'latin1')
        .toString('utf8')
        .match(/[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/g) ?? [],
  );
  return new Set(found.map((word) => word.toLowerCase().replace(/\.$/, '')));
}

function base64In(sample: string): string[] {
  const blocks = sample.match(/(?:[A-Za-z0-9+/]{60,}={0,2}\r\n)+(?:[A-Za-z0-9+/]+={0,2}\r\n)?/g) ?? [];
  return blocks.map((block) => Buffer.from(block, 'base64').toString('latin1'));
}

function unquoted(sample: string): string {
  return sample
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function wrongIn(read: Notification, input: Spliced, known: ReadonlySet<string>): string | undefined {
  if (read.kind === 'unclear') return read.why === '' || read.why.length > 600 ? 'why' : undefined;
  if (read.text.length > 500 || /[\r\n\0]/.test(read.text)) return 'a text that is not one bounded line';
  const { recipient, messageId } = read;
  if ((recipient?.length ?? 0) > 254 || (messageId?.length ?? 0) > 700) return 'too long';
  // Only what has effects on a person may never be made up.
  if (read.kind !== 'complaint' && !(read.kind === 'bounce' && read.class === 'hard')) return undefined;
  for (const id of [recipient, messageId?.slice(1, -1)]) {
    if (id === undefined || known.has(id.toLowerCase()) || isAcrossSeam(id, input)) continue;
    return `${id} stands in no sample`;
  }
  return undefined;
}

/** Whether a seam made the word: then it does stand in what was read. */
function isAcrossSeam(id: string, { text, seams }: Spliced): boolean {
  // As UTF-8, and as what Latin-1 it was read as.
  const meant = [Buffer.from(id).toString('latin1').toLowerCase(), id.toLowerCase()];
  return seams.some((seam) => {
    const around = text.slice(Math.max(0, seam - 400), seam + 400).toLowerCase();
    const at = Math.min(seam, 400);
    if (meant.some((word) => standsAcross(around, word, at))) return true;
    // What was encoded cannot be compared: its letters are not those of the seam.
    return isEncoded(around.slice(0, at)) || isEncoded(around.slice(at));
  });
}

function standsAcross(text: string, word: string, at: number): boolean {
  for (let from = text.indexOf(word); from >= 0; from = text.indexOf(word, from + 1)) {
    if (from <= at && at <= from + word.length) return true;
  }
  return false;
}

function isEncoded(text: string): boolean {
  return /[a-z0-9+/]{50}|=\r?\n|=[0-9a-f]{2}|\\x\{/.test(text);
}
