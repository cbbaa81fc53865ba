import type { BounceClass, BounceDetail } from '../domain/feedback.ts';
import type { Agent } from './classify-agent.ts';

/** Repeats of an event within so long count once (EXM: repeated opens). Milliseconds. */
export const repeatWindowMs = 300_000;

/** What happened, and to which of whose links. Instants are milliseconds since 1970. */
export interface AgentEvent {
  /** EmailOpened, EmailClicked, UnsubscribedFromEmail, Bounce, SpamComplaint */
  readonly type: string;
  readonly campaignId: string;
  readonly position: number;
  readonly contactId: number;
  /** Number of the tracked link; null where it is not about a link. */
  readonly link: number | null;
  readonly agent: Agent;
  /** Of a Bounce or SpamComplaint. */
  readonly detail?: BounceDetail;
  readonly at: number;
}

/** An interaction that the database has already. */
export interface KnownInteraction extends Omit<AgentEvent, 'contactId'> {
  readonly id: number;
}

/** A recipient who is in the count of different recipients already. */
export type CountedRecipient = Pick<AgentEvent, 'type' | 'campaignId' | 'position' | 'agent'>;

export interface NewInteraction extends AgentEvent {
  readonly repeats: number;
}

export interface StatisticChange extends Pick<AgentEvent, 'campaignId' | 'type' | 'agent'> {
  readonly total: number;
  /** Different recipients that came with it. */
  readonly unique: number;
}

/** What a number of events changes. */
export interface FoldedEvents {
  readonly interactions: readonly NewInteraction[];
  /** Repeats to be added to known interactions, by their id. */
  readonly repeats: readonly { readonly id: number; readonly repeats: number }[];
  readonly statistics: readonly StatisticChange[];
  /** Messages in which a person clicked: the bounces of the mailbox are forgotten. */
  readonly clicked: readonly ClickedMessage[];
}

export type ClickedMessage = Pick<AgentEvent, 'campaignId' | 'position' | 'contactId' | 'at'>;

interface Counted {
  readonly id: number | undefined;
  readonly event: AgentEvent | undefined;
  readonly at: number;
  readonly gravity: number;
  repeats: number;
}

/**
 * Turns events into interactions: one that follows or precedes the like by no more than 300 seconds is a repeat of
 * it. Alike are events of the same type, recipient, link and kind of agent: what a proxy did does not hide what the
 * person does. A window counts from the interaction that was counted, so that steady repeats count every 300 s.
 *
 * Of what came back by mail about a message only what is graver than all before counts, whenever it comes: a hard bounce after
 * a soft one, and neither of them twice.
 *
 * @param known the interactions within 300 s of any of the events, and all bounces and complaints about their messages;
 *   more do no harm.
 * @param counted the recipients that are counted already, for the numbers of different recipients.
 */
export function foldEvents(
  events: readonly AgentEvent[],
  known: readonly KnownInteraction[],
  counted: readonly CountedRecipient[],
): FoldedEvents {
  const byKey = new Map<string, Counted[]>();
  for (const one of known) {
    addTo(byKey, repeatKey(one), {
      id: one.id,
      event: undefined,
      at: one.at,
      gravity: gravityOf(one),
      repeats: 0,
    });
  }
  for (const event of [...events].sort((a, b) => a.at - b.at)) {
    const key = repeatKey(event);
    const gravity = gravityOf(event);
    const isRepeatOf = isFeedback(event)
      ? (one: Counted) => one.gravity >= gravity
      : (one: Counted) => Math.abs(event.at - one.at) <= repeatWindowMs;
    const earlier = byKey.get(key)?.find(isRepeatOf);
    if (earlier === undefined) addTo(byKey, key, { id: undefined, event, at: event.at, gravity, repeats: 0 });
    else earlier.repeats++;
  }

  const all = [...byKey.values()].flat();
  const interactions = all.flatMap(({ event, repeats }) =>
    event === undefined ? [] : [{ ...event, repeats }],
  );
  return {
    interactions,
    repeats: all.flatMap(({ id, repeats }) => (id === undefined || repeats === 0 ? [] : [{ id, repeats }])),
    statistics: statisticsOf(interactions, counted),
    clicked: clickedMessages(events),
  };
}

function statisticsOf(
  interactions: readonly NewInteraction[],
  counted: readonly CountedRecipient[],
): StatisticChange[] {
  const seen = new Set(counted.map(recipientKey));
  const changes = new Map<string, StatisticChange>();
  for (const interaction of interactions) {
    const { campaignId, type, agent } = interaction;
    const key = JSON.stringify([campaignId, type, agent]);
    const before = changes.get(key) ?? { campaignId, type, agent, total: 0, unique: 0 };
    const recipient = recipientKey(interaction);
    changes.set(key, {
      ...before,
      total: before.total + 1,
      unique: before.unique + (seen.has(recipient) ? 0 : 1),
    });
    seen.add(recipient);
  }
  return [...changes.values()];
}

/** Whether it came back by mail, instead of being done by somebody who has the message. */
export function isFeedback({ type }: Pick<AgentEvent, 'type'>): boolean {
  return type === 'Bounce' || type === 'SpamComplaint';
}

const gravities: Readonly<Record<BounceClass, number>> = { policy: 1, soft: 2, hard: 3 };

function gravityOf({ detail }: Pick<AgentEvent, 'detail'>): number {
  return detail?.class === undefined ? 0 : gravities[detail.class];
}

/** Each message once: of its clicks the first. */
function clickedMessages(events: readonly AgentEvent[]): ClickedMessage[] {
  const messages = new Map<string, ClickedMessage>();
  for (const event of events.filter(isClickOfPerson)) {
    const { campaignId, position, contactId, at } = event;
    const key = recipientKey(event);
    if (!messages.has(key)) messages.set(key, { campaignId, position, contactId, at });
  }
  return [...messages.values()];
}

function isClickOfPerson({ type, agent }: AgentEvent): boolean {
  return type === 'EmailClicked' && agent === 'person';
}

function repeatKey({
  campaignId,
  type,
  position,
  link,
  agent,
}: Omit<AgentEvent, 'contactId' | 'at'>): string {
  return JSON.stringify([campaignId, type, position, link, agent]);
}

function recipientKey({ campaignId, type, position, agent }: CountedRecipient): string {
  return JSON.stringify([campaignId, type, position, agent]);
}

function addTo(byKey: Map<string, Counted[]>, key: string, one: Counted): void {
  const list = byKey.get(key);
  if (list === undefined) byKey.set(key, [one]);
  else list.push(one);
}
