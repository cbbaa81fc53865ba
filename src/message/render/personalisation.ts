import { analyzeSync, Tag, type Template } from 'liquidjs';
import type { ComponentRule, FrozenBody } from '../content.ts';
import { ComponentTag, childrenOf } from './components.ts';
import { createLiquid } from './liquid.ts';

/**
 * How a body becomes a recipient's: by values that are put in, so that it is rendered once for all, or by rules, so that
 * it is rendered for each.
 */
export type PersonalisationMode = 'token-replacement' | 'rule-based';

/** A tag for which a body has to be rendered for each recipient. */
export interface PersonalisationCause {
  readonly part: 'subject' | 'html' | 'text';
  /** Name of the tag: `if`, `for`, `component`, ... */
  readonly tag: string;
  /** What it depends on: `contact.facets.tier`, or the component's name. */
  readonly on: string;
  /** From 1, in the part. */
  readonly line: number;
  readonly column: number;
}

export interface Personalisation {
  readonly mode: PersonalisationMode;
  readonly causes: readonly PersonalisationCause[];
}

type Rules = Readonly<Record<string, readonly ComponentRule[]>>;

/** What differs from one recipient to the next. Everything else a template can name is the campaign's, or its own. */
const recipientsOwn: readonly unknown[] = [
  'contact',
  'unsubscribeUrl',
  'preferencesUrl',
  'viewOnlineUrl',
  '_exm',
];

/**
 * The mode of a body, and the tags that make it rule-based. Outputs never do: they are values put in. A condition, loop
 * or assignment does where it depends on the recipient (one on campaign values alone does not), and so does a component
 * with rules.
 *
 * @throws liquidjs' errors where the Liquid is wrong.
 */
export function personalisationOf(
  body: Pick<FrozenBody, 'subject' | 'html' | 'text'>,
  rules: Rules = {},
): Personalisation {
  const liquid = createLiquid({ output: 'plain' });
  const causes = (['subject', 'html', 'text'] as const).flatMap((part) =>
    [...causesIn(liquid.parse(body[part]), rules)].map((cause) => ({ part, ...cause })),
  );
  return { mode: causes.length === 0 ? 'token-replacement' : 'rule-based', causes };
}

/** The same for a part that is parsed already. */
export function* causesIn(
  templates: readonly Template[],
  rules: Rules,
): Generator<Omit<PersonalisationCause, 'part'>> {
  for (const template of templates) {
    if (!(template instanceof Tag) || template.name === 'echo') continue;
    const [line = 1, column = 1] = template.token.getPosition();
    if (template instanceof ComponentTag) {
      if (Object.hasOwn(rules, template.component)) {
        yield { tag: 'component', on: template.component, line, column };
      } else {
        yield* causesIn(template.defaultContent, rules);
      }
      continue;
    }
    // What is captured may be asked for by any tag that follows.
    const own = template.name === 'capture' ? template : withoutChildren(template);
    const on = recipientsVariableIn(own);
    if (on !== undefined) yield { tag: template.name, on, line, column };
    else yield* causesIn(childrenOf(template), rules);
  }
}

/** The tag's own arguments, for liquidjs' analysis. */
function withoutChildren(tag: Template): Template {
  return {
    token: tag.token,
    render: () => undefined,
    ...(tag.arguments ? { arguments: () => tag.arguments?.() ?? [] } : {}),
  };
}

function recipientsVariableIn(template: Template): string | undefined {
  const { variables } = analyzeSync([template]);
  return Object.values(variables)
    .flat()
    .find(({ segments }) => recipientsOwn.includes(segments[0]))
    ?.toString();
}
