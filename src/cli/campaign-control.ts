import { Command } from 'commander';
import { changeWord, endDispatch, giveUpSteps } from '../campaigns/change-state.ts';
import { findCampaign } from '../campaigns/find-campaign.ts';
import { cancelCampaign, closeCancelled, pauseCampaign, resumeCampaign } from '../client/client.ts';
import type { Environment } from '../config/environment.ts';
import type { Database } from '../db/connect.ts';
import { hasEnded, hasStepsLeft } from '../domain/campaign-state.ts';
import { RefusedError } from '../domain/errors.ts';
import type { ControlRequest, ControlResult } from '../domain/messages.ts';
import { actor } from './actor.ts';
import { needsWorkflow } from './campaign-workflow.ts';
import { action, withGlobalFlags } from './command.ts';
import { withClient, withDatabase } from './connections.ts';

const controls = {
  pause: {
    send: pauseCampaign,
    about: 'hold a campaign; nothing more is handed over within two seconds',
    done: 'is paused',
  },
  resume: { send: resumeCampaign, about: 'let a paused campaign go on', done: 'goes on' },
  cancel: {
    send: cancelCampaign,
    about:
      'end a campaign for good; whoever has not got it is entered as cancelled, and steps that failed after all mail was out are given up',
    done: 'is cancelled',
  },
} as const;

export function campaignControlCommand(name: keyof typeof controls): Command {
  const { about, done } = controls[name];
  return withGlobalFlags(new Command(name))
    .description(about)
    .argument('<id>', 'campaign id')
    .option('--reason <text>', 'why, for the audit trail')
    .addHelpText(
      'after',
      `\nExample:\n  exm campaign ${name} autumn-7k3f --reason "wrong price in the second offer"`,
    )
    .action(
      action<{ reason?: string }>(async ({ io, env }, { reason }, id = '') => {
        await withDatabase(env, `campaign ${name}`, async (db, { queuePrefix }) => {
          const result = await control(db, env, { name, id, queuePrefix }, { by: actor(), reason });
          if (result === undefined)
            io.note('No primary worker answers: the request is recorded, and takes effect when one is back.');
          else if (!result.silent && name !== 'resume') {
            io.note(
              'Some batches have not answered yet; "exm server ls" shows whether their dispatchers are alive.',
            );
          }
          const stepsGivenUp = result?.stepsGivenUp === true;
          const text = stepsGivenUp ? 'is out as a whole; the steps that were left are given up' : done;
          io.result(
            {
              id,
              [name]: true,
              inForce: result !== undefined,
              silent: result?.silent ?? false,
              ...(name === 'cancel' ? { stepsGivenUp } : {}),
            },
            result === undefined ? `${id}: ${name} is recorded` : `${id} ${text}`,
          );
        });
      }),
    );
}

interface Order {
  readonly name: keyof typeof controls;
  readonly id: string;
  readonly queuePrefix: string;
}

async function control(
  db: Database,
  env: Environment,
  order: Order,
  request: ControlRequest,
): Promise<ControlResult | undefined> {
  const { name, id } = order;
  await findCampaign(db, id);
  try {
    return await withClient(env, async (client) => await controls[name].send(client, id, request));
  } catch (error) {
    const isGone = error instanceof RefusedError && error.code === 'CAMPAIGN_NOT_RUNNING';
    if (name !== 'cancel' || !isGone) throw error;
    const campaign = await findCampaign(db, id);
    if (hasStepsLeft(campaign)) return await giveUpStepsLeft(db, id, request);
    const isLeft = needsWorkflow(campaign) || (campaign.word === 'cancel' && !hasEnded(campaign.state));
    if (!isLeft) throw error;
    // Nobody is sent to from this moment on; another run of the workflow enters whoever is left as cancelled.
    const { by = 'unknown', reason: why } = request;
    if (campaign.word !== 'cancel') await changeWord(db, { campaignId: id, word: 'cancel', by, why });
    try {
      return await closeBooks(env, order, request);
    } catch (late) {
      // Somebody has started it meanwhile, and that run may not have seen the cancel.
      if (!(late instanceof RefusedError && late.code === 'CAMPAIGN_RUNNING')) throw late;
      return await withClient(env, async (client) => await controls[name].send(client, id, request));
    }
  }
}

/** Another run of the workflow enters whoever is left as cancelled. */
async function closeBooks(
  env: Environment,
  { id, queuePrefix }: Order,
  { by }: ControlRequest,
): Promise<ControlResult | undefined> {
  const ended = await withClient(
    env,
    async (client) => await closeCancelled(client, id, { queuePrefix, startedBy: by }),
  );
  return ended === undefined ? undefined : { accepted: true, silent: true };
}

/** All mail is out and the workflow is gone: what it had left to do can only be given up. */
async function giveUpStepsLeft(db: Database, id: string, request: ControlRequest): Promise<ControlResult> {
  await giveUpSteps(db, {
    campaignId: id,
    step: null,
    reason: 'steps were left when its workflow was ended from outside, and were given up',
    by: request.by ?? 'unknown',
    why: request.reason,
  });
  await endDispatch(db, id);
  return { accepted: true, silent: true, stepsGivenUp: true };
}
