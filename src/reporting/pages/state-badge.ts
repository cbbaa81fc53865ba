import type { CampaignState, SubState } from '../../domain/campaign-state.ts';
import { type Html, html } from '../../html.ts';

/** A campaign's state as a coloured word. The sub-state stands beside it where it says more. */
export function stateBadge(state: CampaignState, subState: SubState): Html {
  const tells = subState !== 'None' && subState !== state;
  return html`<span class="badge ${colour(state, subState)}">${state}${tells && ` · ${subState}`}</span>`;
}

function colour(state: CampaignState, subState: SubState): string {
  if (subState === 'Paused') return 'held';
  if (state === 'Sent') return 'good';
  return state === 'Queuing' || state === 'Sending' || state === 'Active' ? 'busy' : 'quiet';
}
