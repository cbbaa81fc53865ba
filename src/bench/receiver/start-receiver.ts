import type { BenchProgram, BenchReceiver, ReceiverStats } from '../stage.ts';
import type { ReceiverRequest } from './main.ts';

/** The mail server of `exm bench`, once its process listens. */
export async function startReceiver(program: BenchProgram): Promise<BenchReceiver> {
  const { port } = await program.next<{ readonly port: number }>();
  let last: Promise<unknown> = Promise.resolve();
  // One after the other: answers come in the order of the questions.
  const ask = async (request: ReceiverRequest): Promise<ReceiverStats> => {
    const asked = last.then(async () => {
      program.send(request);
      return await program.next<ReceiverStats>();
    });
    last = asked.catch(() => undefined);
    return await asked;
  };
  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    stats: async () => await ask({ what: 'stats' }),
    reset: async () => void (await ask({ what: 'reset' })),
    hold: async (held) => void (await ask({ what: 'hold', held })),
    cpuMs: () => program.cpuMs(),
  };
}
