import { type Fields, readFields } from './fields.ts';
import { recipientsMaximum } from './limits.ts';
import { addressIn } from './recipient.ts';

/** A text in which a mail server tells people what it could not deliver. */
export interface Notice {
  /** What it says, without the message that came back. */
  readonly says: string;
  readonly recipients: readonly { readonly address: string; readonly reason: string }[];
  /** The header of the message that came back within the text. */
  readonly returned: Fields | undefined;
}

/** How mail servers announce the message that comes back: by a line of its own, most between dashes. */
const announcement = new RegExp(
  [
    '^[ >]{0,8}[-*=_]{2,}[ ]{0,4}(?:this is a copy|below this line|(?:the )?headers? of|(?:the )?original message|unsent message|undelivered message|message (?:header|text)|returned message|returned mail|included is a copy|a copy of)[^\\n]{0,100}$',
    '^[ >]{0,8}(?:below is a copy of|original message follows|message headers follow|original message headers?|the headers? of (?:the )?original|a copy of (?:the|your) message|here is your (?:original )?message|your (?:original )?message follows)[^\\n]{0,60}[.:]?$',
  ].join('|'),
  'im',
);

export function readNotice(text: string): Notice {
  const found = announcement.exec(text);
  const says = found === null ? text : text.slice(0, found.index);
  const returned = found === null ? headerWithin(text) : (headerAfter(text, found) ?? headerWithin(text));
  return { says, recipients: recipientsOf(says), returned };
}

function headerAfter(text: string, { index, 0: line }: RegExpExecArray): Fields | undefined {
  const rest = text.slice(index + line.length).replace(/^\s*\n/, '');
  // Some indent the whole of it.
  const indent = /^[ \t>]{1,8}(?=[!-9;-~]{1,60}:)/.exec(rest)?.[0];
  const plain = indent === undefined ? rest : rest.replaceAll(`\n${indent}`, '\n').slice(indent.length);
  const { fields } = readFields(plain);
  return fields.isEmpty ? undefined : fields;
}

/** Some put the header of the message that comes back into their text without a word. */
function headerWithin(text: string): Fields | undefined {
  const found = /^message-id:[ \t]*</im.exec(text);
  if (found === null) return undefined;
  const { fields } = readFields(text, text.lastIndexOf('\n\n', found.index) + 2);
  return fields.has('message-id') ? fields : undefined;
}

/** A line that begins with an address, and does not go on as a sentence: `<ann@example.com>:`, `  ann@example.com`. */
const recipientLine =
  /^(?<indent>[ \t>]{0,8})(?:-{1,2} )?['"<]?(?<address>[^\s<>'"(),:;]{1,64}@[^\s<>'"(),:;]{1,255})['">]?(?: ?<[^<>\s]{1,320}>)?(?:(?<rest>[:,(].*| on (?:\d|[a-z]{3},).*|\.{3}.*| invalid .*| - .*)|[ \t]*)$/i;

function recipientsOf(says: string): Notice['recipients'] {
  const lines = says.split('\n', 2_000);
  const recipients: { address: string; reason: string }[] = [];
  for (let at = 0; at < lines.length && recipients.length < recipientsMaximum; at += 1) {
    const line = lines[at] ?? '';
    const { indent, address, rest } =
      (line.length < 1_000 ? recipientLine.exec(line)?.groups : undefined) ?? {};
    const parsed = address === undefined ? undefined : addressIn(address);
    if (parsed === undefined || recipients.some((one) => one.address === parsed)) continue;
    recipients.push({ address: parsed, reason: reasonBehind(lines, at, indent?.length ?? 0, rest ?? '') });
  }
  return recipients;
}

/** What is said of a recipient: the rest of its line, and what follows up to an empty line or the next recipient. */
function reasonBehind(lines: readonly string[], at: number, indent: number, rest: string): string {
  const said = [rest.replace(/^[:,.\s]+/, '')];
  for (const line of lines.slice(at + 1, at + 20)) {
    if (line.trim() === '') {
      // Exim leaves no line empty, but what is indented deeper still belongs to the recipient.
      if (said.some((words) => words !== '' && !/^\S{0,40}:$/.test(words))) break;
      continue;
    }
    const own = /^[ \t>]*/.exec(line)?.[0].length ?? 0;
    if (recipientLine.test(line.slice(0, 1_000)) && own <= indent) break;
    said.push(line.trim());
  }
  return said.filter((words) => words !== '').join(' ');
}
