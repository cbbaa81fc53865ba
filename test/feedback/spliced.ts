import type { Random } from '../support/random.ts';

/** Samples cut and put together anew. */
export interface Spliced {
  readonly text: string;
  /** Where what stands on both sides does not stand so in any sample. */
  readonly seams: readonly number[];
  /** What was done, to be shown when something is wrong. */
  readonly how: string;
}

type Splice = (samples: readonly string[], random: Random) => Spliced;

const splices: readonly Splice[] = [cut, joined, joinedAtLines, linesOfMany, damaged, repeated];

export function spliced(samples: readonly string[], random: Random): Spliced {
  return random.pick(splices)(samples, random);
}

/** The beginning or the end of one, cut anywhere. */
function cut(samples: readonly string[], random: Random): Spliced {
  const sample = random.pick(samples);
  const at = random.whole(0, sample.length);
  const isEnd = random.chance(0.3);
  return { text: isEnd ? sample.slice(at) : sample.slice(0, at), seams: [], how: `cut ${isEnd} at ${at}` };
}

/** The beginning of one and the end of another, or of the same, cut anywhere. */
function joined(samples: readonly string[], random: Random): Spliced {
  const one = random.pick(samples);
  const other = random.chance(0.3) ? one : random.pick(samples);
  const head = one.slice(0, random.whole(0, one.length));
  return { text: head + other.slice(random.whole(0, other.length)), seams: [head.length], how: 'joined' };
}

function joinedAtLines(samples: readonly string[], random: Random): Spliced {
  const one = linesOf(random.pick(samples));
  const other = linesOf(random.pick(samples));
  const head = one.slice(0, random.whole(0, one.length)).join('');
  const text = head + other.slice(random.whole(0, other.length)).join('');
  return { text, seams: [head.length], how: 'joined at lines' };
}

/** Blocks of lines of up to eight. */
function linesOfMany(samples: readonly string[], random: Random): Spliced {
  let text = '';
  const seams: number[] = [];
  for (let blocks = random.whole(2, 8); blocks > 0; blocks -= 1) {
    const lines = linesOf(random.pick(samples));
    const from = random.whole(0, lines.length);
    text += lines.slice(from, from + random.whole(1, 25)).join('');
    seams.push(text.length);
  }
  return { text, seams, how: 'lines of many' };
}

const damages = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  ' ',
  '\t',
  '<',
  '>',
  '@',
  ':',
  ';',
  '=',
  '--',
  '"',
  '\xff',
  '\x1b',
];

/** Bytes put in or written over. */
function damaged(samples: readonly string[], random: Random): Spliced {
  let text = random.pick(samples);
  const seams: number[] = [];
  for (let times = random.whole(1, 6); times > 0; times -= 1) {
    const at = random.whole(0, text.length);
    const damage = random.pick(damages);
    const over = random.chance(0.5) ? 0 : damage.length;
    text = text.slice(0, at) + damage + text.slice(at + over);
    const shift = damage.length - over;
    for (let each = 0; each < seams.length; each += 1) {
      const seam = seams[each] ?? 0;
      if (seam > at) seams[each] = seam + shift;
    }
    seams.push(at, at + damage.length);
  }
  return { text, seams, how: 'damaged' };
}

/** A block of lines many times. */
function repeated(samples: readonly string[], random: Random): Spliced {
  const lines = linesOf(random.pick(samples));
  const from = random.whole(0, lines.length - 1);
  const to = Math.min(lines.length, from + random.whole(1, 10));
  const block = lines.slice(from, to).join('');
  const head = lines.slice(0, from).join('');
  const times = random.whole(2, random.chance(0.05) ? 400 : 10);
  const seams = Array.from({ length: times }, (_, n) => head.length + (n + 1) * block.length);
  return {
    text: head + block.repeat(times) + lines.slice(to).join(''),
    seams,
    how: `repeated ${times} times`,
  };
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [''];
}
