import { defaultConfigSettings } from '../../config/exm-config.ts';
import type { Settings } from '../../config/settings.ts';
import type { Database } from '../../db/connect.ts';
import { ContentCache } from '../../dispatch/content-cache.ts';
import { ContentReadiness } from '../../dispatch/content-readiness.ts';
import type { DispatchHost } from '../../dispatch/dispatch-host.ts';
import { DispatchThreads } from '../../dispatch/dispatch-threads.ts';
import { HandBackPace } from '../../dispatch/hand-back-pace.ts';
import type { Recorder } from '../../dispatch/ledger/recorder.ts';
import { MailServerState } from '../../dispatch/mail-server-state.ts';
import { NextBatch } from '../../dispatch/next-batch.ts';
import { defaultPool } from '../../domain/names.ts';
import type { Logger } from '../../logging.ts';
import { SmtpSession } from '../../smtp/session.ts';
import { SessionPool } from '../../smtp/session-pool.ts';

export interface BenchHostOptions {
  readonly name: string;
  readonly settings: Settings;
  readonly db: Database;
  readonly log: Logger;
  readonly recorder: Recorder;
  readonly smtpUrl: string;
  readonly threads: number;
}

/** What a dispatcher process has, for sending batches without Temporal. */
export function benchHost({ name, settings, db, log, ...given }: BenchHostOptions): DispatchHost {
  const processors = {};
  const contents = new ContentCache(db, settings.keys, { ...defaultConfigSettings, signer: undefined });
  return {
    name,
    pool: defaultPool,
    db,
    baseUrl: settings.baseUrl,
    unsubscribeAddress: undefined,
    keys: settings.keys,
    log,
    settings: defaultConfigSettings,
    managerRoot: {},
    processors,
    recorder: given.recorder,
    contents,
    readiness: new ContentReadiness({ db, server: name, pool: defaultPool, log, contents, processors }),
    pace: new HandBackPace(),
    nextBatch: new NextBatch(given.threads),
    threads: new DispatchThreads(given.threads),
    sessions: new SessionPool(async () => await SmtpSession.connect(given.smtpUrl)),
    emulation: undefined,
    mailServer: new MailServerState('well'),
    dkim: undefined,
  };
}
