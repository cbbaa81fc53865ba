import { CancellationScope, condition, proxyActivities } from '@temporalio/workflow';
import { hasEnded } from '../src/domain/campaign-state.ts';
import type { DispatchNewsletterInput, DispatchResult } from '../src/domain/dispatch.ts';
import { countsOf } from '../src/domain/outcome.ts';
import type { DispatchNewsletterStep } from '../src/domain/pipeline.ts';
import { DispatchRun } from './dispatch-run.ts';
import { tolerating } from './failures.ts';
import { notification, primaryActivities, step } from './primary-steps.ts';
import { testSend } from './send-test-message.ts';

/**
 * Dispatches one campaign, on the primary: EXM's pipeline of the same name. The steps below stand in EXM's order;
 * the order that is really run comes from the configuration as it was when the campaign started.
 */
export async function DispatchNewsletter(input: DispatchNewsletterInput): Promise<DispatchResult> {
  const run = new DispatchRun(input);
  run.answerMessages();
  // A cancellation of the workflow by any Temporal tool is the same as the campaign's own cancel: it ends with its books kept.
  run.listenForCancellation(CancellationScope.current());
  return await CancellationScope.nonCancellable(async () => {
    await run.readPlan();
    await run.performAll(
      async (name) => await (steps[name as DispatchNewsletterStep] ?? customStep(name))(run),
    );
    await run.settled();
    return run.result();
  });
}

const steps: Record<DispatchNewsletterStep, (run: DispatchRun) => Promise<void>> = {
  CheckPreconditions: async (run) => {
    run.answerPreconditions(await step('CheckPreconditions').checkPreconditions(run.campaign));
  },
  MoveToQueuing: async (run) => {
    await step('MoveToQueuing').moveToQueuing({ ...run.campaign, by: run.plan.startedBy });
    run.entered('Queuing', 'Queuing');
  },
  DeployAnalytics: async (run) => {
    await step('DeployAnalytics', 'links, variants and goals').deployAnalytics(run.campaign);
  },
  PublishDispatchItems: async (run) => {
    run.contentHash = await step('PublishDispatchItems', 'freeze the content').publishDispatchItems(
      run.campaign,
    );
  },
  QueueMessage: async (run) => {
    run.queueFilled(await step('QueueMessage', 'fill the dispatch queue').queueMessage(run.campaign));
  },
  MoveToProcessing: async (run) => {
    await step('MoveToProcessing').moveToProcessing({ ...run.campaign, by: run.plan.startedBy });
    run.entered('Sending', 'Sending');
  },
  LaunchDedicatedServers: async (run) => {
    const launched = await step('LaunchDedicatedServers', 'who can send').launchDedicatedServers(
      run.campaign,
    );
    run.window.expectedPace = launched.expectedPace;
    run.dispatchersChanged(launched);
    run.window.fill();
  },
  SendTestMessage: async (run) => {
    const prepared = await step('SendTestMessage').prepareTestMessage(run.campaign);
    if (prepared !== undefined) {
      const sending = tolerating('SendTestMessage', async () => await testSend(run, prepared));
      // A campaign that is cancelled does not wait for a dispatcher to come and send a test.
      await Promise.race([sending, condition(() => run.isCancelled)]);
    }
  },
  SendMessage: async (run) => {
    await run.window.untilGivenOut();
    await run.test.untilDecided();
  },
  WaitForDispatchToFinish: async (run) => {
    // Not a poll: the children's results. Whoever has no outcome then is due now, and sent in another round, or later.
    for (;;) {
      await run.window.untilFinished();
      if (run.isCancelled) {
        // Who cancelled it, and why, stands in the books before what follows from it.
        await run.control.settled();
        await step('WaitForDispatchToFinish', 'enter the others as cancelled').cancelRemaining(run.campaign);
        return;
      }
      const remaining = await step('WaitForDispatchToFinish', 'who has no outcome yet').planRemaining(
        run.campaign,
      );
      if (remaining.remaining === 0) return run.allOut();
      await run.rounds.untilDue(remaining);
      run.window.putBack(remaining.backlog);
    }
  },
  MoveToSent: async (run) => {
    // Whoever has no outcome is dispatched first, or cancelled: where the step is tried again, and once by itself, for
    // what takes outcomes away each time would have people sent to without end.
    let reopened = run.reopenBooks();
    if (reopened) await finishReopened(run);
    for (;;) {
      run.finishing();
      const end = await step('MoveToSent', 'balance the books').moveToSent({ ...run.ending(), reopened });
      if (hasEnded(end.state)) return run.ended(end);
      run.window.counts = countsOf(end.totals);
      reopened = run.reopenBooks();
      await finishReopened(run);
    }
  },
  NotifyDispatchFinished: async (run) => {
    run.inBackground(
      'the mail about the end',
      async () => await notification('mail').notifyByMail(run.campaign),
    );
    run.inBackground(
      'the webhook about the end',
      async () => await notification('webhook').notifyByWebhook(run.campaign),
    );
  },
  FinalizeDispatch: async (run) => {
    await step('FinalizeDispatch').finalizeDispatch(run.campaign);
  },
};

async function finishReopened(run: DispatchRun): Promise<void> {
  await steps.WaitForDispatchToFinish(run);
  await run.control.untilMayGoOn();
}

/** A step of the installation's own, from exm.config.ts: an activity of that name on the primary. */
function customStep(name: string): (run: DispatchRun) => Promise<void> {
  const activities = proxyActivities<Record<string, (campaign: { campaignId: string }) => Promise<void>>>({
    ...primaryActivities(name),
    // A bug that throws each time must reach a person, who can mend it and resume.
    retry: { maximumAttempts: 3, initialInterval: '1s' },
  });
  return async (run) => {
    await activities[name]?.(run.campaign);
  };
}
