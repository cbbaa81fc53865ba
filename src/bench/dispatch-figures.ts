import type { CampaignDefinition } from '../message/content.ts';
import { createBenchCampaign, sendCampaign } from './campaign.ts';
import { rate } from './senders/run-senders.ts';
import type { BenchProcess, BenchStage } from './stage.ts';

/** What one campaign told, per message where it is a cost. */
export interface DispatchFigures {
  readonly messages: number;
  /** Of a message on the wire, on average. */
  readonly bytes: number;
  /** Messages per second from the start of the campaign to Sent. */
  readonly perSecond: number;
  /** Messages per second from the first that was accepted to the last. */
  readonly sendingPerSecond: number;
  /** CPU time of a message, milliseconds; of all dispatchers together. */
  readonly cpuMs: Readonly<Record<'dispatchers' | 'postgres' | 'temporal' | 'primary' | 'receiver', number>>;
}

export interface Senders {
  readonly dispatchers: readonly BenchProcess[];
  readonly primary: BenchProcess;
}

/** Creates a campaign, sends it, and looks at what that took. */
export async function measureCampaign(
  stage: BenchStage,
  definition: CampaignDefinition,
  senders: Senders,
): Promise<DispatchFigures> {
  const receiver = await stage.receiver();
  const id = await createBenchCampaign(stage, definition);
  await receiver.reset();
  const before = await cpuTimes(stage, senders);
  const { startedAt, sentAt } = await sendCampaign(stage, id);
  const after = await cpuTimes(stage, senders);
  const { messages, bytes, firstMs, lastMs } = await receiver.stats();
  const perMessage = (who: keyof DispatchFigures['cpuMs']) => (after[who] - before[who]) / messages;
  return {
    messages,
    bytes: Math.round(bytes / messages),
    perSecond: rate(messages, startedAt, sentAt),
    sendingPerSecond: rate(messages, firstMs, lastMs),
    cpuMs: {
      dispatchers: perMessage('dispatchers'),
      postgres: perMessage('postgres'),
      temporal: perMessage('temporal'),
      primary: perMessage('primary'),
      receiver: perMessage('receiver'),
    },
  };
}

async function cpuTimes(
  stage: BenchStage,
  { dispatchers, primary }: Senders,
): Promise<DispatchFigures['cpuMs']> {
  return {
    ...(await stage.engineCpuMs()),
    dispatchers: dispatchers.reduce((sum, dispatcher) => sum + dispatcher.cpuMs(), 0),
    primary: primary.cpuMs(),
    receiver: (await stage.receiver()).cpuMs(),
  };
}
