import type { FacetType } from '../../domain/facet.ts';
import { parseEmailAddress } from '../addresses/email-address.ts';
import { facetExpected, facetJson, isFacetText } from '../facets/facet-value.ts';
import { parseLanguageTag } from '../language-tag.ts';
import type { CsvFault, CsvRecord } from './csv-records.ts';
import type { ContactColumn, ImportColumns, ImportFacet } from './import-columns.ts';

/** Longest first or last name, in UTF-16 units. */
export const nameMaximum = 200;
/** Longest facet value, in UTF-16 units. */
export const facetMaximum = 4_000;
export const bounceCountMaximum = 1_000_000;

/** A row as it is merged into the contacts. Empty text, undefined and left-out facets say nothing: what is known stays. */
export interface ImportRow {
  readonly line: number;
  readonly email: string;
  readonly emailKey: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly language: string;
  /** Facet values by name, as JSON. */
  readonly facets: string;
  readonly doNotMarket: boolean | undefined;
  readonly consentRevoked: boolean | undefined;
  readonly bounceCount: number | undefined;
}

export const refusalReasons = [
  'wrong-number-of-columns',
  'bad-quotes',
  'no-address',
  'bad-address',
  'too-long',
  'control-character',
  'bad-language',
  'bad-boolean',
  'bad-number',
  'bad-date',
  'unknown-list',
  'forgotten',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** A row that was left out. */
export interface RefusedRow {
  /** First line of the row in the file. */
  readonly line: number;
  readonly reason: RefusalReason;
  /** The column that is wrong; empty where it is the row as a whole. */
  readonly column: string;
  /** What stood there, cut at 200 characters. */
  readonly value: string;
  /** What exactly is wrong, or what is expected. */
  readonly detail: string;
}

const valueShown = 200;
export const controlCharacter = /[\p{Cc}\u2028\u2029]/u;
/** A facet may have lines: an address on an envelope has them. */
export const controlCharacterButLines = /[^\P{Cc}\t\r\n]/u;

const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  1: true,
  false: false,
  no: false,
  0: false,
};

/** Decides about one record of the file: a row to merge, or refused with the first thing that is wrong in it. */
export function readRow(record: CsvRecord, columns: ImportColumns): ImportRow | RefusedRow {
  const { line } = record;
  if ('fault' in record) return faultOf(record, columns);
  const { fields } = record;
  const { index } = columns;
  const value = (column: ContactColumn): string => {
    const at = index[column];
    return at === undefined ? '' : (fields[at] ?? '').trim();
  };

  // Not trimmed of line ends: an address with one is hostile, not untidy.
  const email = fields[index.email ?? 0] ?? '';
  const address = parseEmailAddress(email);
  if (!address.ok) {
    return address.reason === 'empty'
      ? refusal(line, 'no-address', 'email', fields.join(', '), 'an address is expected')
      : refusal(line, 'bad-address', 'email', email, address.reason);
  }

  const firstName = value('firstName');
  const lastName = value('lastName');
  const name = badName(line, 'firstName', firstName) ?? badName(line, 'lastName', lastName);
  if (name !== undefined) return name;

  const language = parseLanguageTag(value('language'));
  if (language === undefined) {
    return refusal(
      line,
      'bad-language',
      'language',
      value('language'),
      'a tag such as en or de-AT is expected',
    );
  }

  const doNotMarket = value('doNotMarket').toLowerCase();
  const consentRevoked = value('consentRevoked').toLowerCase();
  if (doNotMarket !== '' && !Object.hasOwn(booleans, doNotMarket))
    return badBoolean(line, 'doNotMarket', doNotMarket);
  if (consentRevoked !== '' && !Object.hasOwn(booleans, consentRevoked)) {
    return badBoolean(line, 'consentRevoked', consentRevoked);
  }

  const bounces = value('bounceCount');
  if (bounces !== '' && (!/^\d{1,7}$/.test(bounces) || Number(bounces) > bounceCountMaximum)) {
    return refusal(
      line,
      'bad-number',
      'bounceCount',
      bounces,
      `a whole number from 0 to ${bounceCountMaximum} is expected`,
    );
  }

  let facets = '';
  for (const facet of columns.facets) {
    const text = (fields[facet.index] ?? '').trim();
    if (text === '') continue;
    if (text.length > facetMaximum) return tooLong(line, facet.name, text, facetMaximum);
    if (controlCharacterButLines.test(text))
      return refusal(line, 'control-character', facet.name, text, 'plain text is expected');
    if (!isFacetText(text, facet.type)) return badFacet(line, facet, text);
    facets += `${facets === '' ? '' : ','}${JSON.stringify(facet.name)}:${facetJson(text, facet.type)}`;
  }

  return {
    line,
    email: address.address,
    emailKey: address.key,
    firstName,
    lastName,
    language,
    facets: `{${facets}}`,
    doNotMarket: booleans[doNotMarket],
    consentRevoked: booleans[consentRevoked],
    bounceCount: bounces === '' ? undefined : Number(bounces),
  };
}

export function isRefused(row: ImportRow | RefusedRow): row is RefusedRow {
  return 'reason' in row;
}

function badName(line: number, column: string, text: string): RefusedRow | undefined {
  if (text.length > nameMaximum) return tooLong(line, column, text, nameMaximum);
  if (controlCharacter.test(text))
    return refusal(line, 'control-character', column, text, 'one line of plain text is expected');
  return undefined;
}

const badFacetReasons = {
  text: 'control-character',
  number: 'bad-number',
  boolean: 'bad-boolean',
  date: 'bad-date',
} as const satisfies Readonly<Record<FacetType, RefusalReason>>;

function badFacet(line: number, { name, type }: ImportFacet, text: string): RefusedRow {
  return refusal(line, badFacetReasons[type], name, text, facetExpected[type]);
}

function badBoolean(line: number, column: string, text: string): RefusedRow {
  return refusal(line, 'bad-boolean', column, text, 'true, false, yes, no, 1 or 0 is expected');
}

function tooLong(line: number, column: string, text: string, maximum: number): RefusedRow {
  return refusal(line, 'too-long', column, text, `${text.length} characters; ${maximum} are allowed`);
}

/** A record of the file that is none. */
export function faultOf(
  { line, fault, text }: { readonly line: number; readonly fault: CsvFault; readonly text: string },
  columns: ImportColumns,
): RefusedRow {
  const detail =
    fault === 'bad-quotes'
      ? 'a quote is missing, or stands inside a value without being doubled'
      : `${columns.count} columns are expected`;
  return refusal(line, fault, '', text, detail);
}

export function refusal(
  line: number,
  reason: RefusalReason,
  column: string,
  value: string,
  detail: string,
): RefusedRow {
  return { line, reason, column, value: shorten(value), detail };
}

/** A copy, so that it does not keep the block of text alive that it was cut from; without half a character at its end. */
function shorten(value: string): string {
  const cut = value.length > valueShown ? `${value.slice(0, valueShown)}…` : value;
  return Buffer.from(cut).toString();
}
