import { afterAll, beforeAll } from 'vitest';
import { createInstallation, type Installation, type InstallationOptions } from './installation.ts';
import { type SmtpReceiver, type SmtpReceiverOptions, startSmtpReceiver } from './smtp-receiver.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface CampaignFixture {
  readonly installation: Installation;
  readonly receiver: SmtpReceiver;
  readonly primary: WorkerProcess;
}

export interface FixtureOptions extends Omit<InstallationOptions, 'smtpUrl'> {
  readonly receiver?: SmtpReceiverOptions;
  /** Called before the primary is started, to put files where it looks for them. */
  readonly prepare?: (installation: Installation) => void;
}

/** An installation with a primary that does not send and content-delivery, for all tests of a file. Dispatchers are the tests'. */
export function useCampaignFixture({ prepare, receiver, ...options }: FixtureOptions = {}): CampaignFixture {
  const fixture: { -readonly [Key in keyof CampaignFixture]?: CampaignFixture[Key] } = {};
  beforeAll(async () => {
    fixture.receiver = await startSmtpReceiver(receiver);
    fixture.installation = await createInstallation({ ...options, smtpUrl: fixture.receiver.url });
    prepare?.(fixture.installation);
    const host = new URL(fixture.installation.env['EXM_BASE_URL'] ?? '').host;
    const [primary] = await Promise.all([
      fixture.installation.startWorker('primary', ['--no-dispatch']),
      fixture.installation.startWorker('content-delivery', ['--listen', host]),
    ]);
    fixture.primary = primary;
  });
  afterAll(async () => {
    await fixture.installation?.dispose();
    await fixture.receiver?.close();
  });
  return fixture as CampaignFixture;
}

/** Every recipient that the receiver accepted a message for, as often as it did, sorted. */
export function receivedBy(receiver: SmtpReceiver): string[] {
  return receiver.messages.flatMap(({ to }) => to).sort();
}
