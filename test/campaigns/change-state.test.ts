import { asc, eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import {
  backToDraft,
  changeState,
  changeWord,
  endDispatch,
  giveUpSteps,
  letGo,
} from '../../src/campaigns/change-state.ts';
import { campaign, campaignAudit } from '../../src/db/schema.ts';
import type { CampaignState, DispatchWord, SubState } from '../../src/domain/campaign-state.ts';
import { RefusedError } from '../../src/domain/errors.ts';
import { insertCampaign } from '../contacts/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import fc from '../support/fast-check.ts';

const database = useTestDatabase();

/** The states that the dispatch brings about, and which may follow which. */
const mayFollow: Partial<Record<CampaignState, readonly CampaignState[]>> = {
  Draft: ['Draft', 'Queuing', 'Inactive'],
  Queuing: ['Queuing', 'Sending', 'Inactive'],
  Sending: ['Sending', 'Queuing', 'Sent', 'Inactive'],
  Sent: ['Sent'],
  Inactive: ['Inactive'],
};
/** What stands beside each word in a row that does not contradict itself. */
const subStatesOf: Record<DispatchWord, readonly SubState[]> = {
  go: ['None', 'Initialization', 'Queuing', 'Sending', 'Finishing'],
  pause: ['Paused'],
  cancel: ['Cancelled'],
};

interface Row {
  readonly state: CampaignState;
  readonly subState: SubState;
  readonly word: DispatchWord;
  readonly reason: string | null;
}
interface Entry {
  readonly actor: string;
  readonly what: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly why: string | null;
}

const started: Row = { state: 'Draft', subState: 'None', word: 'go', reason: null };

async function read(id: string): Promise<{ row: Row; audit: Entry[] }> {
  const { state, subState, word, reason } = campaign;
  const [row = started] = await database.db
    .select({ state, subState, word, reason })
    .from(campaign)
    .where(eq(campaign.id, id));
  const { actor, what, from, to, why } = campaignAudit;
  const audit = await database.db
    .select({ actor, what, from, to, why })
    .from(campaignAudit)
    .where(eq(campaignAudit.campaignId, id))
    .orderBy(asc(campaignAudit.id));
  return { row, audit };
}

/** What a row says must follow from the audit trail alone, entry after entry. */
function accordingTo(audit: readonly Entry[]): Pick<Row, 'state' | 'word'> {
  let { state, word } = started;
  for (const { what, from, to } of audit) {
    if (what === 'state') {
      expect(from).toBe(state);
      state = to as CampaignState;
    } else if (what === 'dispatch') {
      expect(from).toBe(word);
      expect(to).not.toBe(from);
      word = to as DispatchWord;
    } else if (what === 'steps') word = 'go';
  }
  return { state, word };
}

interface Model {
  row: Row;
  audit: Entry[];
}
type Act = (id: string, by: string) => Promise<unknown>;

/** One thing that a step, a person or a second start does to a campaign's row, in any order. */
class Does implements fc.AsyncCommand<Model, string> {
  constructor(
    private readonly name: string,
    private readonly by: string,
    private readonly act: Act,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: Model, id: string): Promise<void> {
    const before = model.row;
    let refused = false;
    await this.act(id, this.by).catch((error: unknown) => {
      if (!(error instanceof RefusedError)) throw error;
      refused = true;
    });
    const { row, audit } = await read(id);
    // The trail only grows, and every change of state or word is in it, with who made it.
    expect(audit.slice(0, model.audit.length)).toEqual(model.audit);
    const added = audit.slice(model.audit.length);
    for (const { actor } of added) expect(actor).toBe(this.by);
    expect(accordingTo(audit)).toEqual({ state: row.state, word: row.word });
    if (refused) expect({ row, added }).toEqual({ row: before, added: [] });
    expect(mayFollow[before.state]).toContain(row.state);
    expect(subStatesOf[row.word]).toContain(row.subState);
    // A cancel is for good; what is Sent is never cancelled, and whatever is Inactive is.
    if (before.word === 'cancel') expect(row.word).toBe('cancel');
    if (row.state === 'Sent') expect(row.word).not.toBe('cancel');
    if (row.state === 'Inactive') expect(row.word).toBe('cancel');
    // Only what a person can read says why a campaign is held.
    if (row.subState === 'Paused' && before.subState !== 'Paused') expect(row.reason).toBe(this.name);
    model.row = row;
    model.audit = audit;
  }

  toString(): string {
    return `${this.name} by ${this.by}`;
  }
}

const to = (state: CampaignState, subState: SubState): [string, Act] => [
  `to ${state}`,
  async (campaignId, by) => await changeState(database.db, { campaignId, to: state, subState, by }),
];
const word = (change: DispatchWord): [string, Act] => [
  change,
  async (campaignId, by) => await changeWord(database.db, { campaignId, word: change, by, why: change }),
];
const acts: readonly [string, Act][] = [
  to('Queuing', 'Queuing'),
  to('Sending', 'Sending'),
  to('Sent', 'Finishing'),
  to('Inactive', 'Cancelled'),
  word('go'),
  word('pause'),
  word('cancel'),
  ['start', async (campaignId, by) => await letGo(database.db, { campaignId, by })],
  [
    'give up',
    async (campaignId, by) =>
      await giveUpSteps(database.db, { campaignId, step: 'TellCrm', reason: 'given up', by }),
  ],
  ['end', async (campaignId, by) => await endDispatch(database.db, campaignId, by)],
  ['back to Draft', async (campaignId, by) => await backToDraft(database.db, { campaignId, by })],
];
const commands = acts.map(([name, act]) =>
  fc.constantFrom('ann', 'bob', 'exm').map((by) => new Does(name, by, act)),
);

describe('the row of a campaign', () => {
  it('never contradicts itself, makes no illegal transition and is explained by the audit trail, whatever happens to it in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 25 }), async (sequence) => {
        const id = await insertCampaign(database.db, {});
        await fc.asyncModelRun(async () => ({ model: { ...(await read(id)) }, real: id }), sequence);
      }),
      { numRuns: 150 },
    );
  });

  it('stays as one order of them would leave it where all come at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...acts.keys()], { minLength: 2 }), async (chosen) => {
        const id = await insertCampaign(database.db, {});
        const results = await Promise.allSettled(chosen.map((index) => acts[index]?.[1](id, 'ann')));
        for (const result of results) {
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(RefusedError);
        }
        const { row, audit } = await read(id);
        expect(accordingTo(audit)).toEqual({ state: row.state, word: row.word });
        expect(subStatesOf[row.word]).toContain(row.subState);
      }),
      { numRuns: 60 },
    );
  });
});
