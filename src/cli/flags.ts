import { InvalidArgumentError } from 'commander';

/** Reads a flag's value as a whole number within bounds. @throws InvalidArgumentError that says what is expected */
export function parseWholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${minimum} to ${maximum}.`);
  };
}

/** Reads `a@x,b@y`. */
export function parseList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** EXM's Sleep at the most: an hour. */
export const maximumSleepMs = 3_600_000;
