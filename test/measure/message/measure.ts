export interface Measurement {
  readonly messages: number;
  readonly perSecond: number;
  /** CPU time of the whole process for one message. */
  readonly cpuMicroseconds: number;
}

const rounds = 4;
const warmUpMs = 1_000;

/** Composes in turns, so that whatever else the machine does meets both alike. */
export async function measure(
  makers: readonly ((position: number) => Promise<Buffer>)[],
  eachMs: number,
): Promise<Measurement[]> {
  for (const make of makers) await run(make, warmUpMs);
  const sums = makers.map(() => ({ messages: 0, ms: 0, cpu: 0 }));
  for (let round = 0; round < rounds; round++) {
    for (const [index, make] of makers.entries()) {
      const { messages, ms, cpu } = await run(make, eachMs / rounds);
      const sum = sums[index];
      if (sum === undefined) continue;
      sum.messages += messages;
      sum.ms += ms;
      sum.cpu += cpu;
    }
  }
  return sums.map(({ messages, ms, cpu }) => ({
    messages,
    perSecond: messages / (ms / 1_000),
    cpuMicroseconds: cpu / messages,
  }));
}

async function run(make: (position: number) => Promise<Buffer>, forMs: number) {
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  let messages = 0;
  while (performance.now() - begun < forMs) {
    messages++;
    await make(messages);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { messages, ms: performance.now() - begun, cpu: user + system };
}
