/**
 * Batch planning. A batch is a range of queue positions, first and last included; positions count from 1. Ranges
 * keep personal data and anything large out of the histories.
 */
export interface PositionRange {
  readonly first: number;
  readonly last: number;
}

/** EXM's DispatchBatchSize: contacts a dispatch task takes at a time. */
export const defaultDispatchBatchSize = 100;
/** No batch is larger, however long the list: a batch is also what a restart of the whole service may have to look through. */
export const maximumBatchSize = 5_000;
/** A campaign is cut into about this many batches. */
const batchesPerCampaign = 500;
/** Towards the end no batch is cut smaller than this, because a batch costs two dozen history events. */
const minimumBatchSize = 10;

/** `clamp(total / 500, dispatchBatchSize, 5000)`: 1,000 recipients make 10 batches and a million make 500. */
export function batchSizeFor(total: number, dispatchBatchSize = defaultDispatchBatchSize): number {
  return Math.max(
    Math.min(dispatchBatchSize, maximumBatchSize),
    Math.min(Math.ceil(total / batchesPerCampaign), maximumBatchSize),
  );
}

export interface TakeRange {
  /** Ranges that still have to be dispatched, in the order in which they are to be taken. */
  readonly backlog: readonly PositionRange[];
  readonly batchSize: number;
  /** How many batches the living dispatchers can work on at once. */
  readonly slots: number;
}

export function rangeLength(range: PositionRange): number {
  return range.last - range.first + 1;
}

export function backlogLength(backlog: readonly PositionRange[]): number {
  return backlog.reduce((sum, range) => sum + rangeLength(range), 0);
}

/**
 * Takes the next batch from the backlog (guided self-scheduling): full batches while there is plenty, and smaller
 * ones at the end, so that hosts of unlike speed finish together.
 *
 * @returns the range to dispatch now and the backlog without it; undefined where nothing is left.
 */
export function takeRange({
  backlog,
  batchSize,
  slots,
}: TakeRange): { range: PositionRange; backlog: PositionRange[] } | undefined {
  const [head, ...rest] = backlog;
  if (head === undefined) return undefined;
  const fairShare = Math.ceil(backlogLength(backlog) / (2 * Math.max(1, slots)));
  const size = Math.max(1, Math.min(batchSize, Math.max(minimumBatchSize, fairShare)));
  if (rangeLength(head) <= size) return { range: head, backlog: rest };
  const last = head.first + size - 1;
  return { range: { first: head.first, last }, backlog: [{ first: last + 1, last: head.last }, ...rest] };
}
