import type { Markup, StartTag } from './markup.ts';

export interface MjmlDefaults {
  /** Whether the element stands in `mj-attributes`: it gives defaults, and is none of the message. */
  isDefault(tag: StartTag): boolean;
  /** An element's attribute: its own, else that of its classes, else of `mj-attributes`. */
  valueOf(tag: StartTag, name: string): string | undefined;
}

/** What the `mj-attributes` of a template give to its elements. */
export function defaultsOf(markup: readonly Markup[]): MjmlDefaults {
  const given = new Set<StartTag>();
  let inside = false;
  for (const one of markup) {
    if (one.kind === 'text') continue;
    if (one.name === 'mj-attributes') inside = one.kind === 'start';
    else if (inside && one.kind === 'start') given.add(one);
  }
  const defaults = byElement(given);
  const from = (key: string, name: string) => defaults.get(key)?.get(name);
  return {
    isDefault: (tag) => given.has(tag),
    valueOf(tag, name) {
      const own = tag.attributes.get(name)?.value;
      if (own !== undefined || !tag.name.startsWith('mj-')) return own;
      const classes = tag.attributes.get('mj-class')?.value.split(/\s+/) ?? [];
      const keys = [...classes.map((one) => `.${one}`), tag.name, 'mj-all'];
      return keys.map((key) => from(key, name)).find((value) => value !== undefined);
    },
  };
}

/** Attributes by the name of the element, and of the class with a dot before it. */
function byElement(given: Iterable<StartTag>): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const defaults = new Map<string, Map<string, string>>();
  for (const { name, attributes } of given) {
    const key = name === 'mj-class' ? `.${attributes.get('name')?.value ?? ''}` : name;
    const values = defaults.get(key) ?? new Map<string, string>();
    for (const [attribute, { value }] of attributes) values.set(attribute, value);
    defaults.set(key, values);
  }
  return defaults;
}
