import type { Template } from 'liquidjs';
import type { Keys } from '../config/keys.ts';
import type { Recipient } from '../contacts/recipient.ts';
import { FailedError } from '../domain/errors.ts';
import { trackingPaths, viewTestQuery } from '../tracking/links.ts';
import { makeToken } from '../tracking/token.ts';
import type { FrozenBody, FrozenContent } from './content.ts';
import { createLiquid, fillIn, liquidPosition, scopeObject } from './liquid.ts';
import { RecipientFailedError } from './recipient-failed-error.ts';

/** One recipient's message as text, before MIME. */
export interface RenderedBody {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly variant: number;
  readonly language: string;
}

export interface BodyRequest {
  readonly recipient: Recipient;
  /** Position in the dispatch queue, from 1; 0 for a test message. */
  readonly position: number;
  readonly variant: number;
  readonly language: string;
}

type LiquidEngine = ReturnType<typeof createLiquid>;

interface ParsedBody {
  readonly body: FrozenBody;
  readonly plain: LiquidEngine;
  readonly rich: LiquidEngine;
  readonly subject: Template[];
  readonly html: Template[];
  readonly text: Template[];
}

/** Fills in the bodies of one campaign's frozen content. Each body is parsed once. */
export class BodyRenderer {
  readonly content: FrozenContent;
  readonly #keys: Keys;
  readonly #parsed = new Map<FrozenBody, ParsedBody>();

  constructor(content: FrozenContent, keys: Keys) {
    this.content = content;
    this.#keys = keys;
  }

  /** The recipient's signed token. */
  tokenOf({ recipient, position }: Pick<BodyRequest, 'recipient' | 'position'>): string {
    const { campaignId } = this.content;
    return makeToken({ campaignId, position, contactId: recipient.contactId }, this.#keys);
  }

  /**
   * @throws RecipientFailedError TEMPLATE_RENDER where Liquid fails for this recipient. Its message says where in the template
   * and nothing about the person.
   */
  render(request: BodyRequest, token = this.tokenOf(request)): RenderedBody {
    const parsed = this.#parse(chooseBody(this.content, request.variant, request.language));
    const scope = scopeFor(this.content, request, token);
    const { body, plain, rich } = parsed;
    const fill = (part: 'subject' | 'html' | 'text', engine: LiquidEngine): string => {
      try {
        return fillIn(engine, parsed[part], scope);
      } catch (error) {
        throw renderFailure(body, part, error);
      }
    };
    return {
      subject: fill('subject', plain),
      html: fill('html', rich),
      text: fill('text', plain),
      variant: body.variant,
      language: body.language,
    };
  }

  #parse(body: FrozenBody): ParsedBody {
    const known = this.#parsed.get(body);
    if (known !== undefined) return known;
    const plain = createLiquid({ output: 'plain', language: body.language });
    const rich = createLiquid({ output: 'html', language: body.language });
    const parsed = {
      body,
      plain,
      rich,
      subject: plain.parse(body.subject),
      html: rich.parse(body.html),
      text: plain.parse(body.text),
    };
    this.#parsed.set(body, parsed);
    return parsed;
  }
}

/** Fills in one body, for view online and previews. @throws as `BodyRenderer.render` */
export function renderBody(content: FrozenContent, request: BodyRequest, keys: Keys): RenderedBody {
  return new BodyRenderer(content, keys).render(request);
}

/**
 * The body of a variant in a language: the very one, else that of the language without region, else that of the
 * default language; an unknown variant falls back to the first. @throws FailedError where the content has no body.
 */
export function chooseBody(content: FrozenContent, variant: number, language: string): FrozenBody {
  const wanted = language.toLowerCase();
  const tags = [wanted, wanted.split('-')[0] ?? wanted, content.defaultLanguage];
  const variants = [variant, content.bodies[0]?.variant ?? 0];
  for (const number of variants) {
    for (const tag of tags) {
      const body = content.bodies.find((one) => one.variant === number && one.language === tag);
      if (body !== undefined) return body;
    }
  }
  throw new FailedError('BODY_MISSING', `The content of ${content.campaignId} has no body to send.`, {
    field: 'bodies',
    value: `${variant}/${language}`,
  });
}

/** What templates and links see: this contact's own values, the campaign's, and the links to our own pages. */
export function scopeFor(
  content: FrozenContent,
  { recipient, position, variant, language }: BodyRequest,
  token: string,
): Record<string, unknown> {
  const { email, firstName, lastName, facets } = recipient;
  const own = scopeObject(withoutEmpty(facets));
  const contact = {
    ...own,
    ...withoutEmpty({ email, firstName, lastName, language: recipient.language }),
    id: recipient.contactId,
    facets: own,
  };
  const values = scopeObject(content.values);
  const testQuery = position === 0 ? viewTestQuery(variant, language) : '';
  return scopeObject({
    contact: scopeObject(contact),
    campaign: scopeObject({ ...values, id: content.campaignId, name: content.name, values }),
    unsubscribeUrl: content.baseUrl + trackingPaths.unsubscribe(token),
    viewOnlineUrl: content.baseUrl + trackingPaths.view(token) + testQuery,
    _exm: scopeObject({ token }),
  });
}

/** Liquid takes an empty text for true; what a contact lacks must be false in `{% if %}`. */
function withoutEmpty(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
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
