import { consentFaults } from './consent-faults.ts';
import type { Fault } from './fault.ts';
import { mailFaults } from './mail-faults.ts';
import { operatorFaults } from './operator-faults.ts';
import { processFaults } from './process-faults.ts';

/** Everything that can be done to an installation while it sends. */
export const faults: readonly Fault[] = [
  ...processFaults,
  ...mailFaults,
  ...operatorFaults,
  ...consentFaults,
];
