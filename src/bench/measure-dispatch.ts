import { availableParallelism } from 'node:os';
import {
  addContacts,
  createBenchCampaign,
  emptyDatabase,
  sendCampaign,
  startDispatchers,
  startPrimary,
} from './campaign.ts';
import type { BenchRow, Measurement } from './measurement.ts';
import { newsletter, newsletterHtml } from './newsletters.ts';
import type { BenchStage } from './stage.ts';

const recipients = 50_000;
const connections = 20;
const kilobytes = 1_000;

/** Accepted messages per second of one whole campaign, from `start` to Sent. */
export const dispatch: Measurement = {
  name: 'dispatch',
  about: 'messages per second of a whole campaign, from start to Sent',
  async run(stage) {
    const db = await stage.database();
    await emptyDatabase(db);
    await addContacts(db, stage.size(recipients));
    await startPrimary(stage);
    const count = Math.max(2, availableParallelism());
    const dispatchers = await startDispatchers(stage, count, { threads: Math.ceil(connections / count) });
    try {
      return [await measure(stage, 14.5)];
    } finally {
      await Promise.all(dispatchers.map((dispatcher) => dispatcher.stop()));
    }
  },
};

async function measure(stage: BenchStage, size: number): Promise<BenchRow> {
  const receiver = await stage.receiver();
  const id = await createBenchCampaign(stage, newsletter(newsletterHtml(size * kilobytes, 9)));
  await receiver.reset();
  stage.tell(`Sending ${stage.size(recipients)} messages of ${size} KB`);
  const { startedAt, sentAt } = await sendCampaign(stage, id);
  const { messages } = await receiver.stats();
  return {
    what: `dispatch, ${size} KB`,
    value: messages / ((sentAt - startedAt) / 1_000),
    unit: 'messages/s',
  };
}
