import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** Counts the instructions of processes until it is asked: undefined where `perf` is not installed, or may not. */
export type InstructionCounter = () => Promise<number | undefined>;

/** As long as perf takes to begin, milliseconds. */
const beginsWithinMs = 500;

/** How many instructions are carried out is the same however busy the machine is; CPU time is not. */
export async function countInstructions(pids: readonly number[]): Promise<InstructionCounter> {
  const perf = spawn('perf', ['stat', '-x,', '-e', 'instructions', '-p', pids.join(',')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let report = '';
  perf.stderr.on('data', (chunk) => {
    report += String(chunk);
  });
  const ended = endOf(perf);
  await delay(beginsWithinMs);
  return async () => {
    perf.kill('SIGINT');
    await ended;
    const count = Number(/^(\d+),.*instructions/m.exec(report)?.[1]);
    return Number.isNaN(count) ? undefined : count;
  };
}

async function endOf(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
}
