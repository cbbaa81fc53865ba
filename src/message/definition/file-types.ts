/** Images that the mail programs people use show, by the extension they are served under. */
export const imageTypes = {
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
} as const;
export type ImageExtension = keyof typeof imageTypes;
export type ImageType = (typeof imageTypes)[ImageExtension];

const signatures: readonly { readonly type: ImageType; readonly matches: (bytes: Buffer) => boolean }[] = [
  { type: 'image/png', matches: (bytes) => bytes.toString('hex', 0, 8) === '89504e470d0a1a0a' },
  { type: 'image/jpeg', matches: (bytes) => bytes.toString('hex', 0, 3) === 'ffd8ff' },
  { type: 'image/gif', matches: (bytes) => /^GIF8[79]a$/.test(bytes.toString('latin1', 0, 6)) },
  {
    type: 'image/webp',
    matches: (bytes) =>
      bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
  },
];

/** The type of an image by its first bytes, whatever its name says; undefined for all else, SVG among it. */
export function imageTypeOf(bytes: Buffer): ImageType | undefined {
  return signatures.find(({ matches }) => matches(bytes))?.type;
}

/** The extension of an image's type; undefined where it is none that is served. */
export function imageExtension(type: string): ImageExtension | undefined {
  return (Object.keys(imageTypes) as ImageExtension[]).find((extension) => imageTypes[extension] === type);
}

/** Types of what is attached to newsletters; a mail program opens the rest by its name. */
const attachmentTypes: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  csv: 'text/csv',
  ics: 'text/calendar',
  vcf: 'text/vcard',
  html: 'text/html',
  htm: 'text/html',
  xml: 'application/xml',
  json: 'application/json',
  rtf: 'application/rtf',
  zip: 'application/zip',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  ppt: 'application/vnd.ms-powerpoint',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  odt: 'application/vnd.oasis.opendocument.text',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odp: 'application/vnd.oasis.opendocument.presentation',
  epub: 'application/epub+zip',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  wav: 'audio/wav',
  mp4: 'video/mp4',
  webm: 'video/webm',
  pkpass: 'application/vnd.apple.pkpass',
  gpx: 'application/gpx+xml',
};

/** MIME type of an attachment, by its extension. */
export function attachmentType(name: string): string {
  return attachmentTypes[extensionOf(name)] ?? 'application/octet-stream';
}

/** What Gmail refuses with the whole message (https://support.google.com/mail/answer/6590), and others with it. */
const refusedExtensions = new Set(
  (
    'ade adp apk appx appxbundle bat cab chm cmd com cpl diagcab diagcfg diagpkg dll dmg ex ex_ exe hta img ins iso isp ' +
    'jar jnlp js jse lib lnk mde mjs msc msi msix msixbundle msp mst nsh pif ps1 scr sct shb sys vb vbe vbs vhd vxd wsc ' +
    'wsf wsh xll'
  ).split(' '),
);

/** The extension for which mail providers refuse messages with a file of this name; undefined where they don't. */
export function refusedExtension(name: string): string | undefined {
  const extension = extensionOf(name);
  return refusedExtensions.has(extension) ? extension : undefined;
}

/** Lower case, without the dot. Windows leaves out spaces and dots at the end: `run.exe. ` is `run.exe`. */
function extensionOf(name: string): string {
  return /\.([^.]*)$/.exec(name.replace(/[. ]+$/, ''))?.[1]?.toLowerCase() ?? '';
}
