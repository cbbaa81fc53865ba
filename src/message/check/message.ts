import type { CampaignBody } from '../all-bodies.ts';
import type { FrozenBody } from '../content.ts';
import type { Locate } from '../locate.ts';
import type { Finding } from './findings.ts';

/** Bytes of HTML after which Gmail cuts a message off, with the unsubscribe link at its end and the open pixel. */
export const htmlMaximumBytes = 102_400;
/** Characters of a subject that programs on a large screen show; a telephone shows about half of it. */
export const subjectMaximumCharacters = 80;
/** Characters that a value of a contact mostly has. */
const typicalValue = 'x'.repeat(10);
/** As long as the signed token in links and the addresses with it are. */
const typicalToken = 'x'.repeat(60);
const typicalAddress = `https://mail.example.com/u/${typicalToken}`;
/** A text part of fewer characters says nothing to those who read it instead of the HTML. */
const textMinimumCharacters = 20;

/** Reports what shows in a body as it will be sent; without that, what shows in its parts already. */
export function checkMessage(one: CampaignBody, frozen: FrozenBody | undefined, locate: Locate): Finding[] {
  const { subject, template } = one.body;
  const where = `${template.file}:1:1`;
  return [
    ...checkSubject(subject, locate([...one.path, 'subject'])),
    ...checkUnsubscribe(one.body, where),
    ...(frozen === undefined
      ? []
      : [...checkSize(frozen.html, where), ...checkWords(one.body, frozen, where)]),
  ];
}

function checkSubject(subject: string, where: string): Finding[] {
  const findings: Finding[] = [];
  if (subject.trim() === '') {
    const hint = 'Give the message a subject.';
    return [{ severity: 'error', code: 'SUBJECT_EMPTY', where, message: 'the subject is empty.', hint }];
  }
  const hasOther = /\|\s*default\s*:|\{%-?\s*else\b/.test(subject);
  if (!hasOther && withoutLiquid(subject).trim() === '') {
    findings.push({
      severity: 'warning',
      code: 'SUBJECT_EMPTY',
      where,
      message: 'the subject is empty for recipients who lack the value in it.',
      hint: 'Put words around it, or a default: {{ contact.firstName | default: "Hello" }}.',
    });
  }
  const characters = [...typicalText(subject).trim()].length;
  if (characters > subjectMaximumCharacters) {
    findings.push({
      severity: 'warning',
      code: 'SUBJECT_LONG',
      where,
      message: `the subject has some ${characters} characters; mail programs show up to ${subjectMaximumCharacters}, telephones about 40.`,
      hint: 'Say what matters in the first 40 characters.',
    });
  }
  return findings;
}

function checkSize(html: string, where: string): Finding[] {
  const bytes = Buffer.byteLength(typicalText(html));
  if (bytes <= htmlMaximumBytes) return [];
  return [
    {
      severity: 'warning',
      code: 'HTML_SIZE',
      where,
      message: `the HTML has about ${bytes} bytes; Gmail cuts it off after ${htmlMaximumBytes}, with what comes last: mostly the unsubscribe link.`,
      hint: 'Shorten it, or send the rest as a link to a web page. Styles and comments count.',
    },
  ];
}

function checkUnsubscribe({ template, text, textFile }: CampaignBody['body'], where: string): Finding[] {
  const isIn = (part: string) => /\bunsubscribeUrl\b/.test(part);
  const missing = (place: string, part: string, hint: string): Finding => ({
    severity: 'warning',
    code: 'NO_UNSUBSCRIBE',
    where: place,
    message: `${part} has no unsubscribe link.`,
    hint,
  });
  const law = 'the law of most countries asks for it, and readers who find none report spam.';
  return [
    ...(isIn(template.source)
      ? []
      : [missing(where, 'the body', `Put <a href="{{ unsubscribeUrl }}">Unsubscribe</a> into it: ${law}`)]),
    ...(text === undefined || isIn(text) || !isIn(template.source)
      ? []
      : [
          missing(
            `${textFile ?? 'text'}:1:1`,
            'the text part',
            'Put {{ unsubscribeUrl }} into it, as into the HTML.',
          ),
        ]),
  ];
}

function checkWords({ text }: CampaignBody['body'], frozen: FrozenBody, where: string): Finding[] {
  // One more than the open pixel.
  const hasImages = (frozen.html.match(/<img\b/gi)?.length ?? 0) > 1;
  const words = withoutLiquid(frozen.text).replace(/<[^<>]*>|\s/g, '');
  if (text !== undefined || !hasImages || words.length >= textMinimumCharacters) return [];
  return [
    {
      severity: 'warning',
      code: 'TEXT_EMPTY',
      where,
      message: 'there are hardly any words in the message: it consists of images.',
      hint: 'Write words beside the images, or give a text part (text: ...). Filters distrust images alone, and many readers do not see them.',
    },
  ];
}

/** Liquid as long as what it is filled in with: values of a usual length, and every branch of a condition. */
function typicalText(liquid: string): string {
  return liquid
    .replace(/\{\{-?\s*_exm\.token\s*-?\}\}/g, typicalToken)
    .replace(/\{\{-?\s*(?:unsubscribeUrl|preferencesUrl|viewOnlineUrl)\b[\s\S]*?\}\}/g, typicalAddress)
    .replace(/\{\{[\s\S]*?\}\}/g, typicalValue)
    .replace(/\{%[\s\S]*?%\}/g, '');
}

function withoutLiquid(liquid: string): string {
  return liquid.replace(/\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g, '');
}
