import { randomBytes } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect } from 'vitest';
import { createCampaign } from '../../src/campaigns/create-campaign.ts';
import {
  type ControlRequest,
  type ControlResult,
  cancelCampaign,
  campaignStatus as dispatchStatus,
  pauseCampaign,
  resumeCampaign,
  type StartedCampaign,
  startCampaign,
} from '../../src/client/client.ts';
import type { CampaignState, DispatchWord, SubState } from '../../src/domain/campaign-state.ts';
import { auditedTotals } from '../../src/reporting/totals.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { definition } from '../message/fixtures.ts';
import type { CampaignFixture } from './campaign-fixture.ts';
import { waitFor } from './wait-for.ts';

export const controls = ['start', 'pause', 'resume', 'cancel'] as const;
export type Control = (typeof controls)[number];

export interface CampaignWords {
  readonly state: CampaignState;
  readonly subState: SubState;
  readonly word: DispatchWord;
  readonly reason: string | null;
}

export interface AuditEntry {
  readonly actor: string;
  readonly what: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly why: string | null;
}

/** What tests need that steer campaigns by programs, many of them in a short time. */
export function useSteering(fixture: CampaignFixture) {
  let client: Client;
  const subjects = new Map<string, string>();
  beforeAll(async () => {
    client = await connectClient(fixture.installation.env);
  });
  afterAll(async () => await client?.connection.close());

  const query = async (text: string, values: unknown[] = []) =>
    (await fixture.installation.database.db.$client.query(text, values)).rows;
  const workflow = (id: string): WorkflowHandle => client.workflow.getHandle(`campaign/${id}`);

  const words = async (id: string): Promise<CampaignWords> =>
    (await query('select state, sub_state as "subState", word, reason from campaign where id = $1', [id]))[0];
  const audit = async (id: string): Promise<AuditEntry[]> =>
    await query(
      'select actor, what, "from", "to", why from campaign_audit where campaign_id = $1 order by id',
      [id],
    );

  /** Addresses that the mail server took this campaign's message for, as often as it did. */
  const received = (id: string): string[] => {
    const header = `\r\nSubject: ${subjects.get(id)}\r\n`;
    return fixture.receiver.messages
      .filter(({ raw }) => raw.subarray(0, 4_000).toString('latin1').includes(header))
      .flatMap(({ to }) => to)
      .sort();
  };

  return {
    query,
    workflow,
    words,
    audit,

    /** A Draft for the people of a list. */
    async draft(list: string, change: { readonly pool?: string } = {}): Promise<string> {
      const subject = `subject-${randomBytes(6).toString('hex')}`;
      const { db } = fixture.installation.database;
      const { id } = await createCampaign(db, definition({ subject, include: [list], ...change }));
      subjects.set(id, subject);
      return id;
    },

    async control(
      name: Control,
      id: string,
      request: ControlRequest = {},
    ): Promise<ControlResult | StartedCampaign | undefined> {
      if (name === 'start') {
        const { EXM_QUEUE_PREFIX: queuePrefix } = fixture.installation.env;
        return await startCampaign(client, id, { queuePrefix, startedBy: request.by, timeoutMs: 60_000 });
      }
      const send = { pause: pauseCampaign, resume: resumeCampaign, cancel: cancelCampaign }[name];
      return await send(client, id, request);
    },

    received,

    /** Waits for a state, in EXM's words. */
    async untilState(id: string, state: CampaignState, subState?: SubState): Promise<void> {
      await waitFor(
        async () => {
          const now = await words(id);
          return now.state === state && (subState === undefined || now.subState === subState);
        },
        { describe: `${id} to be ${state} ${subState ?? ''}` },
      );
    },

    /**
     * What the audit trail says of a campaign leads to what its row says, and the workflow, where it runs, says the same.
     */
    async expectExplained(id: string): Promise<void> {
      // In one statement: what changes between two readings would look like a mixture.
      const [row] = await query(
        `select state, word, (select json_agg(a order by a.id) from campaign_audit a where a.campaign_id = c.id) as trail
           from campaign c where id = $1`,
        [id],
      );
      let state = 'Draft';
      let word = 'go';
      for (const { what, from, to } of (row.trail ?? []) as AuditEntry[]) {
        if (what === 'state') {
          if (from !== null) expect(from).toBe(state);
          state = to ?? '';
        } else if (what === 'dispatch') {
          expect(from).toBe(word);
          word = to ?? '';
        } else if (what === 'steps') word = 'go';
      }
      expect({ state, word }).toEqual({ state: row.state, word: row.word });
      if ((await workflow(id).describe()).status.name !== 'RUNNING') return;
      const { subState } = await dispatchStatus(client, id);
      expect(subState === 'Paused').toBe(row.word === 'pause');
      expect(subState === 'Cancelled').toBe(row.word === 'cancel');
    },

    /**
     * A campaign that has ended: everybody has exactly one outcome, nobody was mailed twice, whoever is entered as sent
     * was mailed and nobody else, and the workflow's own counts are those of the books.
     */
    async expectClosedBooks(id: string): Promise<void> {
      const totals = await auditedTotals(fixture.installation.database.db, id);
      expect(totals.remaining).toBe(0);
      const sum = totals.sent + totals.failed + totals.skipped + totals.cancelled + totals.inDoubt;
      expect(sum).toBe(totals.queued);
      const result = await workflow(id).result();
      const row = await words(id);
      expect(result).toMatchObject({ state: row.state, totals });
      const entered = await query(
        `select c.email from dispatch_outcome o join contact c on c.id = o.contact_id
          where o.campaign_id = $1 and o.kind = 'sent'`,
        [id],
      );
      expect(received(id)).toEqual(entered.map(({ email }) => email).sort());
      const batches = await query(
        `select coalesce(sum(sent), 0)::int as sent, coalesce(sum(failed), 0)::int as failed,
                coalesce(sum(skipped), 0)::int as skipped
           from dispatch_batch where campaign_id = $1`,
        [id],
      );
      expect(batches[0]).toEqual({ sent: totals.sent, failed: totals.failed, skipped: totals.skipped });
    },
  };
}

export type Steering = ReturnType<typeof useSteering>;
