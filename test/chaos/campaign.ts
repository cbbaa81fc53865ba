import { campaignStatus } from '../../src/campaigns/campaign-status.ts';
import { createCampaign } from '../../src/campaigns/create-campaign.ts';
import { isDispatching, RefusedError, resumeCampaign, startCampaign } from '../../src/client/client.ts';
import type { CampaignDefinition } from '../../src/message/content.ts';
import type { Target, TargetCampaign } from './faults/fault.ts';
import { listOf } from './installation.ts';
import type { PlannedCampaign } from './plan-round.ts';

const template = `<html><body><h1>Hello {{ contact.firstName }}</h1>
<p>News for you: <a href="https://shop.example.com/offer">our offer</a></p>
<p><a href="{{ unsubscribeUrl }}">unsubscribe</a></p></body></html>`;

/** How often the books are looked at. Milliseconds. */
const lookMs = 200;
/** How long a start waits for the primary's answer before the books are looked at again. Milliseconds. */
const startTimeoutMs = 15_000;

/** Creates a campaign, sent from an address of its own. */
export async function createOne(
  { db }: Pick<Target, 'db'>,
  label: string,
  { size, atMostOnce }: PlannedCampaign,
): Promise<TargetCampaign> {
  const from = `${label}@chaos.example.com`;
  const definition: CampaignDefinition = {
    name: label,
    from: { name: 'Chaos', address: from },
    defaultLanguage: 'en',
    bodies: {
      en: {
        subject: 'Hello {{ contact.firstName }}',
        template: { format: 'html', file: 'chaos.html', source: template },
      },
    },
    include: [listOf(size)],
    exclude: [],
    values: {},
    pool: 'default',
    testTo: [],
    goals: [],
    notify: {},
    ...(atMostOnce ? { delivery: 'at-most-once' } : {}),
  };
  const { id } = await createCampaign(db, definition, { by: 'chaos' });
  return { id, from, holds: 0, ends: ['Sent'], atMostOnce };
}

/**
 * Starts a campaign and waits for its end, as an operator would: starts it again where the start was refused because of
 * what is wrong at the moment, and resumes it where nobody holds it.
 *
 * @returns whether it has ended
 */
export async function driveToItsEnd(
  target: Target,
  campaign: TargetCampaign,
  options: { readonly queuePrefix: string | undefined; readonly givenUp: () => boolean },
): Promise<boolean> {
  const client = target.clients[0];
  if (client === undefined) return false;
  const { id } = campaign;
  while (!options.givenUp()) {
    try {
      const status = await campaignStatus(target.db, id);
      if (status.finished) return true;
      if (status.state === 'Draft' && !(await isDispatching(client, id, startTimeoutMs))) {
        await startCampaign(client, id, {
          queuePrefix: options.queuePrefix,
          startedBy: 'chaos',
          timeoutMs: startTimeoutMs,
        });
      } else if (status.subState === 'Paused' && campaign.holds === 0) {
        if (!isExpected(status.reason, target)) target.broken(`${id} was held by itself: ${status.reason}`);
        await resumeCampaign(client, id, { by: 'chaos', reason: 'nobody holds it' });
      }
    } catch (error) {
      if (!(error instanceof RefusedError)) target.failed('drive', error);
    }
    await target.pause(lookMs);
  }
  return false;
}

/** Whether a campaign that is paused is so by us, or by a rule that what was done to it may have met. */
function isExpected(reason: string | null, { mayPauseBy }: Target): boolean {
  return reason === 'chaos' || [...mayPauseBy].some((setting) => reason?.endsWith(`(${setting})`) === true);
}
