/** In which languages there are bodies, and which one is for whom. All tags BCP 47, lower case. */
export interface LanguageRules {
  readonly languages: readonly string[];
  /** Languages to try, in order, for people of a language without a body, before the default: `{ca: ['es', 'fr']}`. */
  readonly fallback?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly defaultLanguage: string;
}

/**
 * The language of the body for a person's language: that of RFC 4647 Lookup (`ca-es`, then `ca`), else the same for
 * each language to fall back on, of the longest tag of `fallback` that matches, else the default.
 */
export function chooseLanguage(
  wanted: string,
  { languages, fallback = {}, defaultLanguage }: LanguageRules,
): string {
  const tag = wanted.toLowerCase();
  const own = lookUp(tag, languages);
  if (own !== undefined) return own;
  const key = lookUp(tag, Object.keys(fallback));
  return (key === undefined ? undefined : firstFallback(fallback[key], languages)) ?? defaultLanguage;
}

/** The language with a body that a list of languages to fall back on leads to. */
export function firstFallback(
  wanted: readonly string[] | undefined,
  languages: readonly string[],
): string | undefined {
  for (const tag of wanted ?? []) {
    const found = lookUp(tag, languages);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** RFC 4647 section 3.4: the longest of the tags that is the wanted one, or what is left when subtags are cut off its end. */
function lookUp(wanted: string, tags: readonly string[]): string | undefined {
  return longestFirst(tags).find((tag) => wanted === tag || wanted.startsWith(`${tag}-`));
}

/** Of two tags that match the same language, the longer one is the better one. */
export function longestFirst(tags: readonly string[]): string[] {
  return [...new Set(tags)].sort((a, b) => b.length - a.length);
}
