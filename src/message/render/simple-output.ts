import type { Recipient } from '../../contacts/audience/recipient.ts';
import type { Rendering } from './rendering.ts';

/** A value without Liquid's machinery; undefined where it is neither text nor a number, and Liquid has to say what it prints as. */
export type SimpleOutput = (rendering: Rendering) => string | undefined;

/** `{{ path }}` or `{{ path | default: "text" }}`; names that liquidjs gives a meaning of its own are none of it. */
const simple =
  /^\{\{-?\s*((?:contact|unsubscribeUrl|preferencesUrl|viewOnlineUrl|_exm)(?:\.[A-Za-z_][\w-]*)*)\s*(?:\|\s*default:\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*)?-?\}\}$/;
const special = /\.(?:size|first|last)\b/;

/**
 * The commonest outputs, done by hand: a value of the contact or a link of ours. It gives the very text that Liquid
 * would. Rendering one of them through liquidjs costs some 5 microseconds, and a message has a dozen.
 */
export function simpleOutput(source: string, isEscaped: boolean): SimpleOutput | undefined {
  const match = simple.exec(source);
  const path = match?.[1];
  if (path === undefined || special.test(path)) return undefined;
  const read = reader(path);
  if (read === undefined) return undefined;
  // base64url: nothing in it is to be escaped, and it is never empty.
  if (read === token) return read;
  const fallback = match?.[2] ?? match?.[3];
  return (rendering) => {
    let value = read(rendering);
    if (value === '' && fallback !== undefined) value = fallback;
    return value !== undefined && isEscaped ? escapeHtml(value) : value;
  };
}

const token: SimpleOutput = (rendering) => rendering.token;

function reader(path: string): SimpleOutput | undefined {
  const [root, name, third, ...more] = path.split('.');
  if (more.length > 0) return undefined;
  if (root === '_exm') return name === 'token' && third === undefined ? token : undefined;
  if (root !== 'contact') {
    if (name !== undefined) return undefined;
    if (root === 'preferencesUrl') return (one) => one.preferencesUrl;
    return root === 'unsubscribeUrl' ? (one) => one.unsubscribeUrl : (one) => one.viewOnlineUrl;
  }
  if (name === undefined) return undefined;
  if (name === 'facets') return third === undefined ? undefined : ({ recipient }) => facet(recipient, third);
  if (third !== undefined) return undefined;
  switch (name) {
    case 'id':
      return ({ recipient }) => String(recipient.contactId);
    // Each by its name: a property of a name that varies is looked up each time.
    case 'email':
      return ({ recipient }) => recipient.email || facet(recipient, name);
    case 'firstName':
      return ({ recipient }) => recipient.firstName || facet(recipient, name);
    case 'lastName':
      return ({ recipient }) => recipient.lastName || facet(recipient, name);
    case 'language':
      return ({ recipient }) => recipient.language || facet(recipient, name);
    default:
      return ({ recipient }) => facet(recipient, name);
  }
}

function facet({ facets }: Recipient, name: string): string | undefined {
  if (!Object.hasOwn(facets, name)) return '';
  const value: unknown = facets[name];
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}

const htmlCharacters = /[&<>"']/;
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

/** As Liquid's filter `escape`. */
function escapeHtml(text: string): string {
  return htmlCharacters.test(text)
    ? text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
    : text;
}
