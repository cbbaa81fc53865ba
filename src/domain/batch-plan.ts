/**
 * Batch planning. A batch is a range of queue positions, first and last included; positions count from 1. Ranges
 * keep personal data and anything large out of the histories.
 */
export interface PositionRange {
  readonly first: number;
  readonly last: number;
}

/** A range that is to be dispatched. */
export interface BacklogRange extends PositionRange {
  /**
   * About how many recipients of a later round are in it, where the others of its positions have their outcome: so a hundred
   * who were put off among a million make no more batches than a hundred who were not. Left out: all of them.
   */
  readonly due?: number | undefined;
}

/** EXM's DispatchBatchSize: contacts a dispatch task takes at a time. */
export const defaultDispatchBatchSize = 100;
/** No batch is larger, however long the list: a batch is also what a restart of the whole service may have to look through. */
export const maximumBatchSize = 10_000;
/** Batches that a dispatcher may have at once: one that its threads work on, and towards its end the next, so that none of them ever waits. */
export const batchesAtOnce = 2;
/** So many times the DispatchBatchSize is the largest batch until the first one has told how fast it went. */
const firstBatches = 10;
/** Where it is expected how fast they go: the first batches last at least and at most so long. Seconds. */
const firstShortestSeconds = 0.25;
const firstLongestSeconds = 1;
/** A batch lasts at least this long, for it costs two dozen history events and some 25 ms of Temporal's time. Seconds. */
const shortestSeconds = 0.5;
/** And at most this long, so that slow and fast hosts finish together, and tests and other campaigns have their turn. Seconds. */
const longestSeconds = 5;
/** No batch is smaller than what all hosts together send in this time. Seconds. */
const momentSeconds = 0.25;
/** As many parts has the fair share of a host; more until it is known how fast each of them is. */
const partsOfShare = 2;
const firstPartsOfShare = 4;
/** But a campaign is not cut into more than about this many, however slow. */
const batchesPerCampaign = 500;
/** Nor is any batch smaller than this while more is left. */
const minimumBatchSize = 10;

/** How many recipients that are due a range of a later round holds: `clamp(due / 500, 100, 10000)`. */
export function rangeSizeFor(due: number): number {
  return Math.max(defaultDispatchBatchSize, Math.min(Math.ceil(due / batchesPerCampaign), maximumBatchSize));
}

export interface TakeRange {
  /** Ranges that still have to be dispatched, in the order in which they are to be taken. */
  readonly backlog: readonly BacklogRange[];
  /** How many living dispatchers there are. */
  readonly hosts: number;
  /** EXM's DispatchBatchSize: the smallest batch until it is known how fast they go. */
  readonly dispatchBatchSize?: number;
  /** Recipients of the whole campaign. */
  readonly queued?: number;
  /** Recipients a second of the last batch of each host of which one has ended. */
  readonly paces?: readonly number[];
  /** Recipients a second that the slowest host has sent to before, in other campaigns; undefined where that is not known. */
  readonly expectedPace?: number | undefined;
}

export function rangeLength(range: PositionRange): number {
  return range.last - range.first + 1;
}

/** How many recipients are to be dispatched. */
export function backlogLength(backlog: readonly BacklogRange[]): number {
  return backlog.reduce((sum, range) => sum + dueIn(range), 0);
}

/** What is left of a range behind its batch, which was stopped. */
export function restOf({ due }: BacklogRange, rest: PositionRange): BacklogRange {
  return due === undefined ? rest : { ...rest, due: Math.min(due, rangeLength(rest)) };
}

function dueIn(range: BacklogRange): number {
  return range.due ?? rangeLength(range);
}

/**
 * How many recipients the next batch gets: half of what the slowest host has to do with what is left, if all are to finish
 * together (guided self-scheduling), for nobody knows who will take it; within what that host sends in half a second to five.
 * But not less than what keeps fast hosts from waiting for batches: see `worthwhile`.
 */
export function nextBatchSize(given: TakeRange): number {
  const { backlog, hosts, queued = 0, paces = [] } = given;
  const left = backlogLength(backlog);
  const firstShare = left / (firstPartsOfShare * Math.max(1, hosts));
  if (paces.length === 0) return firstBatchSize(given, firstShare);
  const isKnown = paces.length >= hosts;
  // Whoever has not told yet may be slower than all that have: by what is expected of them, else no more than at the beginning.
  const { expectedPace = Number.POSITIVE_INFINITY } = isKnown ? {} : given;
  const isInTheDark = !isKnown && given.expectedPace === undefined;
  const slowest = Math.min(...paces, expectedPace);
  const together = paces.reduce((sum, pace) => sum + pace, 0);
  const ofCampaign = queued / batchesPerCampaign;
  const worth = isKnown ? worthwhile(together, ofCampaign, firstShare) : 0;
  const share = isKnown && together > 0 ? (left * slowest) / together / partsOfShare : firstShare;
  const shortest = Math.max(minimumBatchSize, slowest * shortestSeconds, worth);
  const longestOfPace = isInTheDark
    ? Math.min(slowest * longestSeconds, firstLongest(given))
    : slowest * longestSeconds;
  const longest = Math.max(minimumBatchSize, longestOfPace, ofCampaign, worth);
  const size = Math.ceil(Math.min(maximumBatchSize, longest, Math.max(shortest, share)));
  // Two alike at the end, of which no host waits long for the other's.
  return size < left && left < 2 * size ? Math.ceil(left / 2) : size;
}

/** The same while none has told how fast it goes: by what is expected of them, where that is known. */
function firstBatchSize(given: TakeRange, firstShare: number): number {
  const { dispatchBatchSize = defaultDispatchBatchSize, expectedPace = 0 } = given;
  const shortest = Math.max(dispatchBatchSize, firstShortestSeconds * expectedPace);
  const longest = Math.max(firstLongest(given), firstLongestSeconds * expectedPace);
  return Math.ceil(Math.min(maximumBatchSize, longest, Math.max(shortest, firstShare)));
}

function firstLongest({ dispatchBatchSize = defaultDispatchBatchSize }: TakeRange): number {
  return firstBatches * dispatchBatchSize;
}

/**
 * Where one host is slower than the others by far, what suits it would be a campaign of thousands of batches: so none is
 * smaller than what all of them send in a moment, nor than one of some five hundred, until near the end.
 */
function worthwhile(together: number, ofCampaign: number, firstShare: number): number {
  return Math.min(firstShare, Math.max(ofCampaign, together * momentSeconds));
}

/**
 * Takes the next batch from the backlog.
 *
 * @returns the range to dispatch now and the backlog without it; undefined where nothing is left.
 */
export function takeRange(given: TakeRange): { range: BacklogRange; backlog: BacklogRange[] } | undefined {
  const [head, ...rest] = given.backlog;
  if (head === undefined) return undefined;
  const size = nextBatchSize(given);
  const due = dueIn(head);
  const positions = Math.max(1, Math.floor((rangeLength(head) * size) / due));
  if (due <= size || positions >= rangeLength(head)) return { range: head, backlog: rest };
  const last = head.first + positions - 1;
  const isSparse = head.due !== undefined;
  return {
    range: { first: head.first, last, ...(isSparse ? { due: size } : {}) },
    backlog: [{ first: last + 1, last: head.last, ...(isSparse ? { due: due - size } : {}) }, ...rest],
  };
}
