/** Names that several processes must agree on: task queues and workflow ids. */

export const defaultQueuePrefix = 'exm';
export const defaultPool = 'default';

export interface TaskQueues {
  readonly primary: string;
  readonly processing: string;
  dispatch(pool: string): string;
}

/** The task queues of one installation. Installations that share a Temporal namespace differ in `prefix`. */
export function taskQueues(prefix: string = defaultQueuePrefix): TaskQueues {
  return {
    primary: `${prefix}-primary`,
    processing: `${prefix}-processing`,
    dispatch: (pool) => (pool === defaultPool ? `${prefix}-dispatch` : `${prefix}-dispatch-${pool}`),
  };
}

/** One campaign has one workflow, so that a second start is refused by Temporal itself. */
export function campaignWorkflowId(campaignId: string): string {
  return `campaign/${campaignId}`;
}

export function batchWorkflowId(campaignId: string, batch: number): string {
  return `${campaignWorkflowId(campaignId)}/batch/${batch}`;
}

export function testWorkflowId(campaignId: string, testSendId: string): string {
  return `${campaignWorkflowId(campaignId)}/test/${testSendId}`;
}

/** The one workflow that keeps the processing role at work. */
export function processingWorkflowId(prefix: string = defaultQueuePrefix): string {
  return prefix === defaultQueuePrefix ? 'processing/events' : `processing/events/${prefix}`;
}

/** Search attributes of a campaign's workflow; both of type Keyword. */
export const searchAttributes = { state: 'ExmState', campaignName: 'ExmCampaignName' } as const;
