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
  const from = (isMeant: (tag: StartTag) => boolean, name: string) =>
    [...given].find((tag) => isMeant(tag) && tag.attributes.has(name))?.attributes.get(name)?.value;
  return {
    isDefault: (tag) => given.has(tag),
    valueOf(tag, name) {
      const own = tag.attributes.get(name)?.value;
      if (own !== undefined || !tag.name.startsWith('mj-')) return own;
      const classes = tag.attributes.get('mj-class')?.value.split(/\s+/) ?? [];
      return (
        from(
          (one) => one.name === 'mj-class' && classes.includes(one.attributes.get('name')?.value ?? ''),
          name,
        ) ??
        from((one) => one.name === tag.name, name) ??
        from((one) => one.name === 'mj-all', name)
      );
    },
  };
}
