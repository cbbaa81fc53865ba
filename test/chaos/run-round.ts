import { createOne, driveToItsEnd } from './campaign.ts';
import { repeatsOfLostAnswer } from './faults/bounds.ts';
import type { Target, TargetCampaign } from './faults/fault.ts';
import type { ChaosInstallation } from './installation.ts';
import type { MailReceiver } from './mail-receiver.ts';
import { judge } from './oracle.ts';
import type { People } from './people.ts';
import { type PlannedRound, recipientsOf, type TimedFault } from './plan-round.ts';
import { readBooks } from './read-books.ts';
import { setSleep } from './set-sleep.ts';

/** How long a round may go on after its last fault before its campaigns count as stuck. Milliseconds. */
const endLimitMs = 300_000;
/** What a process that was frozen had on the wire arrives within this time after it goes on, and of others at once. Milliseconds. */
const settleMs = { frozen: 5_000, others: 1_000 };
/** Somebody who says no may still get what was handed over before the group was read again. Milliseconds. */
const noLimitMs = 5_000;
const lookMs = 20;

export interface RoundResult {
  readonly number: number;
  readonly campaigns: readonly string[];
  readonly ms: number;
  /** Messages that were received. */
  readonly received: number;
  readonly missing: number;
  readonly repeated: number;
  /** Outcomes `in doubt`, of campaigns that mail nobody twice. */
  readonly inDoubt: number;
  /** As many repeats as the faults of this round may cause. */
  readonly allowed: number;
  readonly excuses: readonly string[];
  readonly broken: readonly string[];
  /** Faults that were done, and those that came too late or met nobody. */
  readonly done: readonly string[];
  readonly notDone: readonly string[];
  /** From the end of a fault until the next message was received, or the campaigns had ended. */
  readonly recoveries: readonly { readonly fault: string; readonly ms: number }[];
  /** Requests of ours that failed, which the faults may have caused. */
  readonly failures: readonly string[];
  readonly isStuck: boolean;
}

export interface RoundContext {
  readonly installation: ChaosInstallation;
  readonly receiver: MailReceiver;
  readonly people: People;
  readonly pause: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Sends the campaigns of a round while its faults happen, waits for their end, and compares the books with what was received. */
export async function runRound(context: RoundContext, planned: PlannedRound): Promise<RoundResult> {
  const { installation, receiver, people, pause, signal } = context;
  const startedAt = Date.now();
  const receivedBefore = receiver.received;
  const unansweredBefore = receiver.leftUnanswered;
  const broken: string[] = [];
  const failures: string[] = [];
  const excuses: { repeats: number; because: string }[] = [];
  const campaigns: TargetCampaign[] = [];
  let ended = false;
  const target: Target = {
    parts: installation.parts,
    dispatchers: installation.dispatchers,
    receiver,
    db: installation.db,
    clients: installation.clients,
    campaigns,
    people,
    controlling: 0,
    isOver: () => ended,
    pause,
    excuse: (repeats, because) => excuses.push({ repeats, because }),
    mayPauseBy: new Set(),
    broken: (promise) => {
      if (!broken.includes(promise)) broken.push(promise);
    },
    failed: (request, error) => failures.push(`${request}: ${describe(error)}`),
  };

  await retrying(context, async () => await installation.renewLists());
  await retrying(context, async () => await setSleep(target.db, target.dispatchers, planned.sleepMs));
  for (const [index, campaign] of planned.campaigns.entries()) {
    const label = `c${planned.number}-${index + 1}`;
    await retrying(context, async () => {
      campaigns.push(await createOne(target, label, campaign));
    });
  }
  const total = recipientsOf(planned.campaigns);
  let lastFaultAt = Date.now();
  const isOverdue = () => Date.now() - lastFaultAt > endLimitMs && running.size === 0;
  const running = new Set<TimedFault>();
  const done: { name: string; endedAt: number }[] = [];
  const notDone: string[] = [];
  const doFault = async (fault: TimedFault) => {
    const { at } = fault;
    const isDue = () =>
      'ms' in at
        ? Date.now() - startedAt >= at.ms
        : receiver.received - receivedBefore >= Math.max(1, at.share * total);
    while (!ended && !signal.aborted && !isDue()) await pause(lookMs);
    if (ended || signal.aborted) {
      notDone.push(fault.name);
      return;
    }
    running.add(fault);
    try {
      if (await fault.inject(target)) done.push({ name: fault.name, endedAt: Date.now() });
      else notDone.push(fault.name);
    } finally {
      running.delete(fault);
      lastFaultAt = Date.now();
    }
  };
  const givenUp = () => signal.aborted || !installation.runs || isOverdue();
  const drives = campaigns.map(
    async (campaign) =>
      await driveToItsEnd(target, campaign, { queuePrefix: installation.queuePrefix, givenUp }),
  );
  const faults = planned.faults.map(doFault);
  const isStuck = (await Promise.all(drives)).includes(false);
  const endedAt = Date.now();
  ended = true;
  await Promise.all(faults);
  await pause(done.some(({ name }) => name.startsWith('freeze-')) ? settleMs.frozen : settleMs.others);
  while (receiver.isReceiving && !signal.aborted) await pause(lookMs);

  const { arrivals } = receiver;
  receiver.arrivals = [];
  if (!installation.runs) broken.push('exm up has ended by itself');
  else if (isStuck && !signal.aborted) broken.push(`not ended ${endLimitMs / 1_000} s after the last fault`);
  let missing = 0;
  let repeated = 0;
  let inDoubt = 0;
  if (!signal.aborted && installation.runs) {
    for (const campaign of campaigns) {
      const own = arrivals
        .filter(({ from }) => from === campaign.from)
        .map((arrival) => ({ ...arrival, to: people.firstOf(arrival.to) }));
      const books = await retrying(context, async () => await readBooks(target.db, campaign.id, people));
      if (books === undefined) continue;
      const findings = judge(books, own, campaign);
      for (const promise of findings.broken) broken.push(`${campaign.id}: ${promise}`);
      missing += findings.missing;
      repeated += findings.repeated;
      inDoubt += findings.inDoubt;
    }
    const late = arrivals.filter(({ from }) => campaigns.every((campaign) => campaign.from !== from));
    if (late.length > 0) broken.push(`${late.length} messages of campaigns that had ended`);
    const unwanted = arrivals.filter(({ to, decidedAt }) => decidedAt > people.noSince(to) + noLimitMs);
    if (unwanted.length > 0)
      broken.push(`${unwanted.length} messages to people who had said no: ${unwanted[0]?.to}`);
  }
  const unanswered = receiver.leftUnanswered - unansweredBefore;
  if (unanswered > 0) {
    excuses.push({
      repeats: unanswered * repeatsOfLostAnswer,
      because: `${unanswered} answers lost with their connection`,
    });
  }
  const allowed = excuses.reduce((sum, { repeats }) => sum + repeats, 0);
  if (repeated > allowed) broken.push(`${repeated} messages repeated, and only ${allowed} excused`);
  return {
    number: planned.number,
    campaigns: campaigns.map(({ id }) => id),
    ms: Date.now() - startedAt,
    received: receiver.received - receivedBefore,
    missing,
    repeated,
    inDoubt,
    allowed,
    excuses: excuses.map(({ repeats, because }) => `${because}: ${repeats}`),
    broken,
    done: done.map(({ name }) => name),
    notDone,
    recoveries: done
      .filter((fault) => fault.endedAt < endedAt)
      .map((fault) => ({
        fault: fault.name,
        ms: (arrivals.find(({ at }) => at >= fault.endedAt)?.at ?? endedAt) - fault.endedAt,
      })),
    failures,
    isStuck,
  };
}

/** What the harness itself needs is asked for again where the database is away. @returns undefined where the run was ended */
async function retrying<T>({ signal, pause }: RoundContext, ask: () => Promise<T>): Promise<T | undefined> {
  const until = Date.now() + endLimitMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) return undefined;
      if (Date.now() > until) throw error;
      await pause(200);
    }
  }
}

function describe(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  if (!(error instanceof Error)) return String(error);
  const inner = root === error ? '' : ` (${(root as Error).message})`;
  return `${error.name}: ${error.message}${inner}`.split('\n')[0]?.slice(0, 300) ?? '';
}
