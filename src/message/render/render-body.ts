import type { Keys } from '../../config/keys.ts';
import { FailedError } from '../../domain/errors.ts';
import { chooseLanguage } from '../../domain/language-choice.ts';
import { makeToken } from '../../tracking/links/token.ts';
import type { FrozenBody, FrozenContent } from '../content.ts';
import { RecipientFailedError } from '../recipient-failed-error.ts';
import { CompiledTemplate } from './compiled-template.ts';
import { createLiquid, liquidPosition } from './liquid.ts';
import { type BodyRequest, commonScope, Rendering } from './rendering.ts';

/** One recipient's message as text, before MIME. */
export interface RenderedBody {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly variant: number;
  readonly language: string;
}

/** The parts of a body that are filled in. */
export type BodyPart = 'subject' | 'html' | 'text';

/** A body made ready: what is the same for everybody is rendered. */
export interface CompiledBody extends Readonly<Record<BodyPart, CompiledTemplate>> {
  readonly body: FrozenBody;
}

/** @throws liquidjs' errors, where the content was made by another version with other tags. */
export function compileBody(content: FrozenContent, body: FrozenBody): CompiledBody {
  const common = commonScope(content);
  const plain = createLiquid({ output: 'plain', language: body.language });
  const rich = createLiquid({ output: 'html', language: body.language });
  return {
    body,
    subject: new CompiledTemplate(plain, body.subject, common),
    html: new CompiledTemplate(rich, body.html, common),
    text: new CompiledTemplate(plain, body.text, common),
  };
}

/**
 * Does something with a part for one recipient.
 *
 * @throws RecipientFailedError TEMPLATE_RENDER where Liquid fails for this recipient. Its message says where in the
 * template and nothing about the person.
 */
export function fillPart<Result>(
  compiled: CompiledBody,
  part: BodyPart,
  fill: (template: CompiledTemplate) => Result,
): Result {
  try {
    return fill(compiled[part]);
  } catch (error) {
    throw renderFailure(compiled.body, part, error);
  }
}

/** Fills in the bodies of one campaign's frozen content. Each body is compiled once. */
export class BodyRenderer {
  readonly content: FrozenContent;
  readonly #keys: Keys;
  readonly #compiled = new Map<FrozenBody, CompiledBody>();

  constructor(content: FrozenContent, keys: Keys) {
    this.content = content;
    this.#keys = keys;
  }

  /** The recipient's signed token. */
  tokenOf({ recipient, position }: Pick<BodyRequest, 'recipient' | 'position'>): string {
    const { campaignId } = this.content;
    return makeToken({ campaignId, position, contactId: recipient.contactId }, this.#keys);
  }

  /** @throws RecipientFailedError as `fillPart`, FailedError as `chooseBody` */
  render(request: BodyRequest, token = this.tokenOf(request)): RenderedBody {
    const compiled = this.#compile(chooseBody(this.content, request.variant, request.language));
    const rendering = new Rendering(this.content, request, token);
    const fill = (part: BodyPart) => fillPart(compiled, part, (template) => template.fill(rendering));
    const { variant, language } = compiled.body;
    return { subject: fill('subject'), html: fill('html'), text: fill('text'), variant, language };
  }

  #compile(body: FrozenBody): CompiledBody {
    const compiled = this.#compiled.get(body) ?? compileBody(this.content, body);
    this.#compiled.set(body, compiled);
    return compiled;
  }
}

/** Fills in one body, for view online and previews. @throws as `BodyRenderer.render` */
export function renderBody(content: FrozenContent, request: BodyRequest, keys: Keys): RenderedBody {
  return new BodyRenderer(content, keys).render(request);
}

/**
 * The body of a variant for a language, as `chooseLanguage` finds it; an unknown variant falls back to the first.
 * @throws FailedError where the content has no body.
 */
export function chooseBody(content: FrozenContent, variant: number, language: string): FrozenBody {
  const exact = content.bodies.find((one) => one.variant === variant && one.language === language);
  if (exact !== undefined) return exact;
  const variants = [variant, content.bodies[0]?.variant ?? 0];
  for (const number of variants) {
    const bodies = content.bodies.filter((one) => one.variant === number);
    const tag = chooseLanguage(language, { ...content, languages: bodies.map((one) => one.language) });
    const body = bodies.find((one) => one.language === tag);
    if (body !== undefined) return body;
  }
  throw new FailedError('BODY_MISSING', `The content of ${content.campaignId} has no body to send.`, {
    field: 'bodies',
    value: `${variant}/${language}`,
  });
}

function renderFailure(body: FrozenBody, part: string, error: unknown): RecipientFailedError {
  const at = liquidPosition(error);
  const limit = error instanceof Error && /limit exceeded/.test(error.message);
  const where = `${part} of body ${body.language}/${body.variant}${at ? `, line ${at.line}, column ${at.column}` : ''}`;
  // The error of Liquid itself may quote values of the contact: neither its text nor the error is passed on.
  return new RecipientFailedError(
    'TEMPLATE_RENDER',
    `The ${where} ${limit ? 'takes too much time or memory' : 'cannot be filled in'} for this recipient.`,
    { field: where, hint: 'Preview the campaign with this contact and correct the template.' },
  );
}
