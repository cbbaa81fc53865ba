/** One event of a history, as far as it is counted: the name of its attributes in Temporal's API. */
export interface CountedEvent {
  readonly type: string;
  /** Of an activity that has started: which attempt that was. */
  readonly attempt?: number;
}

/** What all workflows of one campaign have left in Temporal. */
export interface HistoryFigures {
  readonly batches: number;
  /** Histories: the parent's, one for each run where it was continued as new, and one for each batch. */
  readonly histories: number;
  readonly events: number;
  /** Events of the longest history. */
  readonly longest: number;
  /** Workflow tasks and activities: each is one poll and one answer of a worker. */
  readonly tasks: number;
  /** What a metered Temporal bills, but for heartbeats: see `actionsOf`. */
  readonly actions: number;
}

/** Events of a campaign's steps, whatever its size: the parent's without its batches. */
export const eventsOfSteps = 85;
/** Events of a batch: 11 of its own history, 9 of its parent's. */
export const eventsOfBatch = 11 + 9;
/** Of these, events that it shares with others that begin or end at the same moment: its parent's two workflow tasks. */
export const sharedEventsOfBatch = 6;
/** How far from the formula the events may be. */
export const formulaTolerance = 0.1;

/** The formula of docs/architecture.md. */
export function expectedEvents(batches: number): number {
  return eventsOfSteps + eventsOfBatch * batches;
}

/** Whether there are as many events as the formula says, or fewer where batches began and ended together. */
export function formulaHolds({ batches, events }: Pick<HistoryFigures, 'batches' | 'events'>): boolean {
  const most = expectedEvents(batches);
  const least = most - sharedEventsOfBatch * batches;
  return events >= least * (1 - formulaTolerance) && events <= most * (1 + formulaTolerance);
}

export function figuresOf(histories: readonly (readonly CountedEvent[])[], batches: number): HistoryFigures {
  const events = histories.flat();
  const count = (type: string) => events.filter((event) => event.type === type).length;
  return {
    batches,
    histories: histories.length,
    events: events.length,
    longest: Math.max(0, ...histories.map(({ length }) => length)),
    tasks: count('workflowTaskCompleted') + count('activityTaskStarted'),
    actions: events.reduce((sum, event) => sum + actionsOf(event), 0),
  };
}

/**
 * Temporal Cloud's "actions": each start of a workflow, also of a child and by continue-as-new, each attempt at an
 * activity, timer, signal, update and change of search attributes. Workflow tasks are none. Heartbeats are, and stand in no history.
 */
function actionsOf({ type, attempt = 1 }: CountedEvent): number {
  if (type === 'activityTaskStarted') return attempt;
  return metered.has(type) ? 1 : 0;
}

const metered = new Set([
  'workflowExecutionStarted',
  'timerStarted',
  'workflowExecutionSignaled',
  'workflowExecutionUpdateAccepted',
  'upsertWorkflowSearchAttributes',
]);
