import type { Recipient } from '../../contacts/recipient.ts';
import { FailedError } from '../../domain/errors.ts';
import type { ComponentRule, FrozenContent } from '../content.ts';
import type { ChosenVariations } from '../render/components.ts';
import { type RuleContact, type RuleExpression, readExpression } from './rule-expression.ts';

/** How often a rule could not be evaluated: nothing about whom. */
export interface RuleFailure {
  readonly component: string;
  /** From 1. */
  readonly rule: number;
  /** Such as `int_conversion_error`. */
  readonly reason: string;
  readonly times: number;
}

interface CompiledRule {
  readonly expression: RuleExpression;
  /** Name of the variation; null hides the component. */
  readonly choice: string | null;
}

const nothingChosen: ChosenVariations = new Map();

/**
 * The rules of one campaign's content, compiled once. Of each component the first rule that holds counts; where none
 * does, its default content is shown.
 *
 * A rule does not hold where the contact lacks a value that it asks for (`has()` tells), nor where it cannot be
 * evaluated for a contact, as `int(contact.facets.age)` where the age is "old": that is counted.
 */
export class RuleSet {
  readonly #components: readonly (readonly [name: string, rules: readonly CompiledRule[]])[];
  readonly #failures = new Map<string, RuleFailure>();

  /** @throws FailedError RULE_EXPRESSION where a rule is not one; those of a campaign were checked when it was created. */
  constructor(rules: Readonly<Record<string, readonly ComponentRule[]>> = {}) {
    this.#components = Object.entries(rules).map(([name, list]) => [
      name,
      list.map((rule, index) => compile(name, rule, index)),
    ]);
  }

  /** What this contact gets of each component that has rules. It sees nothing but the contact, and never throws. */
  choose(recipient: Recipient): ChosenVariations {
    if (this.#components.length === 0) return nothingChosen;
    const contact = contactOf(recipient);
    const chosen = new Map<string, string | null>();
    for (const [name, rules] of this.#components) {
      const choice = this.#firstThatHolds(name, rules, contact)?.choice;
      if (choice !== undefined) chosen.set(name, choice);
    }
    return chosen;
  }

  /** Rules that could not be evaluated for somebody since this was asked last, and how often. */
  takeFailures(): readonly RuleFailure[] {
    const failures = [...this.#failures.values()];
    this.#failures.clear();
    return failures;
  }

  #firstThatHolds(
    component: string,
    rules: readonly CompiledRule[],
    contact: RuleContact,
  ): CompiledRule | undefined {
    return rules.find(({ expression }, index) => {
      const result = expression.evaluate(contact);
      if (typeof result === 'object') this.#count(component, index + 1, result.failed);
      return result === 'yes';
    });
  }

  #count(component: string, rule: number, reason: string): void {
    const key = `${component}\n${rule}\n${reason}`;
    const times = (this.#failures.get(key)?.times ?? 0) + 1;
    this.#failures.set(key, { component, rule, reason, times });
  }
}

const ruleSets = new WeakMap<FrozenContent, RuleSet>();

/** The rules of frozen content, compiled the first time they are asked for. @throws as the constructor of RuleSet */
export function ruleSetOf(content: FrozenContent): RuleSet {
  const known = ruleSets.get(content);
  if (known !== undefined) return known;
  const rules = new RuleSet(content.rules);
  ruleSets.set(content, rules);
  return rules;
}

function compile(component: string, rule: ComponentRule, index: number): CompiledRule {
  const expression = readExpression(rule.when);
  if ('evaluate' in expression) return { expression, choice: 'hide' in rule ? null : rule.show };
  const field = `rules.${component}[${index}].when`;
  throw new FailedError(
    'RULE_EXPRESSION',
    `Character ${expression.character} of this rule ${expression.message}.`,
    {
      field,
      value: rule.when.slice(0, 200),
      hint: expression.hint,
    },
  );
}

function contactOf({ contactId, email, firstName, lastName, language, facets }: Recipient): RuleContact {
  return {
    id: BigInt(contactId),
    ...(email && { email }),
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(language && { language }),
    facets: new Map(Object.entries(facets).filter(([, value]) => value !== '')),
  };
}
