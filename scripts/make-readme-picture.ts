/**
 * Draws a terminal as an SVG: stdin is what `tmux capture-pane -e -p` prints, stdout the picture. How the README's was made:
 *
 *   tmux new-session -d -x 100 -y 46 -s demo 'npm run demo; sleep 60'
 *   tmux capture-pane -e -p -S - -t demo | npx jiti scripts/make-readme-picture.ts 45 > docs/images/demo.svg
 *
 * The argument is the number of lines to show, counted from the last one.
 */
import { text as readAll } from 'node:stream/consumers';

const title = 'npm run demo';
/** A cell of the terminal, and the window around it; pixels. */
const cell = { width: 8.43, height: 18 };
const fontSize = 14;
const margin = { top: 52, side: 20, bottom: 20 };
const colours = {
  window: '#14191f',
  bar: '#1f262e',
  text: '#d5dbe1',
  dim: '#8b96a2',
  done: '#3fb27f',
  open: '#2c353f',
  dots: ['#ec6a5e', '#f4bf4f', '#61c554'],
  /** SGR 30 to 37, and 90 to 97. */
  ansi: ['#5c6773', '#e06c75', '#3fb27f', '#e5b567', '#61a8e8', '#c58fd9', '#4fb8c4', '#d5dbe1'],
} as const;

interface Style {
  readonly colour: string;
  readonly bold: boolean;
}
interface Run extends Style {
  readonly column: number;
  readonly text: string;
}

/** Escape, as a control sequence begins (ECMA-48 5.4). */
const esc = String.fromCharCode(27);
const sgr = new RegExp(`${esc}\\[([0-9;]*)m`);

const plain: Style = { colour: colours.text, bold: false };

/** The style after an SGR sequence (ECMA-48 8.3.117); what is not known of it changes nothing. */
function restyled(before: Style, parameters: string): Style {
  let { colour, bold } = before;
  for (const code of parameters.split(';').map(Number)) {
    if (code === 0) ({ colour, bold } = plain);
    else if (code === 1) bold = true;
    else if (code === 22) bold = false;
    else if (code === 39) colour = plain.colour;
    else colour = colours.ansi[code >= 90 ? code - 90 : code - 30] ?? colour;
  }
  return { colour, bold };
}

/** The words of a line: a run ends where the style changes, and before two spaces, so that columns stay columns. */
function runsOf(line: string): Run[] {
  const runs: Run[] = [];
  let style = plain;
  let column = 0;
  // Split by its own group: words at even places, the parameters of a sequence at odd ones.
  for (const [place, part] of line.split(sgr).entries()) {
    if (place % 2 === 1) {
      style = restyled(style, part);
      continue;
    }
    for (const piece of part.split(/( {2,}|[█░]+)/)) {
      if (piece.trim() !== '') runs.push({ ...style, column, text: piece });
      column += [...piece].length;
    }
  }
  return runs;
}

function draw({ column, text, colour, bold }: Run, row: number): string {
  const x = margin.side + column * cell.width;
  const y = margin.top + row * cell.height;
  const width = [...text].length * cell.width;
  const box = (fill: string) =>
    `<rect x="${round(x)}" y="${round(y + 2)}" width="${round(width)}" height="${cell.height - 4}" fill="${fill}"/>`;
  if (text.startsWith('█')) return box(colours.done);
  if (text.startsWith('░')) return box(colours.open);
  const lead = text.length - text.trimStart().length;
  const words = text.trim();
  const at = `x="${round(x + lead * cell.width)}" y="${round(y + 13.5)}"`;
  const length = `textLength="${round([...words].length * cell.width)}"`;
  const look = `${colour === colours.text ? '' : ` fill="${colour}"`}${bold ? ' font-weight="bold"' : ''}`;
  return `<text ${at} ${length}${look}>${escaped(words)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const wanted = Number(process.argv[2] ?? 40);
const lines = (await readAll(process.stdin)).trimEnd().split('\n').slice(-wanted);
const rows = lines.map(runsOf);
const columns = Math.max(80, ...rows.flat().map(({ column, text }) => column + [...text].length));
const width = Math.ceil(columns * cell.width + 2 * margin.side);
const height = margin.top + rows.length * cell.height + margin.bottom;
const dots = colours.dots.map(
  (fill, index) => `<circle cx="${22 + index * 20}" cy="18" r="6" fill="${fill}"/>`,
);
const drawn = rows.flatMap((runs, row) => runs.map((run) => draw(run, row)));

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A terminal that runs: ${title}">
<rect width="${width}" height="${height}" rx="10" fill="${colours.window}"/>
<path d="M0 36V10A10 10 0 0 1 10 0H${width - 10}A10 10 0 0 1 ${width} 10V36Z" fill="${colours.bar}"/>
${dots.join('')}
<g font-family="ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace" font-size="${fontSize}" fill="${colours.text}">
<text x="${width / 2}" y="23" fill="${colours.dim}" text-anchor="middle">${title}</text>
${drawn.join('\n')}
</g>
</svg>
`);
