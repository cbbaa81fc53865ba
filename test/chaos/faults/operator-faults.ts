import { cancelCampaign, pauseCampaign, RefusedError, resumeCampaign } from '../../../src/client/client.ts';
import type { Random } from '../../support/random.ts';
import { setSleep } from '../set-sleep.ts';
import { type Fault, seconds, type Target, type TargetCampaign } from './fault.ts';

/** A pause, a resume and a cancel are effective on every host within this time. Milliseconds. */
const controlLimitMs = 2_000;
const request = { by: 'chaos', reason: 'chaos' };

const controls = { pause: pauseCampaign, resume: resumeCampaign, cancel: cancelCampaign };

/** @returns what was answered; undefined where it was refused, failed or only left for later */
async function control(target: Target, campaign: TargetCampaign, what: keyof typeof controls, by = 0) {
  const client = target.clients[by % target.clients.length];
  if (client === undefined) return undefined;
  try {
    return await controls[what](client, campaign.id, request);
  } catch (error) {
    if (!(error instanceof RefusedError)) target.failed(what, error);
    return undefined;
  }
}

/** Does something during which campaigns may be paused, and lets them go on at the end. */
async function holding(target: Target, work: () => Promise<void>): Promise<boolean> {
  target.controlling++;
  for (const campaign of target.campaigns) campaign.holds++;
  try {
    await work();
  } finally {
    target.controlling--;
    for (const campaign of target.campaigns) {
      campaign.holds--;
      if (campaign.holds === 0) await control(target, campaign, 'resume');
    }
  }
  return true;
}

async function pauseFor(target: Target, campaign: TargetCampaign, ms: number): Promise<void> {
  const answer = await control(target, campaign, 'pause');
  const silentFrom = Date.now() + controlLimitMs;
  const before = target.controlling;
  await target.pause(ms);
  if (answer?.silent !== true || before > 1 || target.controlling > 1) return;
  const during = target.receiver.arrivals.filter(
    ({ from, begunAt }) => from === campaign.from && begunAt > silentFrom,
  );
  if (during.length > 0) {
    const afterMs = Math.max(...during.map(({ begunAt }) => begunAt)) - silentFrom + controlLimitMs;
    target.broken(`${during.length} messages of ${campaign.id} up to ${afterMs} ms after it was paused`);
  }
}

const pauseAndResume: Fault = {
  name: 'pause-and-resume',
  about: 'pause, and resume some seconds later',
  weight: 2,
  plan: (random) => {
    const ms = random.whole(100, 6_000);
    return {
      detail: seconds(ms),
      inject: async (target) =>
        await holding(target, async () => {
          await Promise.all(target.campaigns.map(async (campaign) => await pauseFor(target, campaign, ms)));
        }),
    };
  },
};

const pauseOften: Fault = {
  name: 'pause-often',
  about: 'pause and resume ten times, one right after the other',
  plan: (random) => {
    const pausesMs = Array.from({ length: 10 }, () => random.whole(0, 400));
    return {
      detail: '',
      inject: async (target) =>
        await holding(target, async () => {
          for (const ms of pausesMs) {
            for (const campaign of target.campaigns) await control(target, campaign, 'pause');
            await target.pause(ms);
            for (const campaign of target.campaigns) await control(target, campaign, 'resume', 1);
            await target.pause(ms);
          }
        }),
    };
  },
};

const contend: Fault = {
  name: 'contending-controls',
  about: 'several people pause, resume and change the Sleep at the same time, without knowing of each other',
  plan: (random) => {
    const people = Array.from({ length: random.whole(2, 4) }, () => movesOf(random));
    return {
      detail: people.map((moves) => moves.map(({ what }) => what[0]).join('')).join(' '),
      inject: async (target) =>
        await holding(target, async () => {
          await Promise.all(people.map(async (moves, person) => await make(target, moves, person)));
        }),
    };
  },
};

interface Move {
  readonly what: 'pause' | 'resume' | 'sleep';
  readonly afterMs: number;
  readonly sleepMs: number;
}

function movesOf(random: Random): Move[] {
  return Array.from({ length: random.whole(2, 8) }, () => ({
    what: random.pick(['pause', 'resume', 'resume', 'sleep'] as const),
    afterMs: random.whole(0, 800),
    sleepMs: random.pick([0, 2, 10, 50]),
  }));
}

async function make(target: Target, moves: readonly Move[], person: number): Promise<void> {
  for (const { what, afterMs, sleepMs } of moves) {
    await target.pause(afterMs);
    if (what === 'sleep') await changeSleep(target, target.dispatchers, sleepMs);
    else for (const campaign of target.campaigns) await control(target, campaign, what, person);
  }
}

async function changeSleep(target: Target, names: readonly string[], sleepMs: number): Promise<void> {
  await setSleep(target.db, names, sleepMs).catch((error: unknown) => target.failed('sleep', error));
}

const sleepChange: Fault = {
  name: 'change-sleep',
  about: 'another Sleep for a dispatcher, while it sends',
  plan: (random) => {
    const number = random.whole(1, 8);
    const sleepMs = random.pick([0, 1, 5, 20, 100]);
    return {
      detail: `number ${number}, ${sleepMs} ms`,
      inject: async (target) => {
        const name = target.dispatchers[(number - 1) % target.dispatchers.length] ?? '';
        await changeSleep(target, [name], sleepMs);
        return true;
      },
    };
  },
};

const cancel: Fault = {
  name: 'cancel',
  about: 'cancel of a campaign',
  weight: 0.5,
  plan: (random) => {
    const number = random.whole(0, 1);
    return {
      detail: '',
      inject: async (target) => {
        const campaign = target.campaigns[number % target.campaigns.length];
        if (campaign === undefined) return false;
        // Also where no answer comes: it may be in force all the same.
        campaign.ends = ['Inactive (Cancelled)', 'Sent'];
        return (await control(target, campaign, 'cancel')) !== undefined;
      },
    };
  },
};

export const operatorFaults: readonly Fault[] = [pauseAndResume, pauseOften, contend, sleepChange, cancel];
