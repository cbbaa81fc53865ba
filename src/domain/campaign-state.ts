/** States of a campaign, in EXM's words. */
export const campaignStates = [
  'Draft',
  'ActivationScheduled',
  'DispatchScheduled',
  'Queuing',
  'Sending',
  'Active',
  'Inactive',
  'Sent',
] as const;
export type CampaignState = (typeof campaignStates)[number];

/**
 * What a campaign that is being dispatched is doing at the moment. `Cancelled` is ours: EXM has no word for a
 * dispatch that was ended by a person; such a campaign has this sub-state from the cancel on, and is Inactive once its
 * books are closed. A campaign that is Sent is `Finishing`, or `Paused`, while steps that follow MoveToSent are left.
 */
export const subStates = [
  'None',
  'Initialization',
  'Queuing',
  'Sending',
  'Paused',
  'Finishing',
  'Cancelled',
] as const;
export type SubState = (typeof subStates)[number];

export interface StateAndSubState {
  readonly state: CampaignState;
  readonly subState: SubState;
}

/** Which state a campaign may come from to enter each state that the dispatch moves it to. */
const comesFrom: Partial<Record<CampaignState, readonly CampaignState[]>> = {
  // From Sending: a run that was ended from outside is started again.
  Queuing: ['Draft', 'DispatchScheduled', 'Queuing', 'Sending'],
  Sending: ['Queuing', 'Sending'],
  Sent: ['Sending', 'Sent'],
  Inactive: ['Draft', 'Queuing', 'Sending', 'Active', 'Inactive'],
  Draft: ['Draft', 'DispatchScheduled'],
};

/** The states from which `to` may be entered; a state may always be entered again by a retried step. */
function statesBefore(to: CampaignState): readonly CampaignState[] {
  return comesFrom[to] ?? [];
}

/**
 * What dispatchers must have been told before a dispatch ends so: nothing that is paused or was cancelled becomes Sent, and
 * nothing becomes Inactive that nobody cancelled.
 */
const wordAtTheEnd: Partial<Record<CampaignState, DispatchWord>> = { Sent: 'go', Inactive: 'cancel' };

/** Why a campaign cannot enter a state, in words that follow its name; undefined where it can. */
export function whyNotEnter(
  to: CampaignState,
  { state, word }: { readonly state: CampaignState; readonly word: DispatchWord },
): string | undefined {
  if (!statesBefore(to).includes(state)) return `is ${state} and cannot become ${to}`;
  const expected = wordAtTheEnd[to];
  if (expected === undefined || word === expected) return undefined;
  const is = { go: 'was not cancelled', pause: 'is paused', cancel: 'was cancelled' }[word];
  return `${is} and cannot become ${to}`;
}

/** True where the campaign's dispatch has ended and nothing will change its books any more. */
export function hasEnded(state: CampaignState): boolean {
  return state === 'Sent' || state === 'Inactive';
}

/**
 * True where all mail of a campaign is out and its pipeline still has steps to do: they run (Finishing), or are held
 * by one that failed (Paused).
 */
export function hasStepsLeft({ state, subState }: StateAndSubState): boolean {
  return state === 'Sent' && subState !== 'None';
}

/** True once a campaign has ended for good: nobody is without an outcome, and no step of its pipeline is left. */
export function isFinished(campaign: StateAndSubState): boolean {
  return hasEnded(campaign.state) && !hasStepsLeft(campaign);
}

/** The state in words: `Sending (Paused)`. A sub-state that says nothing more is left out. */
export function stateInWords({ state, subState }: StateAndSubState): string {
  return subState === 'None' || subState === state ? state : `${state} (${subState})`;
}

/** What every dispatcher of a campaign is told with each flush of its outcomes. */
export const dispatchWords = ['go', 'pause', 'cancel'] as const;
export type DispatchWord = (typeof dispatchWords)[number];
