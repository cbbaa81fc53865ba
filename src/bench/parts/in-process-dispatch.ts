import { eq } from 'drizzle-orm';
import { defaultConfigSettings } from '../../config/exm-config.ts';
import { queueMessage } from '../../contacts/audience/queue-message.ts';
import { campaign } from '../../db/schema.ts';
import type { PositionRange } from '../../domain/batch-plan.ts';
import { FailedError } from '../../domain/errors.ts';
import type { CampaignDefinition } from '../../message/content.ts';
import { publishDispatchItems } from '../../message/freeze/deploy.ts';
import { createBenchCampaign } from '../campaign.ts';
import type { DispatchFigures } from '../dispatch-figures.ts';
import { rate } from '../senders/run-senders.ts';
import type { BenchProgram, BenchStage } from '../stage.ts';
import type { DispatchSetting, DispatchTask } from './dispatch-program.ts';

/** Of one campaign: messages per second from the first accepted to the last, and CPU time of a message by process, milliseconds. */
export interface PartFigures {
  readonly perSecond: number;
  readonly cpuMs: Partial<DispatchFigures['cpuMs']>;
}

const batchSize = 5_000;

/** Dispatchers that send without Temporal, and without what else they are told to do without. */
export class InProcessDispatch {
  readonly #stage: BenchStage;
  readonly #programs: readonly BenchProgram[];

  private constructor(stage: BenchStage, programs: readonly BenchProgram[]) {
    this.#stage = stage;
    this.#programs = programs;
  }

  static async start(
    stage: BenchStage,
    { processes, threads }: { readonly processes: number; readonly threads: number },
  ): Promise<InProcessDispatch> {
    const env = await stage.environment();
    const { url: smtpUrl } = await stage.receiver();
    const programs = Array.from({ length: processes }, (_, index) => {
      const program = stage.startProgram('parts/dispatch-program.js');
      program.send({ env, name: `alone-${index + 1}`, smtpUrl, threads } satisfies DispatchSetting);
      return program;
    });
    await Promise.all(programs.map(async (program) => await program.next()));
    return new InProcessDispatch(stage, programs);
  }

  /** Queues a campaign as its workflow would, and sends the whole of it, or so much. */
  async send(
    definition: CampaignDefinition,
    without: DispatchTask['without'],
    maximum = Number.POSITIVE_INFINITY,
  ): Promise<PartFigures> {
    const { queued, ...content } = await this.#queue(definition);
    const wanted = Math.min(queued, maximum);
    const batches = cut(wanted, this.#programs.length);
    const tasks = this.#programs.map(
      (_, one): DispatchTask => ({
        ...content,
        without,
        batches: batches.filter(({ batch }) => batch % this.#programs.length === one),
      }),
    );
    await this.#each((program, one) => program.send(tasks[one]));
    const receiver = await this.#stage.receiver();
    await receiver.reset();
    const before = await this.#cpuMs();
    await this.#each((program) => program.send({ go: true }));
    const after = await this.#cpuMs();
    // They are ready for the next campaign.
    await this.#each(() => undefined);
    const { messages, firstMs, lastMs } = await receiver.stats();
    if (messages !== wanted) {
      throw new FailedError('BENCH_CAMPAIGN', 'A campaign of the bench was not sent to everybody.', {
        field: content.campaignId,
        value: { wanted, messages },
        hint: 'The figures would mean nothing. Please report it.',
      });
    }
    const perMessage = (who: keyof typeof after) => (after[who] - before[who]) / messages;
    return {
      perSecond: rate(messages, firstMs, lastMs),
      cpuMs: {
        dispatchers: perMessage('dispatchers'),
        postgres: perMessage('postgres'),
        receiver: perMessage('receiver'),
      },
    };
  }

  async stop(): Promise<void> {
    for (const program of this.#programs) program.send({ end: true });
    await Promise.all(this.#programs.map(async (program) => await program.stop()));
  }

  async #queue(definition: CampaignDefinition) {
    const db = await this.#stage.database();
    const { EXM_BASE_URL = '' } = await this.#stage.environment();
    const campaignId = await createBenchCampaign(this.#stage, definition);
    const { undeliveredMaximum, checkSuppressionList } = defaultConfigSettings;
    const languages = Object.keys(definition.bodies);
    const { defaultLanguage } = definition;
    const given = { undeliveredMaximum, checkSuppressionList, languages, defaultLanguage };
    const { queued } = await queueMessage(db, campaignId, given);
    const { hash: contentHash } = await publishDispatchItems(db, campaignId, EXM_BASE_URL);
    await db.update(campaign).set({ state: 'Sending' }).where(eq(campaign.id, campaignId));
    return { campaignId, contentHash, queued };
  }

  /** Tells all of them something, and waits until each has answered. */
  async #each(tell: (program: BenchProgram, one: number) => void): Promise<void> {
    await Promise.all(
      this.#programs.map(async (program, one) => {
        tell(program, one);
        await program.next();
      }),
    );
  }

  async #cpuMs() {
    const { postgres } = await this.#stage.engineCpuMs();
    return {
      dispatchers: this.#programs.reduce((sum, program) => sum + program.cpuMs(), 0),
      postgres,
      receiver: (await this.#stage.receiver()).cpuMs(),
    };
  }
}

/** The positions of a queue in batches, which number from 1; at least one for each process. */
function cut(queued: number, processes: number): { readonly batch: number; readonly range: PositionRange }[] {
  const size = Math.min(batchSize, Math.ceil(queued / processes));
  return Array.from({ length: Math.ceil(queued / size) }, (_, index) => ({
    batch: index + 1,
    range: { first: index * size + 1, last: Math.min(queued, (index + 1) * size) },
  }));
}
