import type { OutgoingEmail } from '../dispatch/send-email-pipeline.ts';

/** A step of DispatchNewsletter of your own: runs once per campaign, on a primary worker. Throwing pauses nothing: it is retried. */
export type CustomStep = (step: { readonly campaignId: string }) => Promise<void>;

/** A step of SendEmail of your own: runs for each recipient, on the dispatcher. What it throws pauses the campaign with that reason. */
export type CustomProcessor = (email: OutgoingEmail) => Promise<void> | void;

/** The one typed configuration file, `exm.config.ts` (EXM_CONFIG names another path). */
export interface ExmConfig {
  /** Steps of your own for DispatchNewsletter, by name. */
  readonly steps?: Readonly<Record<string, CustomStep>>;
  /** Steps of your own for SendEmail, by name. */
  readonly processors?: Readonly<Record<string, CustomProcessor>>;
  /** The pipelines as lists of names, built-in and your own; what is left out of the file stays as it is built in. */
  readonly pipelines?: {
    readonly dispatchNewsletter?: readonly string[];
    readonly sendEmail?: readonly string[];
  };
  readonly settings?: {
    /** EXM's DispatchBatchSize: contacts a dispatch task takes at a time. Default 100. */
    readonly dispatchBatchSize?: number;
    /** Manager root's UndeliveredMaximum: an address that bounced more often gets nothing. Default 5. */
    readonly undeliveredMaximum?: number;
    /** Whether the suppression list is looked at. Default true. */
    readonly checkSuppressionList?: boolean;
    /** How long a recipient whose mail server says "later" (4xx) is tried. Hours; default 72. */
    readonly deferralMaximumHours?: number;
  };
}

/** Checks the types of `exm.config.ts` as it is written. */
export function defineConfig(config: ExmConfig): ExmConfig {
  return config;
}
