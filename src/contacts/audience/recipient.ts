import type { FacetValues } from '../../domain/facet.ts';

/** One queued person as the message engine sees them: only that contact's own facets. */
export interface Recipient {
  readonly contactId: number;
  /** The preferred address. */
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  /** BCP 47, lower case; empty where unknown. */
  readonly language: string;
  readonly facets: FacetValues;
}
