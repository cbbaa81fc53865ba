import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit, WorkerOptions } from '@temporalio/worker';
import { batchesAtOnce } from '../src/domain/batch-plan.ts';

/** The SDK's own numbers, where a worker has no tuner. */
const otherSlots = { workflowTasks: 40, localActivities: 100, nexusTasks: 100 };

/** What limits how many batches and tests a dispatcher may have at once: its mail server, say. */
export interface SlotLimit {
  /** How many they may be, `most` at the most. */
  slots(most: number): number;
  /** Calls back when they may be more. */
  onChange(listener: () => void): void;
}

/**
 * Slots for a dispatcher's activities: one batch and towards its end the next, none while its mail server is ill, and few
 * while it gets batches that it cannot send. A worker asks for a slot before it asks for work, so a host without its mail server takes no
 * batch from the others.
 */
export class BatchSlots implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  private taken = 0;
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly most: number,
    private readonly limits: readonly SlotLimit[],
  ) {
    for (const limit of limits) limit.onChange(() => this.grant());
  }

  /** Waits for a free slot and a mail server. Rejects where the worker wants it no more: it stops. */
  async reserveSlot(_context: unknown, abortSignal: AbortSignal): Promise<SlotPermit> {
    abortSignal.throwIfAborted();
    const now = this.tryReserveSlot();
    if (now !== null) return now;
    return await new Promise<SlotPermit>((resolve, reject) => {
      const granted = () => {
        abortSignal.removeEventListener('abort', aborted);
        resolve({});
      };
      const aborted = () => {
        this.waiting.delete(granted);
        reject(abortSignal.reason);
      };
      abortSignal.addEventListener('abort', aborted, { once: true });
      this.waiting.add(granted);
    });
  }

  /** For a batch that Temporal hands over together with its workflow: the same rule. */
  tryReserveSlot(): SlotPermit | null {
    const slots = Math.min(...this.limits.map((limit) => limit.slots(this.most)));
    if (this.taken >= slots) return null;
    this.taken++;
    return {};
  }

  markSlotUsed(): void {}

  releaseSlot(): void {
    this.taken--;
    this.grant();
  }

  /** First come, first served. */
  private grant(): void {
    for (const granted of this.waiting) {
      if (this.tryReserveSlot() === null) return;
      this.waiting.delete(granted);
      granted();
    }
  }
}

/** What a dispatcher's worker needs to take no work that it cannot do; all else stays as the SDK has it. */
export function batchSlots(
  limits: readonly SlotLimit[],
): Pick<WorkerOptions, 'tuner' | 'activityTaskPollerBehavior'> {
  const fixed = (numSlots: number) => ({ type: 'fixed-size', numSlots }) as const;
  return {
    tuner: {
      activityTaskSlotSupplier: new BatchSlots(batchesAtOnce, limits),
      workflowTaskSlotSupplier: fixed(otherSlots.workflowTasks),
      localActivityTaskSlotSupplier: fixed(otherSlots.localActivities),
      nexusTaskSlotSupplier: fixed(otherSlots.nexusTasks),
    },
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: batchesAtOnce },
  };
}
