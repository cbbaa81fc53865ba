import type { ResolvedConfig } from '../config/exm-config.ts';
import type { Keys } from '../config/keys.ts';
import type { Database } from '../db/connect.ts';
import type { Logger } from '../logging.ts';
import type { Emulation, Mailbox } from '../message/content.ts';
import type { DkimSigner } from '../message/dkim/dkim.ts';
import type { SessionPool } from '../smtp/session-pool.ts';
import type { ContentCache } from './content-cache.ts';
import type { ContentReadiness } from './content-readiness.ts';
import type { DispatchThreads } from './dispatch-threads.ts';
import type { HandBackPace } from './hand-back-pace.ts';
import type { Recorder } from './ledger/recorder.ts';
import type { MailServerState } from './mail-server-state.ts';
import type { NextBatch } from './next-batch.ts';

/** What one dispatcher process has, shared by all its threads. */
export interface DispatchHost {
  readonly name: string;
  readonly pool: string;
  readonly db: Database;
  /** Public address of content-delivery. */
  readonly baseUrl: string;
  /** For tests of what is not frozen yet. */
  readonly unsubscribeAddress: string | undefined;
  /** EXM_BOUNCE_DOMAIN, for tests. Left out: what comes back goes to the sender. */
  readonly bounceDomain?: string | undefined;
  /** EXM_SENDER: who sends the mail that asks to confirm a subscription. */
  readonly sender?: Mailbox | undefined;
  readonly keys: Keys;
  readonly log: Logger;
  readonly settings: ResolvedConfig['settings'];
  /** The manager root's values, for tests. */
  readonly managerRoot: ResolvedConfig['managerRoot'];
  readonly processors: ResolvedConfig['processors'];
  readonly recorder: Recorder;
  readonly contents: ContentCache;
  readonly readiness: ContentReadiness;
  readonly pace: HandBackPace;
  readonly nextBatch: NextBatch;
  /** The threads that all batches of this process share. */
  readonly threads: DispatchThreads;
  readonly sessions: SessionPool;
  /** Emulation mode of this server; a campaign may ask for it too. */
  readonly emulation: Emulation | undefined;
  readonly mailServer: MailServerState;
  /** Signs the messages of its domain's senders; undefined where the mail server does, or nobody. */
  readonly dkim: DkimSigner | undefined;
}
