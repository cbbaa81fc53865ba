import { median } from '../../../src/bench/median.ts';
import { runProgram } from '../../../src/bench/program.ts';
import { startReceiver } from '../../../src/bench/receiver/start-receiver.ts';
import type { OutgoingMessage } from '../../../src/smtp/mail-session.ts';
import { senders } from './senders.ts';

/**
 * CPU time of handing messages over, by turns in one process, to the receiver of `exm bench` in another.
 * `npm run bench:smtp`
 */
const connections = 20;
const rounds = 5;
const messagesPerRound = 20_000;
const sizes = [2_700, 14_500];
/** Not all of them lie in the processor's nearest cache. */
const different = 64;

const receiver = await startReceiver(runProgram('receiver/main.js', [], process.env));

function messagesOf(bytes: number): OutgoingMessage[] {
  const line = `${'The evenings are drawing in, and with them comes the season.'.padEnd(76, ' .')}\r\n`;
  return Array.from({ length: different }, (_, number) => ({
    envelope: { from: 'news@example.com', to: `reader-${number}@example.org` },
    raw: Buffer.from(`Subject: Number ${number}\r\n\r\n${line.repeat(Math.ceil(bytes / line.length))}`),
    encoding: '7bit',
    isCanonical: true,
  }));
}

/** @returns microseconds of this process for one message, in user mode and in the kernel */
async function cpuOf(
  open: (port: number) => ReturnType<(typeof senders)[string]>,
  messages: OutgoingMessage[],
) {
  const lanes = await Promise.all(Array.from({ length: connections }, () => open(receiver.port)));
  let taken = 0;
  const take = () => (taken < messagesPerRound ? messages[taken++ % different] : undefined);
  const before = process.cpuUsage();
  await Promise.all(lanes.map((lane) => lane.run(take)));
  const { user, system } = process.cpuUsage(before);
  for (const lane of lanes) lane.close();
  return (user + system) / messagesPerRound;
}

for (const bytes of sizes) {
  const messages = messagesOf(bytes);
  const all = new Map<string, number[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const [name, open] of Object.entries(senders)) {
      const cpu = await cpuOf(open, messages);
      // The first warms up.
      if (round > 0) all.set(name, [...(all.get(name) ?? []), cpu]);
    }
  }
  process.stdout.write(
    `${bytes / 1_000} KB, ${connections} connections: microseconds of CPU for a message\n`,
  );
  for (const [name, cpu] of all) process.stdout.write(`${median(cpu).toFixed(1).padStart(8)}  ${name}\n`);
}
process.exit(0);
