/** What can be read of HTML, well enough to find a mail server's words in it. */
export function textOfHtml(html: string): string {
  return withoutElements(html)
    .replace(/<(?:br|\/?p|\/?div|\/?t[rdh]|\/?li|\/?h\d|\/?table|hr|\/?pre)\b[^<>]{0,1000}>/gi, '\n')
    .replace(/<[a-z/!][^<>]{0,2000}>/gi, '')
    .replace(/&(?:lt|gt|quot|amp|nbsp|apos|#39);/gi, (entity) => entities[entity.toLowerCase()] ?? ' ');
}

const unseen = ['head', 'style', 'script'];

/** In one pass for each name: an element that does not end is left as it is. */
function withoutElements(html: string): string {
  let text = html;
  for (const name of unseen) {
    const lower = text.toLowerCase();
    const kept: string[] = [];
    let from = 0;
    for (;;) {
      const start = lower.indexOf(`<${name}>`, from);
      const end = start < 0 ? -1 : lower.indexOf(`</${name}>`, start);
      if (end < 0) break;
      kept.push(text.slice(from, start));
      from = end + name.length + 3;
    }
    text = [...kept, text.slice(from)].join(' ');
  }
  return text;
}

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&amp;': '&',
  '&apos;': "'",
  '&#39;': "'",
};
