/** Types a free facet may have. `date` is a day, as text: 2026-11-22. */
export const facetTypes = ['text', 'number', 'boolean', 'date'] as const;
export type FacetType = (typeof facetTypes)[number];

export type FacetValue = string | number | boolean;

/** A contact's free facets by name. */
export type FacetValues = Readonly<Record<string, FacetValue>>;

/** The start of a day in UTC. @param text as a value of the type `date` */
export function dayOf(text: string): Date {
  return new Date(`${text}T00:00:00Z`);
}
