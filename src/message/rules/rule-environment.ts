import { Environment } from '@marcbachmann/cel-js';
import { expressionLimits } from '../../cel/limits.ts';
import { mixedLists, mixedNumbers } from '../../cel/mixed-numbers.ts';
import { dayOf, type FacetType } from '../../domain/facet.ts';

const timestamp = 'google.protobuf.Timestamp';

const person = { id: 'int', email: 'string', firstName: 'string', lastName: 'string', language: 'string' };

const celTypes: Readonly<Record<FacetType, string>> = {
  text: 'string',
  number: 'double',
  boolean: 'bool',
  date: timestamp,
};

function base(): Environment {
  return new Environment({ limits: expressionLimits }).registerFunction(`date(string): ${timestamp}`, dayOf);
}

/** Where every facet is text. */
export const textEnvironment = base().registerVariable({
  name: 'contact',
  schema: { ...person, facets: 'map<string, string>' },
});

/** Where facets have types: evaluates by what the values are. Which they may be is checked by `checkingEnvironment`. */
export const typedEnvironment = mixedNumbers(base()).registerVariable({
  name: 'contact',
  schema: { ...person, facets: 'map<string, dyn>' },
});

/** Checks the types of an expression that asks for these facets; evaluates nothing. */
export function checkingEnvironment(facets: Readonly<Record<string, FacetType>>): Environment {
  const fields = Object.fromEntries(Object.entries(facets).map(([name, type]) => [name, celTypes[type]]));
  return mixedLists(mixedNumbers(base()))
    .registerType('Facets', { fields })
    .registerOperator('string in Facets: bool', () => undefined)
    .registerVariable({ name: 'contact', schema: { ...person, facets: 'Facets' } });
}
