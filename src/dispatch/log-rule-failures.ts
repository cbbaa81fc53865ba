import type { Logger } from 'pino';
import type { FrozenContent } from '../message/content.ts';
import { ruleSetOf } from '../message/rules/rule-set.ts';

/** Says which rules could not be evaluated since it was said last, and for how many: nothing about whom. */
export function logRuleFailures(log: Logger, campaignId: string, content: FrozenContent): void {
  for (const { component, rule, reason, times } of ruleSetOf(content).takeFailures()) {
    log.warn(
      { campaignId, component, rule, reason, messages: times },
      'a rule could not be evaluated: it did not hold',
    );
  }
}
