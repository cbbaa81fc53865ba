import { InputError } from '../../domain/errors.ts';
import { allBodies, type CampaignBody } from '../all-bodies.ts';
import { type FacetUse, type LiquidSource, sourcesOf } from '../check/tokens.ts';
import type { CampaignDefinition, ComponentRule } from '../content.ts';
import { type DefinitionPath, dotted, type Locate, locateByName } from '../locate.ts';
import { didYouMean } from '../nearest.ts';
import { componentsIn } from '../render/components.ts';
import { createLiquid } from '../render/liquid.ts';
import { componentsMaximum, rulesMaximum } from './limits.ts';
import { type RuleFacetTypes, readExpression } from './rule-expression.ts';

export interface RuleFindings {
  /** Each refuses the campaign. Codes RULE_EXPRESSION, RULE_COMPONENT, RULE_VARIATION, RULE_COUNT, TEMPLATE_COMPONENT. */
  readonly errors: readonly InputError[];
  readonly warnings: readonly string[];
  /** Facets that rules ask for by name. */
  readonly facets: readonly FacetUse[];
}

/** A component at a place of a template. */
interface ComponentUse {
  readonly name: string;
  readonly where: string;
  /** Names of its variations with their places. */
  readonly variations: ReadonlyMap<string, string>;
  /** Words for the body it stands in. */
  readonly body: string;
}

type Rules = Readonly<Record<string, readonly ComponentRule[]>>;

/**
 * Checks rules and components against each other, in every body: language and variant. Liquid that is wrong is left
 * to `checkTokens`.
 */
export function checkRules(definition: CampaignDefinition, locate: Locate = locateByName): RuleFindings {
  const rules = definition.rules ?? {};
  const bodies = allBodies(definition);
  const uses = bodies.flatMap((body) => usesIn(body, locate));
  const expressions = checkExpressions(rules, definition.facetTypes, locate);
  return {
    errors: unique(
      [
        ...checkCounts(rules, locate),
        ...expressions.errors,
        ...checkShown(rules, uses, locate),
        ...checkTwice(uses),
      ],
      ({ message }) => message,
    ),
    warnings: unique(warningsFor(rules, uses, bodies.map(bodyInWords)), (text) => text),
    facets: expressions.facets,
  };
}

function checkCounts(rules: Rules, locate: Locate): InputError[] {
  const names = Object.keys(rules);
  const tooMany = (field: string, where: string, seen: number, most: number, of: string) =>
    new InputError('RULE_COUNT', `${where}: ${field} has ${seen} ${of}; at most ${most} are allowed.`, {
      field: where,
      value: seen,
      hint: 'What many rules tell apart is better a facet of its own, worked out where the contacts come from.',
    });
  return [
    ...(names.length > componentsMaximum
      ? [tooMany('rules', locate(['rules']), names.length, componentsMaximum, 'components')]
      : []),
    ...Object.entries(rules)
      .filter(([, list]) => list.length > rulesMaximum)
      .map(([name, list]) =>
        tooMany(`rules.${name}`, locate(['rules', name]), list.length, rulesMaximum, 'rules'),
      ),
  ];
}

function checkExpressions(
  rules: Rules,
  types: RuleFacetTypes | undefined,
  locate: Locate,
): { errors: InputError[]; facets: FacetUse[] } {
  const errors: InputError[] = [];
  const facets: FacetUse[] = [];
  for (const [name, list] of Object.entries(rules)) {
    for (const [index, { when }] of list.entries()) {
      const place = placeOf(['rules', name, index, 'when'], locate);
      const expression = readExpression(when, types);
      if ('evaluate' in expression) {
        facets.push(...expression.facets.map((facet) => ({ name: facet, where: place })));
        continue;
      }
      const { character, message, hint } = expression;
      const where = `${place}, character ${character}`;
      errors.push(
        new InputError(
          'RULE_EXPRESSION',
          `${where}: the rule ${message}${/[.?]$/.test(message) ? '' : '.'}`,
          {
            field: where,
            value: when.slice(0, 200),
            hint,
          },
        ),
      );
    }
  }
  return { errors, facets };
}

/** Rules name components and variations that stand in the templates. */
function checkShown(rules: Rules, uses: readonly ComponentUse[], locate: Locate): InputError[] {
  const names = uses.map(({ name }) => name);
  return Object.entries(rules).flatMap(([component, list]) => {
    const own = uses.filter(({ name }) => name === component);
    if (own.length === 0) {
      const where = placeOf(['rules', component], locate);
      const guess = didYouMean(component, names);
      return [
        new InputError('RULE_COMPONENT', `${where}: no template has a component "${component}".${guess}`, {
          field: where,
          value: component,
          hint: `A template has it as {% component ${component} %}...{% endcomponent %}.`,
        }),
      ];
    }
    return list.flatMap((rule, index) =>
      'show' in rule
        ? checkVariation(rule.show, own, placeOf(['rules', component, index, 'show'], locate))
        : [],
    );
  });
}

function checkVariation(wanted: string, uses: readonly ComponentUse[], where: string): InputError[] {
  return uses
    .filter(({ variations }) => !variations.has(wanted))
    .map(
      (use) =>
        new InputError(
          'RULE_VARIATION',
          `${where}: the component "${use.name}" at ${use.where} has no variation "${wanted}".${didYouMean(wanted, use.variations.keys())}`,
          {
            field: where,
            value: wanted,
            hint: `Put {% variation ${wanted} %} into it; every language and variant needs it.`,
          },
        ),
    );
}

/** In one text a component stands once: two would be swapped at once, and nobody could tell which was meant. */
function checkTwice(uses: readonly (ComponentUse & { source?: LiquidSource })[]): InputError[] {
  const first = new Map<LiquidSource | undefined, Map<string, string>>();
  return uses.flatMap(({ source, name, where }) => {
    const seen = first.get(source) ?? new Map<string, string>();
    first.set(source, seen);
    const before = seen.get(name);
    if (before === undefined) {
      seen.set(name, where);
      return [];
    }
    return [
      new InputError(
        'TEMPLATE_COMPONENT',
        `${where}: there is a component "${name}" already, at ${before}.`,
        {
          field: where,
          value: name,
          hint: 'Give one of them another name; rules may be the same for both.',
        },
      ),
    ];
  });
}

function warningsFor(rules: Rules, uses: readonly ComponentUse[], bodies: readonly string[]): string[] {
  return [
    ...uses.flatMap(({ name, where, variations }) => {
      const own = Object.hasOwn(rules, name) ? rules[name] : undefined;
      if (own === undefined) {
        return [`${where}: the component "${name}" has no rules: everybody gets its default content.`];
      }
      const shown = own.map((rule) => ('show' in rule ? rule.show : undefined));
      return [...variations]
        .filter(([variation]) => !shown.includes(variation))
        .map(
          ([variation, at]) =>
            `${at}: no rule shows the variation "${variation}" of the component "${name}".`,
        );
    }),
    ...Object.keys(rules).flatMap((component) => {
      const having = new Set(uses.filter(({ name }) => name === component).map(({ body }) => body));
      if (having.size === 0) return [];
      return bodies
        .filter((body) => !having.has(body))
        .map((body) => `${body} has no component "${component}": its rules change nothing there.`);
    }),
  ];
}

function placeOf(path: DefinitionPath, locate: Locate): string {
  const [at, name] = [locate(path), dotted(path)];
  return at === name ? name : `${at}: ${name}`;
}

function bodyInWords({ language, letter }: CampaignBody): string {
  return `The body in ${language}${letter === undefined ? '' : ` of variant ${letter}`}`;
}

function usesIn(one: CampaignBody, locate: Locate): (ComponentUse & { source: LiquidSource })[] {
  const liquid = createLiquid({ output: 'plain' });
  return sourcesOf(one.body, one.path, locate).flatMap((source) => {
    const place = (token: { getPosition(): number[] }) => {
      const [line = 1, column = 1] = token.getPosition();
      return source.place(line, column);
    };
    try {
      return [...componentsIn(liquid.parse(source.text))].map(({ component, token, variations }) => ({
        name: component,
        where: place(token),
        variations: new Map(variations.map((variation) => [variation.name, place(variation.token)])),
        body: bodyInWords(one),
        source,
      }));
    } catch {
      return [];
    }
  });
}

function unique<T>(all: readonly T[], keyOf: (one: T) => string): T[] {
  return [...new Map(all.map((one) => [keyOf(one), one])).values()];
}
