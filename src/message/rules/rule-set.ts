import type { Recipient } from '../../contacts/audience/recipient.ts';
import { isFacetText } from '../../contacts/facets/facet-value.ts';
import { FailedError } from '../../domain/errors.ts';
import { dayOf, type FacetType, type FacetValue } from '../../domain/facet.ts';
import type { ComponentRule, FrozenContent } from '../content.ts';
import type { ChosenVariations } from '../render/components.ts';
import {
  type RuleContact,
  type RuleExpression,
  type RuleFacetTypes,
  readExpression,
} from './rule-expression.ts';

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

  readonly #types: ReadonlyMap<string, FacetType>;

  /**
   * @param types those that the rules were written for; facets without one are text
   * @throws FailedError RULE_EXPRESSION where a rule is not one; those of a campaign were checked when it was created
   */
  constructor(rules: Readonly<Record<string, readonly ComponentRule[]>> = {}, types: RuleFacetTypes = {}) {
    this.#types = new Map(Object.entries(types));
    this.#components = Object.entries(rules).map(([name, list]) => [
      name,
      list.map((rule, index) => compile(name, rule, index, types)),
    ]);
  }

  /** What this contact gets of each component that has rules. It sees nothing but the contact, and never throws. */
  choose(recipient: Recipient): ChosenVariations {
    if (this.#components.length === 0) return nothingChosen;
    const contact = contactOf(recipient, this.#types);
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
  const rules = new RuleSet(content.rules, content.facetTypes);
  ruleSets.set(content, rules);
  return rules;
}

function compile(component: string, rule: ComponentRule, index: number, types: RuleFacetTypes): CompiledRule {
  const expression = readExpression(rule.when, types);
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

function contactOf(
  { contactId, email, firstName, lastName, language, facets }: Recipient,
  types: ReadonlyMap<string, FacetType>,
): RuleContact {
  return {
    id: BigInt(contactId),
    ...(email && { email }),
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(language && { language }),
    facets: new Map(
      Object.entries(facets).flatMap(([name, value]) => {
        const own = value === '' ? undefined : valueFor(types.get(name) ?? 'text', value);
        return own === undefined ? [] : [[name, own]];
      }),
    ),
  };
}

/**
 * The value as the rules were written for it: a facet may have got another type since. Undefined where it is not to be
 * taken for it; the contact lacks it then.
 */
function valueFor(type: FacetType, value: FacetValue): string | number | boolean | Date | undefined {
  if (type === 'text') return String(value);
  if (typeof value === type) return value;
  const text = String(value);
  if (!isFacetText(text, type)) return undefined;
  return type === 'number' ? Number(text) : type === 'boolean' ? text === 'true' : dayOf(text);
}
