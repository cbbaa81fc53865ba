import { describe, expect, it } from 'vitest';
import {
  type CountedEvent,
  eventsOfBatch,
  eventsOfSteps,
  expectedEvents,
  figuresOf,
  formulaHolds,
  sharedEventsOfBatch,
} from '../../src/bench/history-figures.ts';

const events = (...types: string[]): CountedEvent[] => types.map((type) => ({ type }));

describe('the figures of a campaign in Temporal', () => {
  it('count the events of all histories, the longest one, and the tasks that workers were given', () => {
    const parent = events('workflowExecutionStarted', 'workflowTaskScheduled', 'workflowTaskCompleted');
    const child = events(
      'workflowExecutionStarted',
      'workflowTaskCompleted',
      'activityTaskStarted',
      'timerStarted',
    );
    expect(figuresOf([parent, child], 1)).toEqual({
      batches: 1,
      histories: 2,
      events: 7,
      longest: 4,
      tasks: 3,
      actions: 4,
    });
  });

  it('bill each attempt at an activity, and no workflow task', () => {
    const history: CountedEvent[] = [
      { type: 'workflowExecutionStarted' },
      { type: 'activityTaskScheduled' },
      { type: 'activityTaskStarted', attempt: 3 },
      { type: 'workflowTaskCompleted' },
      { type: 'upsertWorkflowSearchAttributes' },
      { type: 'workflowExecutionUpdateAccepted' },
      { type: 'workflowExecutionSignaled' },
    ];
    expect(figuresOf([history], 0).actions).toBe(7);
  });
});

describe('the formula for events', () => {
  it('is that of the steps and that of each batch', () => {
    expect(expectedEvents(0)).toBe(eventsOfSteps);
    expect(expectedEvents(500)).toBe(eventsOfSteps + 500 * eventsOfBatch);
  });

  it('holds within a tenth, and where batches share the workflow tasks of their parent, and not beyond', () => {
    const batches = 500;
    const expected = expectedEvents(batches);
    const shared = expected - sharedEventsOfBatch * batches;
    const holds = (events: number) => formulaHolds({ batches, events: Math.round(events) });
    expect([0.91 * shared, shared, expected, 1.09 * expected].map(holds)).toEqual([true, true, true, true]);
    expect([0.89 * shared, 1.11 * expected].map(holds)).toEqual([false, false]);
  });
});
