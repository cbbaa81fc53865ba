import type { WorkerOptions } from '@temporalio/worker';
import { createDispatchActivities } from '../activities/dispatch.ts';
import { loadDkimKey } from '../src/config/dkim-key.ts';
import { loadExmConfig } from '../src/config/load-exm-config.ts';
import { setServerHealth } from '../src/db/server-presence.ts';
import { ContentCache } from '../src/dispatch/content-cache.ts';
import { ContentReadiness } from '../src/dispatch/content-readiness.ts';
import type { DispatchHost } from '../src/dispatch/dispatch-host.ts';
import { DispatchThreads } from '../src/dispatch/dispatch-threads.ts';
import { HandBackPace } from '../src/dispatch/hand-back-pace.ts';
import { Journal } from '../src/dispatch/journal/journal.ts';
import { LeftJournals } from '../src/dispatch/journal/left-journals.ts';
import { Recorder } from '../src/dispatch/ledger/recorder.ts';
import { MailServerState } from '../src/dispatch/mail-server-state.ts';
import { NextBatch } from '../src/dispatch/next-batch.ts';
import { InputError } from '../src/domain/errors.ts';
import { taskQueues } from '../src/domain/names.ts';
import { stopMaximumMs } from '../src/domain/stop-times.ts';
import type { Emulation } from '../src/message/content.ts';
import { createDkimSigner } from '../src/message/dkim/dkim.ts';
import { SmtpSession } from '../src/smtp/session.ts';
import { SessionPool } from '../src/smtp/session-pool.ts';
import { announceDispatcher } from '../src/temporal/announce-dispatcher.ts';
import { workflowBundle } from '../src/temporal/workflow-bundle.ts';
import { batchSlots } from './batch-slots.ts';
import { KeysWatch } from './keys-watch.ts';
import { MailServerWatch } from './mail-server-watch.ts';
import { addBodyCacheMetrics } from './metrics.ts';
import type { RoleContext } from './runtime.ts';
import { ServerHealth } from './server-health.ts';
import { StorageWatch } from './storage-watch.ts';

export interface DispatcherOptions {
  /** Which campaigns it sends: those of this pool. */
  readonly pool: string;
  /** EXM's NumberThreads: messages that are sent at the same time. */
  readonly threads: number;
  /** EXM's Sleep after each message, milliseconds. */
  readonly sleepMs: number;
  /** This host's mail server; left out only in emulation mode. */
  readonly smtpUrl: string | undefined;
  readonly emulation: Emulation | undefined;
}

/** The dispatching part of a process: of a dedicated dispatcher, and of a primary that dispatches itself. */
export interface Dispatcher {
  /** All but the connection. */
  readonly workerOptions: WorkerOptions;
  /** Watches the mail server, and tells running campaigns that there is one dispatcher more. To be called when its worker runs. */
  started(): void;
  /** A planned stop: batches end after the message on the wire, recorded, and their rest is given to others. */
  drain(): void;
  /** Ends recording. To be called when no batch is in hand. */
  close(): void;
}

/** Makes it; nothing runs until its worker does. @throws InputError SETTING_MISSING where it has no mail server */
export async function createDispatcher(
  context: RoleContext,
  options: DispatcherOptions,
): Promise<Dispatcher> {
  const { name, db, settings, log, env } = context;
  const { smtpUrl } = options;
  if (smtpUrl === undefined && options.emulation === undefined) {
    throw new InputError('SETTING_MISSING', 'This dispatcher has no mail server.', {
      field: 'EXM_SMTP_URL',
      hint: 'Set EXM_SMTP_URL or --smtp, for example smtp://127.0.0.1:25, or use --emulate.',
    });
  }
  const dkimKey = loadDkimKey(settings.dkim);
  const dkim = dkimKey && createDkimSigner(dkimKey);
  const config = await loadExmConfig(settings.configFile, process.cwd());
  const health = new ServerHealth(async (text) => await setServerHealth(db, name, text));
  const storage = new StorageWatch({
    env,
    server: name,
    log,
    setHealth: async (text) => await health.tell('storage', text),
  });
  const journal = new Journal({
    dir: settings.journalDir,
    server: name,
    log,
    onHealth: (text) => void health.tell('journal', text).catch(() => undefined),
  });
  const left = new LeftJournals({ dir: settings.journalDir, db, server: name, log, own: journal.files });
  // What a dispatcher that was killed here knew must be in the books before anything is sent.
  await left.enter();
  const recorder = new Recorder({
    db,
    server: name,
    log,
    sleepMs: options.sleepMs,
    onRefused: (error, campaignIds) => storage.refused(error, campaignIds),
    journal,
    beforeTakingOver: async () => await left.enter(),
  });
  const sessions = new SessionPool(async () => await SmtpSession.connect(smtpUrl ?? ''));
  const mailServer = new MailServerState(options.emulation === undefined ? 'unknown' : 'well');
  const watch = new MailServerWatch(
    options.emulation === undefined ? smtpUrl : undefined,
    mailServer,
    async (text) => await health.tell('mail server', text),
  );
  const keysWatch = new KeysWatch({
    db,
    keys: settings.keys,
    log,
    setHealth: async (text) => await health.tell('keys', text),
  });
  const contents = new ContentCache(db, settings.keys, {
    ...config.settings,
    bounceDomain: settings.bounceDomain,
    signer: dkim,
    onUnsigned: (campaign, sender) =>
      log.warn({ campaign, sender }, `not signed: the sender is not of ${dkim?.domain} (EXM_DKIM_DOMAIN)`),
  });
  const { processors } = config;
  const readiness = new ContentReadiness({ db, server: name, pool: options.pool, log, contents, processors });
  const pace = new HandBackPace();
  const nextBatch = new NextBatch(options.threads);
  const threads = new DispatchThreads(options.threads, () => mailServer.slots(options.threads));
  mailServer.onChange(() => threads.review());
  const host: DispatchHost = {
    name,
    pool: options.pool,
    db,
    baseUrl: settings.baseUrl,
    unsubscribeAddress: settings.unsubscribeAddress,
    bounceDomain: settings.bounceDomain,
    sender: settings.sender,
    keys: settings.keys,
    log,
    settings: config.settings,
    managerRoot: config.managerRoot,
    processors,
    recorder,
    contents,
    readiness,
    pace,
    nextBatch,
    threads,
    sessions,
    emulation: options.emulation,
    mailServer,
    dkim,
  };
  if (context.metrics !== undefined) addBodyCacheMetrics(context.metrics, host.contents.bodies);
  const queues = taskQueues(settings.queuePrefix);
  return {
    workerOptions: {
      taskQueue: queues.dispatch(options.pool),
      identity: `${name}@dispatch`,
      workflowBundle: workflowBundle(),
      activities: createDispatchActivities(host),
      ...batchSlots([mailServer, keysWatch, pace, nextBatch]),
      maxCachedWorkflows: 100,
      // The last heartbeat must be so recent that a lease (6 s) is over before the heartbeat timeout (10 s) is: see Recorder.
      maxHeartbeatThrottleInterval: '2s',
      // A batch that was told to stop ends by itself. It is never cancelled while the mail server may still answer:
      // how long that is waited for is decided in one place, see endInOrder.
      shutdownGraceTime: stopMaximumMs,
    },
    started() {
      watch.start();
      keysWatch.start();
      left.watch();
      readiness.watch();
      void announceDispatcher(db, env, options.pool, log);
    },
    drain: () => recorder.drain(),
    close() {
      watch.stop();
      keysWatch.stop();
      left.stop();
      readiness.stop();
      storage.stop();
      sessions.close();
      recorder.stop();
      journal.close();
    },
  };
}
