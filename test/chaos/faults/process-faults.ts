import type { Random } from '../../support/random.ts';
import { repeatsOfLostDispatcher, repeatsOfTakenDispatcher } from './bounds.ts';
import { type Fault, type PlannedFault, seconds, type Target } from './fault.ts';

/** Temporal gives a batch to another when it has not heard of its dispatcher for so long. Milliseconds. */
const heartbeatTimeoutMs = 10_000;
const engines = ['postgres', 'temporal'] as const;
const pageWorkers = ['content-delivery', 'reporting'] as const;
const otherWorkers = ['primary', 'processing', ...pageWorkers] as const;

const isDispatcher = (target: Target, name: string) => target.dispatchers.includes(name);

/** A dispatcher by its number; it counts from 1. */
const dispatcherOf = (target: Target, number: number) =>
  target.dispatchers[(number - 1) % target.dispatchers.length] ?? '';

async function kill(target: Target, names: readonly string[]): Promise<boolean> {
  const killed = names.filter((name) => target.parts.signal(name, 'SIGKILL'));
  for (const name of killed) {
    if (isDispatcher(target, name)) target.excuse(repeatsOfLostDispatcher, `${name} was killed`);
  }
  return killed.length > 0;
}

function excuseTaken({ dispatchers, excuse }: Target): void {
  for (const name of dispatchers) excuse(repeatsOfTakenDispatcher, `${name} was out of touch with Temporal`);
}

/** Waits until the part has been started (again). @returns whether it was, before the run was ended */
async function untilThere(target: Target, name: string): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 200) {
    if (target.parts.pid(name) !== undefined) return true;
    if (target.isOver()) return false;
    await target.pause(200);
  }
  return false;
}

const killDispatcher: Fault = {
  name: 'kill-dispatcher',
  about: 'kill -9 of a dispatcher',
  weight: 2,
  plan: (random) => {
    const number = random.whole(1, 8);
    return {
      detail: `number ${number}`,
      inject: async (target) => await kill(target, [dispatcherOf(target, number)]),
    };
  },
};

const killDispatcherAgain: Fault = {
  name: 'kill-dispatcher-again',
  about: 'kill -9 of a dispatcher, and again as soon as it has been started again for a moment',
  plan: (random) => {
    const number = random.whole(1, 8);
    const pausesMs = Array.from({ length: random.whole(2, 4) }, () => random.whole(300, 4_000));
    return {
      detail: `number ${number}, ${pausesMs.length} times`,
      inject: async (target) => {
        const name = dispatcherOf(target, number);
        let done = false;
        for (const ms of pausesMs) {
          if (!(await untilThere(target, name)) || target.isOver()) break;
          done = (await kill(target, [name])) || done;
          await target.pause(ms);
        }
        return done;
      },
    };
  },
};

const killPrimary: Fault = {
  name: 'kill-primary',
  about: 'kill -9 of the primary',
  weight: 2,
  plan: () => ({ detail: '', inject: async (target) => await kill(target, ['primary']) }),
};

const killOtherWorker: Fault = {
  name: 'kill-other-worker',
  about: 'kill -9 of processing, content-delivery or reporting',
  plan: (random) => {
    const name = random.pick(otherWorkers.slice(1));
    return { detail: name, inject: async (target) => await kill(target, [name]) };
  },
};

const killAllWorkers: Fault = {
  name: 'kill-all-workers',
  about: 'kill -9 of all workers at once',
  plan: () => ({
    detail: '',
    inject: async (target) => await kill(target, [...target.dispatchers, ...otherWorkers]),
  }),
};

const killTemporal: Fault = {
  name: 'kill-temporal',
  about: 'kill -9 of the Temporal server',
  plan: () => ({
    detail: '',
    inject: async (target) => {
      if (!(await kill(target, ['temporal']))) return false;
      excuseTaken(target);
      await untilThere(target, 'temporal');
      return true;
    },
  }),
};

const killPostgres: Fault = {
  name: 'kill-postgres',
  about: 'kill -9 of the PostgreSQL server',
  weight: 2,
  plan: () => ({
    detail: '',
    inject: async (target) => {
      if (!(await kill(target, ['postgres']))) return false;
      await untilThere(target, 'postgres');
      return true;
    },
  }),
};

const restartPostgres: Fault = {
  name: 'restart-postgres',
  about: 'a fast shutdown of PostgreSQL, which is started again',
  plan: () => ({
    detail: '',
    inject: async (target) => {
      if (!target.parts.signal('postgres', 'SIGINT')) return false;
      await untilThere(target, 'postgres');
      return true;
    },
  }),
};

const stopWorker: Fault = {
  name: 'stop-worker',
  about: 'SIGTERM to a worker, which is started again',
  weight: 2,
  plan: (random) => {
    const number = random.whole(1, 8);
    const name = random.chance(0.5) ? undefined : random.pick(otherWorkers);
    return {
      detail: name ?? `dispatcher number ${number}`,
      inject: async (target) => target.parts.signal(name ?? dispatcherOf(target, number), 'SIGTERM'),
    };
  },
};

const rollingRestart: Fault = {
  name: 'rolling-restart',
  about: 'SIGTERM to one dispatcher after the other, each when the one before is back',
  plan: (random) => {
    const pauseMs = random.whole(200, 2_000);
    return {
      detail: `${seconds(pauseMs)} apart`,
      inject: async (target) => {
        let done = false;
        for (const name of target.dispatchers) {
          if (target.isOver()) break;
          const before = target.parts.pid(name);
          done = target.parts.signal(name, 'SIGTERM') || done;
          for (let waitedMs = 0; target.parts.pid(name) === before && waitedMs < 30_000; waitedMs += 100)
            await target.pause(100);
          await untilThere(target, name);
          await target.pause(pauseMs);
        }
        return done;
      },
    };
  },
};

/** SIGSTOP for a while, then SIGCONT. */
async function freeze(target: Target, name: string, ms: number): Promise<boolean> {
  const thaw = target.parts.freeze(name);
  if (thaw === undefined) return false;
  try {
    await target.pause(ms);
  } finally {
    thaw();
  }
  return true;
}

function freezing(random: Random, nameOf: (target: Target) => string, fromMs: number, toMs: number) {
  const ms = random.whole(fromMs, toMs);
  return {
    detail: seconds(ms),
    inject: async (target: Target) => {
      const name = nameOf(target);
      if (!(await freeze(target, name, ms))) return false;
      if (name === 'temporal') {
        if (ms > heartbeatTimeoutMs / 2) excuseTaken(target);
      } else if (isDispatcher(target, name) && ms > heartbeatTimeoutMs / 2) {
        target.excuse(repeatsOfLostDispatcher, `${name} was frozen past its lease`);
      }
      return true;
    },
  } satisfies Omit<PlannedFault, 'name'>;
}

const freezeDispatcher: Fault = {
  name: 'freeze-dispatcher',
  about: 'SIGSTOP of a dispatcher for longer than its lease, then SIGCONT',
  weight: 2,
  plan: (random) => {
    const number = random.whole(1, 8);
    return freezing(random, (target) => dispatcherOf(target, number), 11_000, 18_000);
  },
};

const freezeWorkerBriefly: Fault = {
  name: 'freeze-worker-briefly',
  about: 'SIGSTOP of a worker for a few seconds, then SIGCONT',
  plan: (random) => {
    const number = random.whole(1, 8);
    const name = random.chance(0.5) ? undefined : random.pick(otherWorkers);
    return freezing(random, (target) => name ?? dispatcherOf(target, number), 500, 7_000);
  },
};

const freezePrimary: Fault = {
  name: 'freeze-primary',
  about: 'SIGSTOP of the primary for longer than its leases, then SIGCONT',
  plan: (random) => freezing(random, () => 'primary', 11_000, 18_000),
};

const freezeEngine: Fault = {
  name: 'freeze-engine',
  about: 'SIGSTOP of PostgreSQL or Temporal with all their processes, as a network that lets nothing through',
  weight: 3,
  plan: (random) => {
    const name = random.pick(engines);
    const planned = freezing(random, () => name, 1_000, 20_000);
    return { ...planned, detail: `${name}, ${planned.detail}` };
  },
};

export const processFaults: readonly Fault[] = [
  killDispatcher,
  killDispatcherAgain,
  killPrimary,
  killOtherWorker,
  killAllWorkers,
  killTemporal,
  killPostgres,
  restartPostgres,
  stopWorker,
  rollingRestart,
  freezeDispatcher,
  freezeWorkerBriefly,
  freezePrimary,
  freezeEngine,
];
