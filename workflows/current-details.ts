import { hasStepsLeft, stateInWords } from '../src/domain/campaign-state.ts';
import type { DispatchStatus } from '../src/domain/dispatch.ts';

/** What the Web UI shows of a campaign's workflow under Current Details, in Markdown: what an operator wants to see. */
export function currentDetails(status: DispatchStatus): string {
  const { campaignId, name, state, subState, step, totals, batches, slots, reason } = status;
  const isWaiting = state === 'Sending' && slots === 0 && totals.remaining > 0;
  const isHeldAfterSent = hasStepsLeft(status) && subState === 'Paused';
  return [
    `**${name}** is ${stateInWords(status)}${step === 'None' ? '' : `, step ${step}`}`,
    ...(reason === undefined ? [] : [`Reason: ${reason}`]),
    ...(isHeldAfterSent
      ? [
          `\`exm campaign resume ${campaignId}\` runs that step again; \`exm campaign cancel ${campaignId}\` gives it up, with those of your own that follow.`,
        ]
      : []),
    ...(isWaiting ? ['**No dispatcher is alive.** Start one: `exm worker dedicated-dispatch`'] : []),
    [
      '| queued | sent | failed | skipped | cancelled | in doubt | remaining |',
      '|---|---|---|---|---|---|---|',
      `| ${totals.queued} | ${totals.sent} | ${totals.failed} | ${totals.skipped} | ${totals.cancelled} | ${totals.inDoubt} | ${totals.remaining} |`,
    ].join('\n'),
    `${batches.finished} batches finished, ${batches.running} given out, ${slots} slots alive`,
  ].join('\n\n');
}
