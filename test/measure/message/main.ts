import { cases, composers } from './composers.ts';
import { type Measurement, measure } from './measure.ts';

/**
 * Composed messages per second, in one run: nodemailer's MailComposer, with nodemailer's DKIM, against the message engine.
 * `npm run bench:message -- [--json] [--seconds N]`
 */
async function main(): Promise<void> {
  const { json, seconds } = readOptions(process.argv.slice(2));
  const rows: Row[] = [];
  for (const one of cases) {
    const { mailComposer, skeleton } = composers(one);
    const [before, now] = await measure([mailComposer, skeleton], seconds * 1_000);
    if (before === undefined || now === undefined) throw new Error('nothing was measured');
    rows.push({
      ...one,
      mailComposer: before,
      skeleton: now,
      ratio: before.cpuMicroseconds / now.cpuMicroseconds,
    });
    if (!json) process.stderr.write('.');
  }
  process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : `\n${table(rows)}\n`);
}

interface Row {
  readonly kilobytes: number;
  readonly slots: number;
  readonly dkim: boolean;
  readonly mailComposer: Measurement;
  readonly skeleton: Measurement;
  /** CPU time of the one by CPU time of the other. */
  readonly ratio: number;
}

function readOptions(args: readonly string[]): { json: boolean; seconds: number } {
  const at = args.indexOf('--seconds');
  const seconds = at < 0 ? 1 : Number(args[at + 1]);
  const known = new Set(['--json', '--seconds', ...(at < 0 ? [] : [String(args[at + 1])])]);
  const strange = args.find((arg) => !known.has(arg));
  if (strange !== undefined || !(seconds > 0 && seconds <= 60)) {
    process.stderr.write(
      `${strange === undefined ? '--seconds must be a number above 0, 60 at most' : `"${strange}" is not known`}: npm run bench:message -- [--json] [--seconds N]\n`,
    );
    process.exit(2);
  }
  return { json: args.includes('--json'), seconds };
}

function table(rows: readonly Row[]): string {
  const columns = ['HTML', 'slots', 'DKIM', 'MailComposer/s', 'engine/s', 'MailComposer', 'engine', 'times'];
  const body = rows.map(({ kilobytes, slots, dkim, mailComposer, skeleton, ratio }) => [
    `${kilobytes} KB`,
    String(slots),
    dkim ? 'yes' : 'no',
    Math.round(mailComposer.perSecond).toLocaleString('en'),
    Math.round(skeleton.perSecond).toLocaleString('en'),
    `${Math.round(mailComposer.cpuMicroseconds).toLocaleString('en')} us`,
    `${skeleton.cpuMicroseconds.toFixed(1)} us`,
    ratio.toFixed(1),
  ]);
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...body.map((row) => row[at]?.length ?? 0)),
  );
  const line = (row: readonly string[]) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  ');
  return [
    line(columns),
    ...body.map(line),
    '',
    'Per second: on one event loop, by the clock. us: CPU time of the process for one message; times: its ratio.',
  ].join('\n');
}

await main();
