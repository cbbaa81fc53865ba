import type { CustomStep } from '../src/config/exm-config.ts';
import { createAbTest } from './ab-test.ts';
import { asActivities } from './as-activities.ts';
import { createBackToDraft } from './back-to-draft.ts';
import { createCancelRemaining } from './cancel-remaining.ts';
import { createCheckPreconditions } from './check-preconditions.ts';
import type { PrimaryDependencies } from './dependencies.ts';
import { createDeployAnalytics } from './deploy-analytics.ts';
import { createEndDispatch } from './end-dispatch.ts';
import { createFinalizeDispatch } from './finalize-dispatch.ts';
import { createGiveUpSteps } from './give-up-steps.ts';
import { createLaunchDedicatedServers } from './launch-dedicated-servers.ts';
import { createMoveToProcessing } from './move-to-processing.ts';
import { createMoveToQueuing } from './move-to-queuing.ts';
import { createMoveToSent } from './move-to-sent.ts';
import { createNotifyDispatchFinished } from './notify-dispatch-finished.ts';
import { createPlanRemaining } from './plan-remaining.ts';
import { createPrepareTestMessage } from './prepare-test-message.ts';
import { createPublishDispatchItems } from './publish-dispatch-items.ts';
import { createQueueMessage } from './queue-message.ts';
import { createReadPlan } from './read-plan.ts';
import { createShowReason } from './show-reason.ts';
import { createTakenBatches } from './taken-batches.ts';
import { createTellDispatchers } from './tell-dispatchers.ts';

export type PrimaryActivities = ReturnType<typeof createPrimaryActivities>;

/** The activities of the primary: the steps of DispatchNewsletter, one file each. */
export function createPrimaryActivities(dependencies: PrimaryDependencies) {
  const steps = asActivities({
    readPlan: createReadPlan(dependencies),
    checkPreconditions: createCheckPreconditions(dependencies),
    moveToQueuing: createMoveToQueuing(dependencies),
    deployAnalytics: createDeployAnalytics(dependencies),
    publishDispatchItems: createPublishDispatchItems(dependencies),
    queueMessage: createQueueMessage(dependencies),
    moveToProcessing: createMoveToProcessing(dependencies),
    launchDedicatedServers: createLaunchDedicatedServers(dependencies),
    prepareTestMessage: createPrepareTestMessage(dependencies),
    ...createAbTest(dependencies),
    planRemaining: createPlanRemaining(dependencies),
    cancelRemaining: createCancelRemaining(dependencies),
    takenBatches: createTakenBatches(dependencies),
    moveToSent: createMoveToSent(dependencies),
    ...createNotifyDispatchFinished(dependencies),
    finalizeDispatch: createFinalizeDispatch(dependencies),
    showReason: createShowReason(dependencies),
  });
  // What a person asked for, or waits for, is tried until it is done: to give it up would leave nobody able to ask for
  // anything, or the end untold.
  const control = asActivities(
    {
      backToDraft: createBackToDraft(dependencies),
      tellDispatchers: createTellDispatchers(dependencies),
      giveUpSteps: createGiveUpSteps(dependencies),
      endDispatch: createEndDispatch(dependencies),
    },
    Number.POSITIVE_INFINITY,
  );
  return { ...steps, ...control };
}

/** The installation's own steps, as activities of their names. */
export function createCustomSteps(steps: Readonly<Record<string, CustomStep>>): Record<string, CustomStep> {
  return asActivities({ ...steps });
}
