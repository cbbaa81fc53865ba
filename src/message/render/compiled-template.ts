import { Context, type Liquid, type Template, TokenKind } from 'liquidjs';
import { scopeObject } from './liquid.ts';
import type { Rendering } from './rendering.ts';
import { simpleOutput } from './simple-output.ts';

/** Text that everybody gets, or the index of a value that each recipient has of their own. */
export type Piece = string | number;

/** A value of one recipient, as text fit for where it stands. */
type Evaluate = (rendering: Rendering, context: () => Context) => string;

/** Names that templates may not take for variables of their own without losing what is known of them beforehand. */
const roots = [
  'contact',
  'campaign',
  'managerRoot',
  'unsubscribeUrl',
  'preferencesUrl',
  'viewOnlineUrl',
  '_exm',
];
/** Roots whose values are the same for everybody. */
const commonRoots = new Set(['campaign', 'managerRoot']);
/** Tags that leave something behind for what follows, and what differs each time: done for each recipient, in order. */
const stateful = /\b(?:assign|capture|increment|decrement|cycle|continue|break|component|liquid)\b/;
const changing = /["'](?:now|today)["']|\|\s*(?:sample|shuffle)\b/;
/** A loop that goes on where another one stopped. */
const carriesOn = /\boffset\s*:\s*continue\b/;

/**
 * A Liquid template taken apart at its top level: what is the same for everybody is rendered once, here; the rest is
 * left as values. Filled in, it is what liquidjs makes of the whole, but for `break` and `continue` outside of a loop,
 * which do nothing.
 */
export class CompiledTemplate {
  readonly pieces: readonly Piece[];
  readonly #values: readonly Evaluate[];
  readonly #liquid: Liquid;

  /** @param common what is the same for everybody: `campaign` and `managerRoot` */
  constructor(liquid: Liquid, source: string, common: Readonly<Record<string, unknown>>) {
    this.#liquid = liquid;
    const nodes = liquid.parse(source);
    const { locals } = liquid.analyzeSync(nodes);
    const isPlain = !Object.keys(locals).some((name) => roots.includes(name));
    const isInAdvance = isPlain && !carriesOn.test(source);
    const pieces: Piece[] = [];
    const values: Evaluate[] = [];
    nodes.forEach((node, index) => {
      const own = source.slice(node.token.begin, nodes[index + 1]?.token.begin ?? source.length);
      const text = isInAdvance ? renderCommon(liquid, node, own, common) : renderText(liquid, node);
      if (text === undefined) pieces.push(values.push(evaluator(liquid, node, own, isPlain)) - 1);
      else if (typeof pieces.at(-1) === 'string') pieces.push(`${pieces.pop()}${text}`);
      else if (text !== '') pieces.push(text);
    });
    this.pieces = pieces;
    this.#values = values;
  }

  /** True where every recipient gets the same. */
  get isStatic(): boolean {
    return this.#values.length === 0;
  }

  /**
   * One recipient's values, in order. A second try is made where the first ran out of time: its clock goes on while
   * the process is frozen or starved, and a healthy template must not fail for that.
   *
   * @throws liquidjs' RenderError
   */
  values(rendering: Rendering): string[] {
    try {
      return this.#evaluate(rendering);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('template render limit exceeded'))
        throw error;
      return this.#evaluate(rendering);
    }
  }

  /** The whole text for one recipient. @throws liquidjs' RenderError */
  fill(rendering: Rendering): string {
    const values = this.values(rendering);
    return this.pieces.map((piece) => (typeof piece === 'string' ? piece : values[piece])).join('');
  }

  #evaluate(rendering: Rendering): string[] {
    let context: Context | undefined;
    const shared = () => {
      // `increment` and `decrement` write to the scope: each rendering has its own.
      context ??= new Context(
        scopeObject(rendering.scope),
        this.#liquid.options,
        { sync: true },
        { liquid: this.#liquid },
      );
      return context;
    };
    return this.#values.map((evaluate) => evaluate(rendering, shared));
  }
}

function evaluator(liquid: Liquid, node: Template, source: string, isPlain: boolean): Evaluate {
  const render: Evaluate = (_, context) => {
    const shared = context();
    const text = String(liquid.renderSync([node], shared));
    shared.breakCalled = false;
    shared.continueCalled = false;
    return text;
  };
  const simple = isPlain ? simpleOutput(source, liquid.options.outputEscape !== undefined) : undefined;
  return simple === undefined
    ? render
    : (rendering, context) => simple(rendering) ?? render(rendering, context);
}

/** A node's text where it is the same for everybody; undefined where it is not, or cannot be rendered beforehand. */
function renderCommon(
  liquid: Liquid,
  node: Template,
  source: string,
  common: Readonly<Record<string, unknown>>,
): string | undefined {
  if (isText(node)) return renderText(liquid, node);
  if (stateful.test(source) || changing.test(source)) return undefined;
  const { globals } = liquid.analyzeSync([node]);
  if (!Object.values(globals).every((uses) => uses.every(({ segments }) => isCommon(segments[0]))))
    return undefined;
  try {
    return String(liquid.renderSync([node], scopeObject(common)));
  } catch {
    return undefined;
  }
}

function isCommon(root: unknown): boolean {
  return typeof root === 'string' && commonRoots.has(root);
}

function isText(node: Template): boolean {
  return node.token.kind === TokenKind.HTML;
}

function renderText(liquid: Liquid, node: Template): string | undefined {
  return isText(node) ? String(liquid.renderSync([node], {})) : undefined;
}
