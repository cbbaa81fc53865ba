import fc from '../../support/fast-check.ts';

/** Facets by their type; those of `w...` have values of another type for some contacts, and are never asked for by has(). */
const facets = {
  string: ['t1', 't2', 'w1'],
  double: ['n1', 'n2', 'w2'],
  bool: ['b1', 'b2', 'w3'],
  timestamp: ['d1', 'd2', 'w4'],
};
type Kind = keyof typeof facets | 'int';

export const texts = ['a', 'A', 'a%_b', '%', '7', '-3', '2.5', '1e3', "x' or true", '\\', 'Ä€漢', ' a '];
export const days = ['1980-02-29', '2024-12-31', '2026-01-01', '2026-11-01'];
export const numbers = [-2, 0, 0.1, 1, 2.5, 7, 42, 1e12];
export const campaigns = ['autumn', 'winter'];
export const lists = ['customers', 'press'];

const quoted = (text: string) => JSON.stringify(text);
const facet = (kind: keyof typeof facets) =>
  fc.constantFrom(...facets[kind]).map((name) => `contact.facets.${name}`);
const comparison = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');

const string: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('contact.email', 'contact.firstName', 'contact.lastName', 'contact.language'),
  facet('string'),
  fc.constantFrom(...texts).map(quoted),
);

const eventCount = fc
  .tuple(
    fc.constantFrom('opens', 'clicks', 'messages', 'bounces', 'complaints', 'unsubscribes'),
    fc.option(fc.constantFrom(1, 5, 30, 400)),
    fc.option(fc.constantFrom(...campaigns)),
  )
  .map(([name, within, campaign]) => {
    const given = [...(within === null ? [] : [within]), ...(campaign === null ? [] : [quoted(campaign)])];
    return `${name}(${given.join(', ')})`;
  });

const timestamp = fc.oneof(
  fc.constantFrom(
    'contact.createdAt',
    'contact.lastOpen',
    'contact.lastClick',
    'contact.lastMessage',
    'today()',
  ),
  facet('timestamp'),
  fc.constantFrom(-400, 0, 1, 30).map((count) => `daysAgo(${count})`),
  fc.constantFrom(...days).map((day) => `date(${quoted(day)})`),
);

const { bool } = fc.letrec<{ int: string; double: string; bool: string; text: string }>((tie) => ({
  int: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('contact.bounceCount', '0', '1', '-3', '7', '9223372036854775807'),
    eventCount,
    tie('text').map((text) => `size(${text})`),
    // Not of what may have become empty: int("") is 0 for this implementation of CEL, and an error for the language.
    string.map((text) => `int(${text})`),
    fc.tuple(tie('text'), tie('text')).map(([text, part]) => `${text}.indexOf(${part})`),
    timestamp.map((at) => `${at}.getMonth()`),
    timestamp.map((at) => `${at}.getDayOfWeek()`),
    fc
      .tuple(tie('int'), fc.constantFrom('+', '-', '*', '/', '%'), tie('int'))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    choice(tie('bool'), tie('int')),
  ),
  double: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    facet('double'),
    fc.constantFrom('0.5', '2.0', '-1.25'),
    tie('text').map((text) => `double(${text})`),
    tie('int').map((number) => `double(${number})`),
    fc
      .tuple(
        tie('double'),
        fc.constantFrom('+', '-', '*'),
        fc.oneof(tie('double'), fc.constantFrom('3', '0')),
      )
      .map(
        ([left, operator, right]) => `(${operator === '+' ? `double(${left})` : left} ${operator} ${right})`,
      ),
    fc.tuple(tie('double'), fc.constantFrom('2', '0.1', '-3')).map(([left, right]) => `(${left} / ${right})`),
    choice(
      tie('bool'),
      tie('double').map((number) => `double(${number})`),
    ),
  ),
  text: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    string,
    tie('text').map((text) => `${text}.trim()`),
    fc.tuple(tie('text'), tie('text')).map(([left, right]) => `(${left} + "" + ${right})`),
    fc
      .tuple(tie('text'), fc.nat(3), fc.nat(3))
      .map(([text, start, more]) => `${text}.substring(${start}, ${start + more})`),
    choice(
      tie('bool'),
      tie('text').map((text) => `(${text} + "")`),
    ),
  ),
  bool: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      facet('bool'),
      fc.constantFrom('true', 'false'),
      fc.constantFrom(...lists).map((list) => `(${quoted(list)} in contact.lists)`),
      fc
        .constantFrom(
          'firstName',
          'language',
          'lastOpen',
          'facets.t1',
          'facets.n1',
          'facets.b1',
          'facets.d1',
          'facets.nobody',
        )
        .map((name) => `has(contact.${name})`),
      fc.constantFrom('t1', 'd2', 'nobody').map((name) => `(${quoted(name)} in contact.facets)`),
    ),
    compared(tie('text'), comparison),
    compared(fc.oneof(tie('int'), tie('double')), comparison),
    compared(timestamp, comparison),
    compared(tie('bool'), fc.constantFrom('==', '!=')),
    fc
      .tuple(tie('text'), fc.constantFrom('contains', 'startsWith', 'endsWith'), tie('text'))
      .map(([text, method, part]) => `${text}.${method}(${part})`),
    fc
      .tuple(tie('text'), fc.uniqueArray(fc.constantFrom(...texts), { minLength: 1, maxLength: 3 }))
      .map(([text, list]) => `(${text} in [${list.map(quoted).join(', ')}])`),
    fc
      .tuple(facet('double'), fc.constantFrom('[1, 7]', '[0.1]'))
      .map(([number, list]) => `(${number} in ${list})`),
    tie('bool').map((one) => `!${one}`),
    fc
      .tuple(tie('bool'), fc.constantFrom('&&', '||'), tie('bool'))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    choice(
      tie('bool'),
      tie('bool').map((one) => `(${one} == true)`),
    ),
  ),
}));

function choice(condition: fc.Arbitrary<string>, value: fc.Arbitrary<string>) {
  return fc.tuple(condition, value, value).map(([when, yes, no]) => `(${when} ? ${yes} : ${no})`);
}

function compared(value: fc.Arbitrary<string>, operator: fc.Arbitrary<string>) {
  return fc.tuple(value, operator, value).map(([left, symbol, right]) => `(${left} ${symbol} ${right})`);
}

/** Two facets are compared by the types that they have, and int() and double() take text and numbers. */
const ofAnyType =
  /contact\.facets\.(?:w\d [=!<>]+ contact\.facets\.|\w\d [=!<>]+ contact\.facets\.w)|(?:int|double)\(contact\.facets\.w/;

/** Conditions of right types, within the bounds of an expression. */
export const randomCondition = bool.filter((text) => text.length <= 1_000 && !ofAnyType.test(text));

const valuesOf: Readonly<Record<Exclude<Kind, 'int'>, fc.Arbitrary<string | number | boolean>>> = {
  string: fc.constantFrom(...texts, ''),
  double: fc.constantFrom(...numbers),
  bool: fc.boolean(),
  timestamp: fc.constantFrom(...days),
};

export type RandomFacets = Readonly<Record<string, string | number | boolean>>;

const wrongValue = fc.constantFrom<string | number | boolean>(5, 'no', true, '2026-02-30', '');
const facetEntries = (Object.keys(facets) as (keyof typeof facets)[]).flatMap((kind) =>
  facets[kind].map((name) => {
    const own = valuesOf[kind];
    const value = name.startsWith('w') ? fc.oneof(own, wrongValue) : own;
    return fc.option(value, { nil: undefined }).map((one) => [name, one] as const);
  }),
);

/** A contact's facets as they stand in the database. */
export const randomFacets: fc.Arbitrary<RandomFacets> = fc
  .tuple(...facetEntries)
  .map((entries) =>
    Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
  );

/** The same as a condition may see them: without what is empty or of another type, days as times. */
export function seenFacets(given: RandomFacets): Map<string, unknown> {
  const kindOf = new Map(
    (Object.keys(facets) as (keyof typeof facets)[]).flatMap((kind) =>
      facets[kind].map((name) => [name, kind] as const),
    ),
  );
  return new Map(
    Object.entries(given).flatMap(([name, value]): [string, unknown][] => {
      const kind = kindOf.get(name);
      if (value === '') return [];
      if (kind === 'timestamp') {
        return typeof value === 'string' && days.includes(value)
          ? [[name, new Date(`${value}T00:00:00Z`)]]
          : [];
      }
      const type = { string: 'string', double: 'number', bool: 'boolean' }[kind ?? 'string'];
      return typeof value === type ? [[name, value]] : [];
    }),
  );
}
