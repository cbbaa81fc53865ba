import { type ActivityInterfaceFor, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { PrimaryActivities } from '../activities/primary.ts';

/** How the primary's activities run: tried again for as long as something outside is away, and shown by name in the Web UI. */
export function primaryActivities(name: string, about?: string): ActivityOptions {
  return {
    summary: about === undefined ? name : `${name}: ${about}`,
    // Filling the queue for ten million contacts takes minutes; nothing on the primary takes hours.
    startToCloseTimeout: '4h',
    heartbeatTimeout: '30s',
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s' },
  };
}

/** The activities of one step, named after it in the Web UI. */
export function step(name: string, about?: string): ActivityInterfaceFor<PrimaryActivities> {
  return proxyActivities<PrimaryActivities>(primaryActivities(name, about));
}

/** A notification of the end: tried for a day, then given up. */
export function notification(channel: string): ActivityInterfaceFor<PrimaryActivities> {
  return proxyActivities<PrimaryActivities>({
    ...primaryActivities('NotifyDispatchFinished', channel),
    startToCloseTimeout: '1m',
    scheduleToCloseTimeout: '24h',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10m' },
  });
}
