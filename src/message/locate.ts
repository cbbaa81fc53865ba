/** A place in a campaign definition: keys and indexes from the top, as in `['bodies', 'de', 'subject']`. */
export type DefinitionPath = readonly (string | number)[];

/** Says where a place is, for a message: `autumn.yaml:4:10` where the definition came from a file. */
export type Locate = (path: DefinitionPath) => string;

/** `bodies.de.subject`, `include[0]`; `campaign` for the whole. */
export function dotted(path: DefinitionPath): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** For definitions that came from no file: the place is its name. */
export const locateByName: Locate = (path) => dotted(path) || 'campaign';
