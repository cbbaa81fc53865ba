/**
 * Writes demo/contacts.csv: about 3,000 invented people, some without consent, some twice, and some rows that are
 * damaged on purpose. The same seed writes the same file. Run with `npx jiti scripts/make-demo-contacts.ts [FILE]`.
 */
import { writeFileSync } from 'node:fs';
import { packagePath } from '../src/package-path.ts';

const seed = 20_240_613;
const people = 2_950;
const duplicates = 40;

interface Culture {
  /** How often, against the others. */
  readonly weight: number;
  readonly languages: readonly string[];
  readonly cities: readonly string[];
  readonly domains: readonly string[];
  /** `Native` or `Native/roman`, where the address is not simply the name without accents. */
  readonly given: string;
  readonly family: string;
}

const everywhere = ['example.com', 'example.org', 'example.net', 'mail.example'];

const cultures: readonly Culture[] = [
  {
    weight: 22,
    languages: ['en', 'en', 'en-gb', 'en-us', 'en-ie'],
    cities: ['London', 'Leeds', 'Dublin', 'Boston', 'Edinburgh', 'Cardiff', 'Toronto'],
    domains: [...everywhere, 'post.example'],
    given:
      'Emma Olivia Noah James Amelia Jack Grace Harry Isla Arthur Freya Oscar Ruby Leo Zoë Siân Seán Niamh Róisín Callum Priya Imani',
    family:
      "Smith Jones Taylor Brown Wilson Evans Walker Wright Hughes Green Hall Clarke Murphy O'Brien O'Neill Byrne Patel Okafor Brontë",
  },
  {
    weight: 20,
    languages: ['de', 'de', 'de', 'de-at', 'de-ch'],
    cities: ['Berlin', 'München', 'Köln', 'Düsseldorf', 'Wien', 'Zürich', 'Graz', 'Nürnberg'],
    domains: [...everywhere, 'bücher.example', 'briefe.example'],
    given:
      'Jürgen Käthe Björn Sören Anneliese Matthias Günther Lena Paul Jana Lukas Mia Felix Hannah Änne Jörg Ömer Bärbel Uwe Ulrike',
    family:
      'Müller Schäfer Weiß Groß Köhler König Jäger Böhm Schröder Vogel Krüger Hoffmann Wagner Becker Yılmaz Größer Öztürk Bauer',
  },
  {
    weight: 14,
    languages: ['fr', 'fr', 'fr-ca', 'fr-be', 'fr-ch'],
    cities: ['Paris', 'Lyon', 'Montréal', 'Genève', 'Liège', 'Besançon', 'Nîmes'],
    domains: [...everywhere, 'courrier.example'],
    given:
      'Zoé Chloé Léa Élodie Amélie François Benoît Jérôme Noël Agnès Hélène Théo Aïcha Loïc Maël Anaïs Mathéo Gaëlle Inès Rémi',
    family:
      'Lefèvre Dupont Moreau Gérard Béranger Côté Bélanger Renée Garçon Faÿ Poirier Fontaine Chevalier Rivière Benoît Diallo',
  },
  {
    weight: 12,
    languages: ['es', 'es', 'es-mx', 'es-ar'],
    cities: ['Málaga', 'Córdoba', 'Bogotá', 'Ciudad de México', 'A Coruña', 'Cádiz', 'Rosario'],
    domains: [...everywhere, 'correo.example'],
    given:
      'José María Lucía Íñigo Ángel Sofía Andrés Iván Begoña Raúl Inés Martín Óscar Mónica Núria Joaquín Belén Xiomara Jesús',
    family:
      'García Muñoz Núñez Peña López Hernández Ibáñez Gómez Fernández Pérez Sáenz Zúñiga Domínguez Güell Vázquez Castaño',
  },
  {
    weight: 10,
    languages: ['pl'],
    cities: ['Wrocław', 'Łódź', 'Kraków', 'Gdańsk', 'Poznań', 'Białystok', 'Rzeszów'],
    domains: [...everywhere, 'poczta.example', 'żółw.example'],
    given:
      'Łukasz Małgorzata Wojciech Agnieszka Paweł Jakub Zofia Michał Grażyna Stanisław Bożena Krzysztof Żaneta Jędrzej Róża',
    family:
      'Wiśniewski Wójcik Kowalczyk Zieliński Dąbrowski Woźniak Kozłowska Szymańska Jabłoński Król Pawłowska Żuraw Gołąb Sęk',
  },
  {
    weight: 8,
    languages: ['ja'],
    cities: ['東京', '大阪', '京都', '札幌', '横浜', '福岡'],
    domains: [...everywhere, 'tegami.example'],
    given:
      '翔太/shota 美咲/misaki 健/ken 陽菜/hina 大輔/daisuke さくら/sakura 蓮/ren 葵/aoi 拓海/takumi 結衣/yui 直樹/naoki 恵/megumi',
    family:
      '佐藤/sato 鈴木/suzuki 高橋/takahashi 田中/tanaka 渡辺/watanabe 伊藤/ito 山本/yamamoto 中村/nakamura 小林/kobayashi 斎藤/saito',
  },
  {
    weight: 6,
    languages: ['da', 'da', 'sv', 'nb'],
    cities: ['Aarhus', 'København', 'Malmö', 'Göteborg', 'Tromsø', 'Ærøskøbing'],
    domains: [...everywhere, 'brev.example'],
    given: 'Søren Åse Bjørn Jørgen Freja Malthe Liv Signe Håkon Göran Åsa Märta Øyvind Ingrid Kåre Tuva',
    family: 'Ødegård Sørensen Nygård Østergaard Lindström Åkerblom Kjær Møller Bråten Sjöberg Holm Dahl',
  },
  {
    weight: 4,
    languages: ['it', 'pt', 'pt-br'],
    cities: ['Forlì', 'Milano', 'São Paulo', 'Lisboa', 'Guimarães', 'Palermo'],
    domains: everywhere,
    given: 'Niccolò Giulia Matteo Chiara João Inês Antônio Conceição Tomás Beatriz Noè Desirée',
    family: 'Rossi Esposito Ferrari Conti Gonçalves Araújo Magalhães Simões Assunção Marinò',
  },
  {
    weight: 2,
    languages: ['cs', 'hu', 'el', 'uk'],
    cities: ['Plzeň', 'Győr', 'Αθήνα', 'Київ'],
    domains: everywhere,
    given: 'Jiří Žofie Béla Zsófia Ελένη/eleni Γιώργος/giorgos Олена/olena Тарас/taras',
    family:
      'Dvořák Šťastná Kovács Szőke Παπαδάκης/papadakis Ιωάννου/ioannou Шевченко/shevchenko Коваль/koval',
  },
  {
    weight: 2,
    languages: [''],
    cities: ['', 'Singapore', 'Nairobi'],
    domains: everywhere,
    given: 'Alex Sam Robin Kim Wanjiru Mei Arjun Fatima',
    family: 'Lee Tan Otieno Singh Ahmed Chen Mwangi Kaur',
  },
];

const interests = ['garden', 'travel', 'books', 'music', 'cooking', 'cycling', 'cinema', ''];

/** Each is wrong in its own way, and only in itself. */
const damaged: readonly string[] = [
  'hanna.berg@example.com,Hanna,Berg,de',
  'only@example.org',
  'tom.gray@example.net,Tom,Gray,en,no,no,Leeds,2021-03-04,books,extra',
  'peter.example.com,Peter,Quill,en,no,no,London,2020-01-02,music',
  'two@at@example.com,Tara,Two,en,no,no,Dublin,2019-05-06,travel',
  'mary ann@example.org,Mary,Ann,en,no,no,Boston,2018-07-08,garden',
  'Karl <karl@example.com>,Karl,Lang,de,no,no,Wien,2022-09-10,books',
  ',Nobody,Nowhere,en,no,no,Cardiff,2023-11-12,music',
  'eva.open@example.net,"Eva,Open,pl,no,no,Kraków,2021-02-03,cinema',
  'rob.inner@example.com,Rob "Bobby,Inner,en,no,no,London,2020-04-05,cooking',
  'ines.maybe@example.org,Inés,Maybe,es,maybe,no,Cádiz,2019-06-07,cycling',
  'jan.language@example.com,Jan,Language,polish,no,no,Gdańsk,2018-08-09,travel',
  `${'long'.repeat(17)}@example.net,Long,Local,en,no,no,Toronto,2017-10-11,books`,
];

/** mulberry32: small, and the same everywhere. */
function randomNumbers(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = randomNumbers(seed);
const below = (limit: number) => Math.floor(random() * limit);
function pick<T>(items: readonly T[]): T {
  const item = items[below(items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

const weighted = cultures.flatMap((culture) => Array.from({ length: culture.weight }, () => culture));
const letters: Readonly<Record<string, string>> = {
  ł: 'l',
  ø: 'o',
  ß: 'ss',
  æ: 'ae',
  ı: 'i',
  å: 'aa',
  ä: 'ae',
  ö: 'oe',
  ü: 'ue',
  đ: 'd',
  ÿ: 'y',
};

function person(number: number): { email: string; rest: string[] } {
  const culture = pick(weighted);
  const [given = '', givenRoman = romanized(given)] = pick(culture.given.split(' ')).split('/');
  const [family = '', familyRoman = romanized(family)] = pick(culture.family.split(' ')).split('/');
  const local = pick([
    `${givenRoman}.${familyRoman}`,
    `${givenRoman}${familyRoman.slice(0, 1)}`,
    `${givenRoman.slice(0, 1)}.${familyRoman}`,
    `${familyRoman}_${givenRoman}`,
  ]);
  const consent = random();
  return {
    email: `${local}${number}@${pick(culture.domains)}`,
    rest: [
      given,
      family,
      pick(culture.languages),
      consent < 0.03 ? 'yes' : pick(['no', 'no', '']),
      consent >= 0.03 && consent < 0.05 ? 'yes' : pick(['no', 'no', '']),
      pick(culture.cities),
      day(),
      pick(interests),
    ],
  };
}

function romanized(name: string): string {
  return [...name.toLowerCase()]
    .map((letter) => letters[letter] ?? letter.normalize('NFKD').replace(/[^a-z]/g, ''))
    .join('');
}

function day(): string {
  return new Date(Date.UTC(2012, 0, 1) + below(12 * 365) * 86_400_000).toISOString().slice(0, 10);
}

const quoted = (value: string) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

const rows: string[] = [];
const written: { email: string; rest: string[] }[] = [];
for (let number = 1; number <= people; number++) {
  const one = person(number);
  // A few values that have to be quoted.
  if (number % 400 === 7) one.rest[0] = `${one.rest[0]}, Dr.`;
  if (number % 900 === 11) one.rest[5] = `${one.rest[5]} "old town"`;
  written.push(one);
  rows.push([one.email, ...one.rest].map(quoted).join(','));
}
for (let i = 0; i < duplicates; i++) {
  const { email, rest } = pick(written.slice(i * 70, (i + 1) * 70));
  const [local = '', domain = ''] = email.split('@');
  const variant = pick([
    email.toUpperCase(),
    `${local}@${domain.toUpperCase()}`,
    `${local.slice(0, 1).toUpperCase()}${local.slice(1)}@${domain}`,
  ]);
  rows.splice(below(rows.length), 0, [variant, ...rest].map(quoted).join(','));
}
damaged.forEach((row, i) => {
  rows.splice(Math.floor(((i + 0.5) / damaged.length) * rows.length), 0, row);
});

const header = 'email,firstName,lastName,language,doNotMarket,consentRevoked,city,customerSince,interest';
writeFileSync(process.argv[2] ?? packagePath('demo/contacts.csv'), `${header}\n${rows.join('\n')}\n`);
