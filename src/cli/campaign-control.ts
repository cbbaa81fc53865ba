import { Command } from 'commander';
import { findCampaign } from '../campaigns/find-campaign.ts';
import { cancelCampaign, pauseCampaign, resumeCampaign } from '../client.ts';
import { actor } from './actor.ts';
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
    about: 'end a campaign for good; whoever has not got it is entered as cancelled',
    done: 'is cancelled',
  },
} as const;

export function campaignControlCommand(name: keyof typeof controls): Command {
  const { send, about, done } = controls[name];
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
        await withDatabase(env, `campaign ${name}`, async (db) => await findCampaign(db, id));
        const result = await withClient(
          env,
          async (client) => await send(client, id, { by: actor(), reason }),
        );
        if (result === undefined)
          io.note('No primary worker answers: the request is recorded, and takes effect when one is back.');
        else if (!result.silent && name !== 'resume') {
          io.note(
            'Some batches have not answered yet; "exm server ls" shows whether their dispatchers are alive.',
          );
        }
        io.result(
          { id, [name]: true, inForce: result !== undefined, silent: result?.silent ?? false },
          result === undefined ? `${id}: ${name} is recorded` : `${id} ${done}`,
        );
      }),
    );
}
