import type { Recipient } from '../../contacts/audience/recipient.ts';
import type { FacetValues } from '../../domain/facet.ts';
import { trackingPaths, viewTestQuery } from '../../tracking/links/links.ts';
import type { FrozenContent } from '../content.ts';
import { ruleSetOf } from '../rules/rule-set.ts';
import { componentsKey } from './components.ts';
import { scopeObject } from './liquid.ts';

export interface BodyRequest {
  readonly recipient: Recipient;
  /** Position in the dispatch queue, from 1; 0 for a test message. */
  readonly position: number;
  readonly variant: number;
  readonly language: string;
}

/** What one recipient's message is filled in with. */
export class Rendering {
  readonly recipient: Recipient;
  readonly #content: FrozenContent;
  readonly #request: BodyRequest;
  #scope: Record<string, unknown> | undefined;

  constructor(
    content: FrozenContent,
    request: BodyRequest,
    /** The recipient's signed token. */
    readonly token: string,
  ) {
    this.recipient = request.recipient;
    this.#content = content;
    this.#request = request;
  }

  get unsubscribeUrl(): string {
    return this.#content.baseUrl + trackingPaths.unsubscribe(this.token);
  }

  get preferencesUrl(): string {
    return this.#content.baseUrl + trackingPaths.preferences(this.token);
  }

  get viewOnlineUrl(): string {
    const { position, variant, language } = this.#request;
    const testQuery = position === 0 ? viewTestQuery(variant, language) : '';
    return this.#content.baseUrl + trackingPaths.view(this.token) + testQuery;
  }

  /** What templates and links see: this contact's own values, the campaign's, and the links to our own pages. */
  get scope(): Record<string, unknown> {
    this.#scope ??= scopeObject({
      ...commonScope(this.#content),
      contact: contactScope(this.recipient),
      unsubscribeUrl: this.unsubscribeUrl,
      preferencesUrl: this.preferencesUrl,
      viewOnlineUrl: this.viewOnlineUrl,
      _exm: scopeObject({
        token: this.token,
        [componentsKey]: ruleSetOf(this.#content).choose(this.recipient),
      }),
    });
    return this.#scope;
  }
}

const commonScopes = new WeakMap<FrozenContent, Readonly<Record<string, unknown>>>();

/** What is the same for every recipient of a campaign: made once. */
export function commonScope(content: FrozenContent): Readonly<Record<string, unknown>> {
  const known = commonScopes.get(content) ?? makeCommonScope(content);
  commonScopes.set(content, known);
  return known;
}

function makeCommonScope(content: FrozenContent): Readonly<Record<string, unknown>> {
  const values = scopeObject(content.values);
  return {
    campaign: scopeObject({ ...values, id: content.campaignId, name: content.name, values }),
    managerRoot: scopeObject(content.managerRoot ?? {}),
  };
}

function contactScope({ contactId, email, firstName, lastName, language, facets }: Recipient) {
  const own = scopeObject(withoutEmpty(facets));
  return scopeObject({
    ...own,
    ...withoutEmpty({ email, firstName, lastName, language }),
    id: contactId,
    facets: own,
  });
}

/** Liquid takes an empty text for true; what a contact lacks must be false in `{% if %}`. */
function withoutEmpty(values: FacetValues): FacetValues {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}
