/** What a mail server says, in its answer to EHLO, that it takes. */
export interface SmtpOffers {
  /** 8BITMIME (RFC 6152): bodies may hold bytes above 127. */
  readonly eightBitMime: boolean;
  /** SMTPUTF8 (RFC 6531): addresses and headers may. */
  readonly smtpUtf8: boolean;
  /** SIZE (RFC 1870): bytes of the largest message; undefined where it names none. */
  readonly sizeMaximum: number | undefined;
}

/** As of a mail server that nobody has asked yet, or that knows no EHLO: what it takes is what all take. */
export const nothingOffered: SmtpOffers = { eightBitMime: false, smtpUtf8: false, sizeMaximum: undefined };

/** The same, and what only concerns how it is talked to. */
export interface SmtpExtensions extends SmtpOffers {
  /** PIPELINING (RFC 2920): it reads on while it answers. */
  readonly pipelining: boolean;
  /** SIZE (RFC 1870), with or without a limit: it takes the parameter of MAIL. */
  readonly size: boolean;
}

export function readOffers(reply: string): SmtpOffers {
  const { eightBitMime, smtpUtf8, sizeMaximum } = readExtensions(reply);
  return { eightBitMime, smtpUtf8, sizeMaximum };
}

/** Reads the answer to EHLO: a greeting, and an extension on each line after it (RFC 5321 section 4.1.1.1). */
export function readExtensions(reply: string): SmtpExtensions {
  const extensions = reply
    .split(/\r?\n/)
    .slice(1)
    .map((line) => /^250[ -](.*)$/.exec(line.trimEnd())?.[1]?.toUpperCase().split(/\s+/) ?? []);
  const has = (keyword: string) => extensions.some(([first]) => first === keyword);
  const size = Number(extensions.find(([keyword]) => keyword === 'SIZE')?.[1]);
  return {
    pipelining: has('PIPELINING'),
    size: has('SIZE'),
    eightBitMime: has('8BITMIME'),
    smtpUtf8: has('SMTPUTF8'),
    // Zero says that there is a limit, and not which.
    sizeMaximum: Number.isSafeInteger(size) && size > 0 ? size : undefined,
  };
}
