import type { BenchProgram, BenchStage } from '../stage.ts';
import { type SenderTask, shareOf } from './sender.ts';

export interface SenderFigures {
  /** From the first accepted message to the last. */
  readonly perSecond: number;
  /** Of all its processes, for one message. */
  readonly cpuMs: number;
}

export interface SendersTask extends Omit<SenderTask, 'port'> {
  readonly processes: number;
}

/** Sends by one of the programs of this folder, in several processes that share connections and messages. */
export async function runSenders(
  stage: BenchStage,
  module: string,
  { processes, ...all }: SendersTask,
): Promise<SenderFigures> {
  const receiver = await stage.receiver();
  const programs = Array.from({ length: processes }, () => stage.startProgram(`senders/${module}`));
  try {
    await Promise.all(
      programs.map(async (program, one) => {
        program.send({
          ...all,
          port: receiver.port,
          connections: shareOf(all.connections, one, processes),
          messages: shareOf(all.messages, one, processes),
        } satisfies SenderTask);
        await program.next();
      }),
    );
    await receiver.reset();
    const before = cpuOf(programs);
    for (const program of programs) program.send({ go: true });
    await Promise.all(programs.map(async (program) => await program.next()));
    const used = cpuOf(programs) - before;
    const { messages, firstMs, lastMs } = await receiver.stats();
    return { perSecond: rate(messages, firstMs, lastMs), cpuMs: used / messages };
  } finally {
    await Promise.all(programs.map(async (program) => await program.stop()));
  }
}

/** Messages per second between two moments, milliseconds. */
export function rate(messages: number, fromMs: number, toMs: number): number {
  return (messages * 1_000) / Math.max(1, toMs - fromMs);
}

const cpuOf = (programs: readonly BenchProgram[]) =>
  programs.reduce((sum, program) => sum + program.cpuMs(), 0);
