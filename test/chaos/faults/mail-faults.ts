import type { Random } from '../../support/random.ts';
import type { MailTrouble } from '../mail-receiver.ts';
import { type Fault, seconds } from './fault.ts';

interface TroubleFault {
  readonly name: string;
  readonly about: string;
  readonly trouble: (random: Random) => MailTrouble;
  readonly fromMs: number;
  readonly toMs: number;
  /** The setting by which a campaign may pause itself for it. */
  readonly pausesBy?: string;
}

/** A mail server that is ill for a while. What its hang-ups may repeat the receiver counts itself. */
function troubleFault({ name, about, trouble, fromMs, toMs, pausesBy }: TroubleFault): Fault {
  return {
    name,
    about,
    plan: (random) => {
      const planned = trouble(random);
      const ms = random.whole(fromMs, toMs);
      const share = 'share' in planned ? `, ${Math.round(planned.share * 100)} %` : '';
      return {
        detail: `${seconds(ms)}${share}`,
        inject: async ({ receiver, pause, mayPauseBy }) => {
          if (pausesBy !== undefined) mayPauseBy.add(pausesBy);
          await receiver.begin(planned);
          try {
            await pause(ms);
          } finally {
            await receiver.end(planned);
          }
          return true;
        },
      };
    },
  };
}

const share = (random: Random, from: number, to: number) => from + random.next() * (to - from);

export const mailFaults: readonly Fault[] = [
  troubleFault({
    name: 'mail-away',
    about: 'the mail server cuts all connections and refuses new ones for a while',
    trouble: () => ({ kind: 'away' }),
    fromMs: 500,
    toMs: 25_000,
  }),
  troubleFault({
    name: 'mail-silent',
    about: 'the mail server reads and answers nothing for a while',
    trouble: () => ({ kind: 'silent' }),
    fromMs: 500,
    toMs: 20_000,
  }),
  troubleFault({
    name: 'mail-busy',
    about: 'the mail server answers MAIL with 421 and hangs up, for a share of the messages',
    trouble: (random) => ({ kind: 'busy', share: share(random, 0.01, 1) }),
    fromMs: 500,
    toMs: 10_000,
  }),
  troubleFault({
    name: 'mail-puts-off',
    about: 'the mail server answers 451 to a share of the recipients',
    trouble: (random) => ({ kind: 'puts-off', share: share(random, 0.05, 1) }),
    fromMs: 500,
    toMs: 10_000,
  }),
  troubleFault({
    name: 'mail-refuses',
    about: 'the mail server answers 550 to a share of the recipients',
    trouble: (random) => ({ kind: 'refuses', share: share(random, 0.05, 0.5) }),
    fromMs: 500,
    toMs: 5_000,
    pausesBy: 'pauseAtBouncePercent',
  }),
  troubleFault({
    name: 'mail-hangs-up',
    about: 'the mail server hangs up in the middle of a share of the messages',
    trouble: (random) => ({ kind: 'hangs-up', share: share(random, 0.01, 0.3) }),
    fromMs: 500,
    toMs: 8_000,
  }),
  troubleFault({
    name: 'mail-hangs-up-unanswered',
    about: 'the mail server receives a share of the messages and hangs up instead of saying so',
    trouble: (random) => ({ kind: 'hangs-up-unanswered', share: share(random, 0.01, 0.3) }),
    fromMs: 500,
    toMs: 8_000,
  }),
  {
    name: 'mail-cuts',
    about: 'the mail server cuts all connections, again and again for a while',
    plan: (random) => {
      const pausesMs = Array.from({ length: random.whole(1, 20) }, () => random.whole(50, 1_500));
      return {
        detail: `${pausesMs.length} times`,
        inject: async ({ receiver, pause }) => {
          for (const ms of pausesMs) {
            receiver.cutConnections();
            await pause(ms);
          }
          return true;
        },
      };
    },
  },
];
