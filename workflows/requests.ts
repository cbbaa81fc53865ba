import { ApplicationFailure } from '@temporalio/workflow';
import type { ControlRequest, MoveRequest, WinnerRequest } from '../src/domain/messages.ts';

/** Longest name or reason that is kept, characters. */
export const longestText = 500;

/** What a signal brings may be anything: any Temporal tool can send one. */
export function requestOf(asked: ControlRequest | null | undefined): ControlRequest {
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, longestText) : undefined);
  return { by: text(asked?.by), reason: text(asked?.reason) };
}

/** The same of a request about the winner of an A/B test. */
export function winnerRequestOf(
  asked: Partial<WinnerRequest & MoveRequest> | null | undefined,
): WinnerRequest & MoveRequest {
  const { variant, at, inMs } = asked ?? {};
  return {
    ...requestOf(asked),
    variant: typeof variant === 'string' ? variant : '',
    at: typeof at === 'string' ? at : undefined,
    inMs: typeof inMs === 'number' && Number.isFinite(inMs) ? inMs : undefined,
  };
}

/** Refuses a request, where there is a reason to. @throws ApplicationFailure REFUSED */
export function refuseWith(reason: string): never;
export function refuseWith(reason: string | undefined): void;
export function refuseWith(reason: string | undefined): void {
  if (reason !== undefined) throw ApplicationFailure.nonRetryable(`Refused: ${reason}.`, 'REFUSED');
}
