import {
  type Context,
  type Emitter,
  type Liquid,
  type Parser,
  Tag,
  type TagToken,
  type Template,
  type TopLevelToken,
  toValueSync,
} from 'liquidjs';

/**
 * Components of templates: parts of a message that rules swap or hide for a recipient.
 *
 * ```liquid
 * {% component offer %}What everybody gets{% variation vip %}What rules may show instead{% endcomponent %}
 * ```
 *
 * One component may stand in another, also in a variation of it. Names are letters, digits, `-` and `_`.
 */
export const componentName = /^[A-Za-z0-9_-]{1,64}$/;

/** What rules chose for one recipient, by component: the name of a variation, or null for nothing. Left out: the default. */
export type ChosenVariations = ReadonlyMap<string, string | null>;

/** Where in a recipient's scope the chosen variations stand: `_exm.components`. */
export const componentsKey = 'components';

export interface Variation {
  readonly name: string;
  readonly token: TagToken;
  readonly templates: readonly Template[];
}

/** Adds the tags to an engine. */
export function registerComponents(liquid: Liquid): void {
  liquid.registerTag('component', ComponentTag);
  liquid.registerTag('variation', StrayTag);
  liquid.registerTag('endcomponent', StrayTag);
}

export class ComponentTag extends Tag {
  /** Of the component; `name` is the tag's. */
  readonly component: string;
  readonly defaultContent: readonly Template[];
  readonly variations: readonly Variation[];

  constructor(token: TagToken, remainTokens: TopLevelToken[], liquid: Liquid, parser: Parser) {
    super(token, remainTokens, liquid);
    this.component = readName(token);
    const defaultContent: Template[] = [];
    const variations: Variation[] = [];
    let into = defaultContent;
    let isClosed = false;
    const stream = parser
      .parseStream(remainTokens)
      .on('tag:variation', (tag: TagToken) => {
        const name = readName(tag);
        if (variations.some((one) => one.name === name)) {
          throw new Error(`the component "${this.component}" has the variation "${name}" twice`);
        }
        into = [];
        variations.push({ name, token: tag, templates: into });
      })
      .on('tag:endcomponent', () => {
        isClosed = true;
        stream.stop();
      })
      .on('template', (template: Template) => into.push(template));
    stream.start();
    if (!isClosed) {
      throw new Error(`the component "${this.component}" is not closed: {% endcomponent %} is missing`);
    }
    this.defaultContent = defaultContent;
    this.variations = variations;
  }

  *render(context: Context, emitter: Emitter): Generator<unknown, void, unknown> {
    const chosen = chosenIn(context)?.get(this.component);
    if (chosen === null) return;
    const variation = this.variations.find(({ name }) => name === chosen);
    yield this.liquid.renderer.renderTemplates(
      [...(variation?.templates ?? this.defaultContent)],
      context,
      emitter,
    );
  }

  /** All that could be shown: liquidjs' analysis sees the tokens of every variation. */
  *children(): Generator<unknown, Template[]> {
    return [...this.defaultContent, ...this.variations.flatMap(({ templates }) => templates)];
  }
}

/** `{% variation %}` or `{% endcomponent %}` where no component is open, or a tag that was opened after it. */
class StrayTag extends Tag {
  constructor(token: TagToken, remainTokens: TopLevelToken[], liquid: Liquid) {
    super(token, remainTokens, liquid);
    throw new Error(`{% ${token.name} %} stands in no component, or in a tag that is not closed`);
  }

  render(): void {}
}

function readName(token: TagToken): string {
  const name = token.args.trim();
  if (componentName.test(name)) return name;
  throw new Error(
    `{% ${token.name} %} needs a name of at most 64 letters, digits, "-" and "_", as in {% ${token.name} offer %}`,
  );
}

/** Read from what the engine was given, not from the scope: no `assign` of a template can change it. */
function chosenIn(context: Context): ChosenVariations | undefined {
  const own: unknown = Reflect.get(context.environments, '_exm');
  const chosen: unknown =
    typeof own === 'object' && own !== null ? Reflect.get(own, componentsKey) : undefined;
  return chosen instanceof Map ? chosen : undefined;
}

/** The templates that stand in one. */
export function childrenOf(template: Template): readonly Template[] {
  return template.children === undefined ? [] : toValueSync(template.children(false, true));
}

/** All components of a template in order, also those that stand in other tags and in one another. */
export function* componentsIn(templates: readonly Template[]): Generator<ComponentTag> {
  for (const template of templates) {
    if (template instanceof ComponentTag) yield template;
    yield* componentsIn(childrenOf(template));
  }
}
