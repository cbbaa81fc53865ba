/** The steps of DispatchNewsletter in EXM's order (spec of EXM's pipeline; run once per campaign, on the primary). */
export const dispatchNewsletterSteps = [
  'CheckPreconditions',
  'MoveToQueuing',
  'DeployAnalytics',
  'PublishDispatchItems',
  'QueueMessage',
  'MoveToProcessing',
  'LaunchDedicatedServers',
  'SendTestMessage',
  'SendMessage',
  'WaitForDispatchToFinish',
  'MoveToSent',
  'NotifyDispatchFinished',
  'FinalizeDispatch',
] as const;
export type DispatchNewsletterStep = (typeof dispatchNewsletterSteps)[number];

/** What a dedicated server runs for each batch. */
export const sendBatchSteps = ['CheckPreconditions', 'SendMessage', 'FinalizeDispatch'] as const;
export type SendBatchStep = (typeof sendBatchSteps)[number];

/** What is done for each recipient. */
export const sendEmailSteps = ['FillEmail', 'SendEmail', 'EmailSent', 'Sleep'] as const;
export type SendEmailStep = (typeof sendEmailSteps)[number];

/** Steps no pipeline can do without, because the four promises rest on them. */
export const indispensableSteps = {
  dispatchNewsletter: [
    'CheckPreconditions',
    'MoveToQueuing',
    'PublishDispatchItems',
    'QueueMessage',
    'MoveToProcessing',
    'SendMessage',
    'WaitForDispatchToFinish',
    'MoveToSent',
    'FinalizeDispatch',
  ],
  sendEmail: ['FillEmail', 'SendEmail', 'EmailSent'],
} as const satisfies {
  dispatchNewsletter: readonly DispatchNewsletterStep[];
  sendEmail: readonly SendEmailStep[];
};

/** The pipelines of one campaign run, as names: built-in steps, and custom ones from exm.config.ts. */
export interface Pipelines {
  readonly dispatchNewsletter: readonly string[];
  readonly sendEmail: readonly string[];
}

export const builtInPipelines: Pipelines = {
  dispatchNewsletter: dispatchNewsletterSteps,
  sendEmail: sendEmailSteps,
};
