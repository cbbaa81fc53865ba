import { afterEach } from 'vitest';

type Close = () => Promise<void> | void;

/** Closes after each test what it has started: the last first. */
export function useClosers(): { push(...closers: Close[]): void } {
  const closers: Close[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return closers;
}
