import { endsWithin } from './ends-within.ts';

export type Activities = Record<string, (...args: never[]) => Promise<unknown>>;

/** Activities that have begun and not ended. */
export class WorkInHand {
  private readonly running = new Set<Promise<unknown>>();

  /** The same activities, counted while they run. */
  counted<T extends Activities>(activities: T): T {
    const counted = Object.entries(activities).map(([name, run]) => {
      const counting = async (...args: never[]): Promise<unknown> => {
        const result = run(...args);
        this.running.add(result);
        try {
          return await result;
        } finally {
          this.running.delete(result);
        }
      };
      return [name, counting] as const;
    });
    return Object.fromEntries(counted) as T;
  }

  get unfinished(): number {
    return this.running.size;
  }

  /** Waits until none runs. @returns false where one did after `timeoutMs` */
  async ends(timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs;
    for (let left = timeoutMs; this.running.size > 0 && left > 0; left = until - performance.now())
      await endsWithin(Promise.allSettled(this.running), left);
    return this.running.size === 0;
  }
}
