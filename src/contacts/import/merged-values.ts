/**
 * What becomes of a contact when something new is said of it: for each column the SQL of its new value, over the tables
 * `contact` and `row` (as in src/contacts/import/import-staging.ts). The one definition for imports and for single contacts.
 *
 * What is said replaces what was known, what is left empty stays, facets are merged. A "no" stays: `doNotMarket` and
 * `consentRevoked` that are true stay true and `bounceCount` only rises, unless `allowConsentGrant`. The values are computed
 * from the row that is updated, never from an earlier reading of it, so that a "no" given at the same moment stays.
 */
export function mergedValues(allowConsentGrant: boolean): Readonly<Record<string, string>> {
  const text = (column: string) =>
    `case when row.${column} = '' then contact.${column} else row.${column} end`;
  const no = (column: string) =>
    allowConsentGrant
      ? `coalesce(row.${column}, contact.${column})`
      : `(contact.${column} or coalesce(row.${column}, false))`;
  return {
    email: 'row.email',
    first_name: text('first_name'),
    last_name: text('last_name'),
    language: text('language'),
    facets: 'contact.facets || row.facets',
    do_not_market: no('do_not_market'),
    consent_revoked: no('consent_revoked'),
    bounce_count: allowConsentGrant
      ? 'coalesce(row.bounce_count, contact.bounce_count)'
      : 'greatest(contact.bounce_count, row.bounce_count)',
  };
}

/** BounceCount of a new contact, over `row` and `here`, the bounces that were left at its address. By the same rule. */
export function firstBounceCount(allowConsentGrant: boolean): string {
  const [said, left] = ['row.bounce_count', 'here.bounce_count'];
  return allowConsentGrant ? `coalesce(${said}, ${left}, 0)` : `greatest(${said}, ${left}, 0)`;
}
