import { decodeEntities, encodeEntities } from './entities.ts';

/** An image that HTML or MJML names. */
export interface ImageReference {
  /** As it stands there, its character references resolved. */
  readonly address: string;
  /** Where it stands, in characters from the beginning of the text. */
  readonly begin: number;
  readonly end: number;
}

/** Attributes that hold the address of an image, and the elements (of HTML, VML and MJML) on which they do. */
const imageAttributes: Readonly<Record<string, RegExp>> = {
  src: /^(?:img|image|input|v:.+|mj-.+)$/,
  srcset: /^(?:img|mj-.+)$/,
  background: /^(?!mj-|v:)/,
  'background-url': /^mj-/,
  'thumbnails-src': /^mj-/,
  'icon-wrapped-url': /^mj-/,
  'icon-unwrapped-url': /^mj-/,
};

const element = /<([a-z][a-z0-9:-]*)\s(?:[^<>"']|"[^"]*"|'[^']*')*>/gi;
const attribute = /\s([^\s"'=<>/]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/dg;
const styleBlock = /(<(mj-style|style)\b[^<>]*>)([\s\S]*?)<\/\2\s*>/gi;
const styleUrl = /\burl\(\s*(?:"([^"]*)"|'([^']*)'|&quot;(.*?)&quot;|&#39;(.*?)&#39;|([^\s"'()]+))\s*\)/dgi;
const candidate = /([^\s,]\S*[^\s,]|[^\s,])(?:\s+[^\s,]+)?/dg;

/** The images of a text, in order: those of elements, of backgrounds and of styles. It may be masked. */
export function findImages(text: string): ImageReference[] {
  const found: ImageReference[] = [];
  for (const { 0: all, 1: name = '', index } of text.matchAll(element)) {
    found.push(...inElement(all, name.toLowerCase(), index));
  }
  for (const { 1: tag = '', 3: css = '', index } of text.matchAll(styleBlock)) {
    found.push(...groupsOf(css, styleUrl, index + tag.length));
  }
  return found.sort((a, b) => a.begin - b.begin);
}

/** Puts other addresses into a text. @param replace gives an image's other address, or undefined to leave it */
export function replaceImages(
  text: string,
  replace: (reference: ImageReference) => string | undefined,
): string {
  let replaced = '';
  let copied = 0;
  for (const reference of findImages(text)) {
    const address = replace(reference);
    if (address === undefined) continue;
    replaced += text.slice(copied, reference.begin) + encodeEntities(address);
    copied = reference.end;
  }
  return replaced + text.slice(copied);
}

function inElement(tag: string, element: string, at: number): ImageReference[] {
  return [...tag.matchAll(attribute)].flatMap((match) => {
    const name = (match[1] ?? '').toLowerCase();
    const isImage = imageAttributes[name]?.test(element) === true;
    if (!isImage && name !== 'style') return [];
    const value = written(match, 2, at);
    if (value === undefined) return [];
    if (name === 'style') return groupsOf(value.raw, styleUrl, value.begin);
    if (name === 'srcset') return groupsOf(value.raw, candidate, value.begin);
    return [{ address: decodeEntities(value.raw), begin: value.begin, end: value.begin + value.raw.length }];
  });
}

function groupsOf(text: string, pattern: RegExp, at: number): ImageReference[] {
  return [...text.matchAll(pattern)].flatMap((match) => {
    const value = written(match, 1, at);
    if (value === undefined) return [];
    return [{ address: decodeEntities(value.raw), begin: value.begin, end: value.begin + value.raw.length }];
  });
}

/** The first group of a match, from a number on, that took part in it. */
function written(
  match: RegExpExecArray,
  from: number,
  at: number,
): { raw: string; begin: number } | undefined {
  for (let group = from; group < match.length; group++) {
    const raw = match[group];
    const begin = match.indices?.[group]?.[0];
    if (raw !== undefined && begin !== undefined) return { raw, begin: at + begin };
  }
  return undefined;
}
