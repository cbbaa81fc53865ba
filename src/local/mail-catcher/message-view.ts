import PostalMime, { addressParser, decodeWords, type Email } from 'postal-mime';

export interface AttachmentView {
  readonly number: number;
  readonly filename: string;
  readonly mimeType: string;
  readonly contentId: string | undefined;
  /** Shown within the HTML, not beside it. */
  readonly related: boolean;
  readonly size: number;
  readonly content: Uint8Array;
}

/** A message taken apart. */
export interface MessageView {
  readonly subject: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly attachments: readonly AttachmentView[];
}

/** Takes a message apart; one that no MIME parser understands is shown as text. */
export async function parseMessage(raw: Buffer): Promise<MessageView> {
  let email: Email;
  try {
    email = await PostalMime.parse(raw, { attachmentEncoding: 'arraybuffer' });
  } catch (error) {
    const text = `This message cannot be taken apart: ${(error as Error).message}\n\n${raw.toString('utf8')}`;
    return { subject: '', headers: [], text, html: undefined, attachments: [] };
  }
  return {
    subject: email.subject ?? '',
    headers: email.headers.map(({ originalKey, value }) => ({
      name: originalKey,
      value: decodeHeader(value),
    })),
    text: email.text,
    html: email.html,
    attachments: email.attachments.map((attachment, index) => {
      const content =
        typeof attachment.content === 'string'
          ? Buffer.from(attachment.content)
          : new Uint8Array(attachment.content);
      return {
        number: index + 1,
        filename: attachment.filename ?? `part-${index + 1}`,
        mimeType: attachment.mimeType,
        contentId: attachment.contentId?.replace(/^<|>$/g, ''),
        related: attachment.related === true,
        size: content.length,
        content,
      };
    }),
  };
}

/** A header's value as a person reads it: encoded words (RFC 2047) decoded. Cheap where there are none. */
export function decodeHeader(value: string): string {
  return value.includes('=?') ? decodeWords(value) : value;
}

/** Display name of the first address of a header, else its address. */
export function displayName(header: string): string {
  const [first] = addressParser(header, { flatten: true });
  return first === undefined ? header : first.name || first.address || header;
}

/** The HTML of a message with its embedded images in it, for a browser. */
export function htmlWithImages(view: MessageView): string {
  const images = new Map(view.attachments.filter(isImage).map((part) => [part.contentId, part] as const));
  return (view.html ?? '').replace(/\bcid:([^\s"'<>)]+)/gi, (whole, id: string) => {
    const image = images.get(safeDecode(id));
    if (image === undefined) return whole;
    return `data:${image.mimeType};base64,${Buffer.from(image.content).toString('base64')}`;
  });
}

/**
 * The HTML of a message as it goes into its frame: embedded images stand in it, and links open outside of the frame.
 * It is shown in a sandbox with a policy of its own; nothing is removed from it.
 */
export function framedHtml(view: MessageView): string {
  const source = htmlWithImages(view);
  const base = '<base target="_blank">';
  const head = /<head(?:\s[^>]*)?>/i.exec(source) ?? /^\s*<!doctype[^>]*>/i.exec(source);
  if (head === null) return base + source;
  const at = head.index + head[0].length;
  return source.slice(0, at) + base + source.slice(at);
}

function isImage({ mimeType }: AttachmentView): boolean {
  return /^image\/[\w.+-]+$/.test(mimeType);
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
