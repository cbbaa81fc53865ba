/**
 * Bounds of what is read of one message that came back. They are far above what mail servers write, so that only what was made
 * to be a burden meets them.
 */

/** Bytes of a message that are looked at. Reports come first and the returned message last: what is cut off is its text. */
export const messageMaximum = 1_048_576;
/** Of all parts together, and how deep they may lie in each other. */
export const partsMaximum = 60;
export const depthMaximum = 8;
/** Fields of one header, and characters of one field; a longer one is left out, for half a value is a wrong one. */
export const fieldsMaximum = 400;
export const fieldMaximum = 8_000;
/** Characters of a text for people that are looked at. */
export const proseMaximum = 65_536;
/** Recipients of one report. Each of our messages has one; a forwarder's list may have some more. */
export const recipientsMaximum = 20;
/** Characters that are kept of a mail server's words. */
export const wordsMaximum = 500;
