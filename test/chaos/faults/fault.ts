import type { Client } from '@temporalio/client';
import type { Database } from '../../../src/db/connect.ts';
import type { Random } from '../../support/random.ts';
import type { MailReceiver } from '../mail-receiver.ts';
import type { Parts } from '../parts.ts';
import type { People } from '../people.ts';

/** What faults are done to. */
export interface Target {
  readonly parts: Parts;
  readonly dispatchers: readonly string[];
  readonly receiver: MailReceiver;
  readonly db: Database;
  /** Several, as several people at once. */
  readonly clients: readonly Client[];
  readonly campaigns: readonly TargetCampaign[];
  readonly people: People;
  /** Faults that pause and resume campaigns at this moment. */
  controlling: number;
  /** Whether all its campaigns have ended: a fault that does the same again and again leaves off. */
  readonly isOver: () => boolean;
  /** Waits so many milliseconds; less where the run is ended. */
  readonly pause: (ms: number) => Promise<void>;
  /** So many messages may be repeated because of what was done. */
  readonly excuse: (repeats: number, because: string) => void;
  /** Settings by which a campaign may pause itself because of what was done. */
  readonly mayPauseBy: Set<string>;
  /** A promise that was seen broken. */
  readonly broken: (promise: string) => void;
  /** A request that failed, which may be a fault's doing. */
  readonly failed: (request: string, error: unknown) => void;
}

/** A campaign that is being dispatched, and what was done to it. */
export interface TargetCampaign {
  readonly id: string;
  /** Address that it is sent from, by which the mail server tells it. */
  readonly from: string;
  /** Held by no fault any more when 0. */
  holds: number;
  /** The states in which it may end, as they are shown. */
  ends: readonly string[];
  /** Whether nobody may get it twice, whatever happens. */
  readonly atMostOnce: boolean;
}

/** A fault with all that was to be decided about it. */
export interface PlannedFault {
  readonly name: string;
  /** What was decided, for people; the same seed gives the same. */
  readonly detail: string;
  /** Does it, and ends with it. @returns false where it could not be done: what it is done to was not there */
  readonly inject: (target: Target) => Promise<boolean>;
}

export interface Fault {
  readonly name: string;
  readonly about: string;
  /** How often it is picked, compared with the others. Default 1. */
  readonly weight?: number;
  plan(random: Random): Omit<PlannedFault, 'name'>;
}

export const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
