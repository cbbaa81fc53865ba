import type { DispatchManager } from '../contacts/audience/managed/dispatch-manager.ts';
import type { SendLimits } from '../contacts/audience/send-limit.ts';
import type { OutgoingEmail } from '../dispatch/send-email-pipeline.ts';
import type { Pipelines } from '../domain/pipeline.ts';

/**
 * A step of DispatchNewsletter of your own: runs once per campaign, on a primary worker. What it throws is tried
 * again with growing pauses; throw an InputError or RefusedError (from 'exm-dispatch') where that cannot help.
 * A retry runs it again from its start, so make it safe to repeat.
 */
export type CustomStep = (step: { readonly campaignId: string }) => Promise<void>;

/**
 * A step of SendEmail of your own: runs for each recipient, on the dispatcher, and may change `email.message` after
 * FillEmail and before SendEmail. A RecipientFailedError (from 'exm-dispatch') fails that one recipient; whatever else
 * it throws pauses the campaign with that reason. It runs once per message, so a slow one costs its time as often as
 * there are recipients.
 *
 * One that stands before SendEmail runs for recipients of whom nothing is decided yet, and may decide by setting
 * `email.outcome`. One that stands after EmailSent runs for every recipient who has an outcome, with it in
 * `email.outcome`, which is recorded by then and changed no more. Between the two none may stand.
 */
export type CustomProcessor = (email: OutgoingEmail) => Promise<void> | void;

/** The one typed configuration file, `exm.config.ts` (EXM_CONFIG names another path). Every option may be left out. */
export interface ExmConfig {
  /**
   * Steps of your own for DispatchNewsletter, by name: a letter, then letters, digits, `_` or `-`, 64 at most, and
   * not the name of a built-in step. Default: none. One that stands in no pipeline never runs.
   */
  readonly steps?: Readonly<Record<string, CustomStep>>;
  /**
   * Steps of your own for SendEmail, by name; the same rules as for `steps`. Every dispatcher needs the same file.
   * Default: none.
   */
  readonly processors?: Readonly<Record<string, CustomProcessor>>;
  /** The pipelines as lists of names, built-in and your own, in the order in which they run. */
  readonly pipelines?: {
    /**
     * Default: EXM's thirteen steps. Write the whole list to add, leave out or move a step. The indispensable ones
     * (`indispensableSteps`) must be there, in the order they have among themselves. A campaign that has been
     * started keeps the list it was started with.
     */
    readonly dispatchNewsletter?: readonly string[];
    /** Default: FillEmail, SendEmail, EmailSent, Sleep. Only Sleep may be left out; it may not come before EmailSent. */
    readonly sendEmail?: readonly string[];
  };
  /** What is the same for all campaigns of this installation. */
  readonly managerRoot?: {
    /**
     * Text for templates by name: `values: { company: 'Fennel & Slate' }` is `{{ managerRoot.company }}`. A name is a
     * letter, then letters, digits, `_` or `-`, 64 at most; 200 values at most. A campaign keeps those it was
     * published with. The primary and the dispatchers (for tests) read them.
     */
    readonly values?: Readonly<Record<string, string>>;
    /**
     * How many messages of all campaigns a contact may be sent in a calendar day, an ISO week (from Monday) and a month:
     * whole numbers, 0 to 1000000. One that is left out does not limit, 0 lets nothing through, and the strictest counts.
     * Default: none. Looked at when a campaign is queued and again when each message is sent; test messages do not
     * count. The primary and every dispatcher need the same.
     */
    readonly sendLimits?: {
      readonly day?: number;
      readonly week?: number;
      readonly month?: number;
      /** IANA name of the zone in which a day begins, such as Europe/Berlin. Default UTC. */
      readonly timeZone?: string;
    };
  };
  /**
   * EXM's own IDispatchManager: an async iterable of the recipients, instead of the campaign's included lists. Every "no"
   * still counts, unless `overrules` names it. Default: none. The primary needs it, and whoever asks
   * `exm campaign audience`.
   */
  readonly dispatchManager?: DispatchManager;
  readonly settings?: {
    /**
     * EXM's DispatchEnqueueBatchSize: of a DispatchManager's recipients so many are looked up at a time, 1 to 10000. Default
     * 300. Without a DispatchManager queueing is one statement, which nothing of this makes faster.
     */
    readonly dispatchEnqueueBatchSize?: number;
    /**
     * EXM's DispatchEnqueueThreadsNumber: so many of these batches at the same time, each by a connection of its own, 1 to
     * 16. Default 4.
     */
    readonly dispatchEnqueueThreadsNumber?: number;
    /**
     * What becomes of a link whose page does not exist (its server answers 404 or 410) when a campaign starts: `warn`
     * says so, `refuse` does not start the campaign, `off` asks no server. Default `warn`. Others than these never
     * stop a campaign. Choose `off` where the primary has no way to the web.
     */
    readonly checkLinks?: 'warn' | 'refuse' | 'off';
    /**
     * EXM's DispatchBatchSize: contacts a dispatch task takes at a time, 1 to 5000. Default 100. Raise it for small
     * campaigns on few, fast servers; lower it where single messages take seconds, so that servers finish together.
     */
    readonly dispatchBatchSize?: number;
    /**
     * The manager root's UndeliveredMaximum: an address that bounced more often gets nothing, 0 to 1000. Default 5.
     * Lower it where your sending reputation suffers; 0 leaves out every address that bounced since its last click.
     */
    readonly undeliveredMaximum?: number;
    /** EXM's CheckSuppressionList: whether addresses on the suppression list are left out. Default true. */
    readonly checkSuppressionList?: boolean;
    /**
     * An address is put on the suppression list after so many messages that bounced hard (no such mailbox, for good) since the
     * last click, 0 to 100. Default 1. 0: never, only UndeliveredMaximum counts. Raise it where a mail server near you says
     * so wrongly at times.
     */
    readonly suppressAfterHardBounces?: number;
    /**
     * An address is put on the suppression list after more than so many messages that bounced softly (mailbox full, server
     * ill) since the last click, 0 to 1000. Default 3. 0: never.
     */
    readonly suppressAfterSoftBounces?: number;
    /**
     * A campaign pauses itself when so many of the people it was sent to have bounced, percent, 0 to 100. Default 10, where
     * providers close accounts; clean lists stay below 2. Not before 200 were sent to. 0: never.
     */
    readonly pauseAtBouncePercent?: number;
    /**
     * A campaign pauses itself when so many of the people it was sent to have complained, percent, 0 to 100. Default 0.3,
     * above which Gmail and Yahoo no longer take mail of a bulk sender. Not before 5 have complained. 0: never.
     */
    readonly pauseAtComplaintPercent?: number;
    /**
     * How long a recipient whose mail server says "later" (4xx) is tried before it counts as failed. Hours, above 0,
     * 720 at most. Default 72. Lower it for mail that is worthless the next day.
     */
    readonly deferralMaximumHours?: number;
    /**
     * How long after the first "later" (4xx) a recipient is tried again; each further time the pause doubles, up to
     * four hours. Seconds, 1 to 3600. Default 60, within which greylisting mostly passes.
     */
    readonly deferralFirstDelaySeconds?: number;
    /**
     * A campaign's workflow is continued as new after so many batches, 1 to 2000. Default: when Temporal suggests it,
     * which is after some 800. Lower it where histories have to stay small for other tools that read them.
     */
    readonly batchesPerRun?: number;
    /**
     * EXM's MessageBodyMaxCacheSize: what a dispatcher may keep of message bodies that it has rendered, bytes, 0 to
     * 2147483648. Default 52428800 (50 MiB). Raise it where many campaigns with many languages and variants are sent
     * at once and the metric exm_message_body_cache_misses_total grows while they run.
     */
    readonly messageBodyMaxCacheSize?: number;
  };
}

/** The configuration as the workers use it: checked, and with every default filled in. */
export interface ResolvedConfig {
  readonly pipelines: Pipelines;
  readonly steps: Readonly<Record<string, CustomStep>>;
  readonly processors: Readonly<Record<string, CustomProcessor>>;
  /** The manager root's values. */
  readonly managerRoot: Readonly<Record<string, string>>;
  readonly dispatchManager: DispatchManager | undefined;
  readonly settings: Required<Omit<ConfigSettings, 'batchesPerRun'>> & {
    readonly batchesPerRun: number | undefined;
    /** The manager root's. */
    readonly sendLimits: SendLimits | undefined;
  };
}

type ConfigSettings = NonNullable<ExmConfig['settings']>;

export const defaultConfigSettings: ResolvedConfig['settings'] = {
  checkLinks: 'warn',
  dispatchEnqueueBatchSize: 300,
  dispatchEnqueueThreadsNumber: 4,
  dispatchBatchSize: 100,
  undeliveredMaximum: 5,
  checkSuppressionList: true,
  suppressAfterHardBounces: 1,
  suppressAfterSoftBounces: 3,
  pauseAtBouncePercent: 10,
  pauseAtComplaintPercent: 0.3,
  deferralMaximumHours: 72,
  deferralFirstDelaySeconds: 60,
  batchesPerRun: undefined,
  sendLimits: undefined,
  messageBodyMaxCacheSize: 52_428_800,
};

/** Checks the types of `exm.config.ts` as it is written. */
export function defineConfig(config: ExmConfig): ExmConfig {
  return config;
}
