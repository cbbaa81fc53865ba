import { warmUp, warmUpMaximum } from './campaign.ts';
import { measureCampaign, type Senders } from './dispatch-figures.ts';
import type { BenchRow, Measurement } from './measurement.ts';
import { median } from './median.ts';
import { newsletter, newsletterHtml } from './newsletters.ts';
import type { DispatchTask } from './parts/dispatch-program.ts';
import { InProcessDispatch, type PartFigures } from './parts/in-process-dispatch.ts';
import type { BenchStage } from './stage.ts';
import { withDispatchers } from './with-dispatchers.ts';

const recipients = 50_000;
const messageBytes = 14_500;
const links = 9;
/** Each second one the other way round, so that no variant gains by coming last. */
const rounds = 4;
const roundsOfFew = 2;
/** Of the rate without ledger, contacts and Temporal, so much is left with them. */
const shareMinimum = 0.85;
/** Where --check gives up: a small campaign has little to spread over what it costs once. */
const shareFar = 0.1;

const definition = newsletter(newsletterHtml(messageBytes, links));

interface Variant {
  readonly what: string;
  /** Undefined: a campaign as it is, with Temporal. */
  readonly without?: DispatchTask['without'];
}

const asItIs: Variant = { what: 'as it is' };
const withoutAll: Variant = { what: 'without all three', without: { ledger: true, contacts: true } };
const variants: readonly Variant[] = [
  asItIs,
  { what: 'without Temporal', without: {} },
  { what: 'without Temporal and ledger', without: { ledger: true } },
  { what: 'without Temporal and contacts', without: { contacts: true } },
  withoutAll,
];

/** What ledger, contacts and Temporal cost, by sending the same campaign with each of them doing nothing. */
export const parts: Measurement = {
  name: 'parts',
  about: 'what ledger, contacts and Temporal cost: the same campaign with each of them doing nothing',
  async run(stage) {
    return await withDispatchers(
      stage,
      stage.size(recipients),
      async ({ processes, threads, ...senders }) => {
        const alone = await InProcessDispatch.start(stage, { processes, threads });
        try {
          await warmUp(stage);
          await alone.send(definition, {}, warmUpMaximum);
          return rowsOf(await measureByTurns(stage, senders, alone));
        } finally {
          await alone.stop();
        }
      },
    );
  },
};

async function measureByTurns(
  stage: BenchStage,
  senders: Senders,
  alone: InProcessDispatch,
): Promise<Map<Variant, PartFigures[]>> {
  const figures = new Map<Variant, PartFigures[]>(variants.map((variant) => [variant, []]));
  const count = stage.size(recipients) < recipients ? roundsOfFew : rounds;
  for (let round = 1; round <= count; round++) {
    for (const variant of round % 2 === 1 ? variants : variants.toReversed()) {
      stage.tell(`Sending ${variant.what}, round ${round} of ${count}`);
      const measured =
        variant.without === undefined
          ? await measureAsItIs(stage, senders)
          : await alone.send(definition, variant.without);
      figures.get(variant)?.push(measured);
    }
  }
  return figures;
}

async function measureAsItIs(stage: BenchStage, senders: Senders): Promise<PartFigures> {
  const { sendingPerSecond, cpuMs } = await measureCampaign(stage, definition, senders);
  return { perSecond: sendingPerSecond, cpuMs };
}

function rowsOf(figures: ReadonlyMap<Variant, readonly PartFigures[]>): BenchRow[] {
  const rateOf = (variant: Variant) => median((figures.get(variant) ?? []).map(({ perSecond }) => perSecond));
  const whole = rateOf(asItIs);
  const rows = variants.map((variant): BenchRow => {
    const value = rateOf(variant);
    const reached = `of which the campaign as it is reaches ${Math.round((100 * whole) / value)} %; `;
    const cpu = cpuText((figures.get(variant) ?? []).map(({ cpuMs }) => cpuMs));
    return {
      what: variant.what,
      value,
      unit: 'messages/s',
      note: variant === asItIs ? `${cpu}, from start to Sent` : reached + cpu,
    };
  });
  const without = rateOf(withoutAll);
  return [
    ...rows,
    {
      what: 'all three together',
      value: whole,
      unit: 'messages/s',
      against: { what: 'the same without them', value: without },
      ratio: whole / without,
      goal: { of: 'ratio', atLeast: shareMinimum, farFrom: shareFar },
    },
  ];
}

const processes = {
  dispatchers: 'dispatchers',
  postgres: 'PostgreSQL',
  temporal: 'Temporal',
  primary: 'primary',
  receiver: 'receiver',
} as const satisfies Record<keyof PartFigures['cpuMs'], string>;

/** "142 µs of CPU a message: dispatchers 85, PostgreSQL 20, receiver 12", of medians. */
function cpuText(rounds: readonly PartFigures['cpuMs'][]): string {
  const costs = Object.entries(processes).flatMap(([key, name]) => {
    const microseconds = 1_000 * median(rounds.map((cpuMs) => cpuMs[key as keyof typeof processes] ?? 0));
    return microseconds > 0 ? [{ name, microseconds }] : [];
  });
  const all = costs.reduce((sum, { microseconds }) => sum + microseconds, 0);
  const each = costs.map(({ name, microseconds }) => `${name} ${Math.round(microseconds)}`);
  return `${Math.round(all)} µs of CPU a message: ${each.join(', ')}`;
}
