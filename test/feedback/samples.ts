import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BounceClass } from '../../src/domain/feedback.ts';

/**
 * What is expected of a sample: for a bounce its class and status, for others their kind and text; then the recipient, and the
 * number in the Message-ID of the message that it is about.
 */
export type ExpectedReading =
  | readonly [BounceClass, status: string, recipient: string | undefined, original: number | undefined]
  | readonly [
      'complaint' | 'nothing',
      text: string,
      recipient: string | undefined,
      original: number | undefined,
    ]
  | readonly ['unclear', why: string];

const folder = join(import.meta.dirname, 'samples');

/** The file names in samples/, without `.eml`. */
export function sampleNames(): string[] {
  return readdirSync(folder).map((file) => file.replace(/\.eml$/, ''));
}

/** A sample as it comes over the wire: each line ended by CRLF. */
export function readSample(name: string): string {
  return readFileSync(join(folder, `${name}.eml`), 'utf8').replaceAll('\n', '\r\n');
}

/**
 * Samples are written by hand after the forms in which servers and providers of these names write; the words around the facts
 * are ours, and nobody's address stands in them.
 */
export const expectedReadings: Readonly<Record<string, readonly ExpectedReading[]>> = {
  'absent-precedence': [['nothing', 'automatic answer', undefined, 69]],
  'abuse-forward': [['unclear', 'nothing of a form that is known']],
  abwesend: [['nothing', 'automatic answer', undefined, 68]],
  'amazon-ses': [['hard', '5.1.1', 'ola.ses@example.com', 42]],
  'amazon-workmail': [['soft', '5.2.2', 'pat.workmail@example.com', 43]],
  aol: [['policy', '5.2.1', 'abe.aol@example.com', 28]],
  'arf-aol': [['complaint', 'abuse', undefined, 57]],
  'arf-auth-failure': [['nothing', 'auth-failure', 'hugo.arf@example.com', 62]],
  'arf-comcast': [['complaint', 'fraud', 'dirk.arf@example.com', 58]],
  'arf-mail-ru': [['complaint', 'abuse', 'ella.arf@example.com', 59]],
  'arf-not-spam': [['nothing', 'not-spam', 'gert.arf@example.com', 61]],
  'arf-opt-out': [['complaint', 'opt-out', 'finn.arf@example.com', 60]],
  'arf-virus': [['unclear', 'a feedback report of the type "virus"']],
  'arf-without-type': [['unclear', 'a feedback report without Feedback-Type']],
  'arf-yahoo': [['complaint', 'abuse', 'cora.arf@example.com', 56]],
  barracuda: [['hard', '5.1.1', 'vera.barracuda@example.com', 48]],
  'boundary-lost': [['hard', '5.1.1', 'ben.boundary@example.com', 55]],
  challenge: [['nothing', 'automatic answer', undefined, 71]],
  courier: [['hard', '5.0.0', 'ida.courier@example.com', 10]],
  delivered: [['nothing', 'delivered', 'tess.delivered@example.com', 73]],
  domino: [['hard', '', 'rob.domino@example.com', 19]],
  'exchange-2003': [['hard', '', 'pia.exchange@example.com', 17]],
  'exchange-2019': [['soft', '5.2.2', 'quin.exchange@example.com', 18]],
  'exim-old': [['hard', '5.1.1', 'dora.exim@example.com', 6]],
  exim: [['hard', '5.1.1', 'carl.exim@example.com', 5]],
  'gmail-full': [['soft', '5.2.2', 'vic.gmail@example.com', 23]],
  'gmail-inactive': [['hard', '5.2.1', 'una.gmail@example.com', 22]],
  'gmail-old': [['hard', '5.1.1', 'xia.gmail@example.com', 25]],
  'gmail-unauthenticated': [['policy', '5.7.26', 'wim.gmail@example.com', 24]],
  gmail: [['hard', '5.1.1', 'tim.gmail@example.com', 21]],
  gmx: [['hard', '5.1.1', 'dan.gmx@example.com', 31]],
  groupwise: [['hard', '5.1.1', 'sam.groupwise@example.com', 20]],
  haraka: [['hard', '5.2.1', 'kim.haraka@example.com', 12]],
  'icloud-policy': [['policy', '5.0.0', 'cid.icloud@example.com', 30]],
  icloud: [['hard', '5.1.6', 'bea.icloud@example.com', 29]],
  international: [['hard', '5.1.1', 'jörg.welt@example.com', 54]],
  ironport: [['hard', '5.1.0', 'wes.ironport@example.com', 49]],
  jmrp: [['complaint', '', 'kurt.jmrp@example.com', 65]],
  'left-the-company': [
    ['unclear', 'an automatic answer that says that somebody, or an address, is there no more'],
  ],
  letter: [['unclear', 'nothing of a form that is known']],
  'mail-ru': [['hard', '', 'hex.mailru@example.com', 35]],
  mimecast: [['hard', '', 'tao.mimecast@example.com', 46]],
  'netease-163': [['policy', '5.0.0', 'jim.netease@example.com', 37]],
  'office365-policy': [['policy', '5.7.606', 'nia.office@example.com', 15]],
  office365: [['hard', '5.1.10', 'max.office@example.com', 14]],
  opensmtpd: [['hard', '5.1.1', 'jon.opensmtpd@example.com', 11]],
  orange: [['soft', '5.1.1', 'ned.orange@example.com', 41]],
  'original-base64': [['hard', '5.1.1', 'yuri.base@example.com', 51]],
  'original-quoted': [['hard', '5.1.1', 'zack.quoted@example.com', 52]],
  'out-of-office': [['nothing', 'automatic answer', undefined, 67]],
  'outlook-com': [['hard', '5.5.0', 'oli.outlook@example.com', 16]],
  ovh: [['soft', '5.2.2', 'mia.ovh@example.com', 40]],
  'postfix-delayed': [['nothing', 'delayed', 'bob.delayed@example.com', 2]],
  'postfix-expired': [['soft', '4.4.1', 'eve.expired@nowhere.example', 3]],
  'postfix-two': [
    ['soft', '5.2.2', 'first.two@example.com', 4],
    ['hard', '5.1.1', 'second.two@example.com', 4],
  ],
  postfix: [['hard', '5.1.1', 'ann.postfix@example.com', 1]],
  powermta: [['hard', '5.4.1', 'lea.powermta@example.com', 13]],
  proofpoint: [['policy', '5.0.0', 'uli.proofpoint@example.com', 47]],
  proton: [['hard', '5.1.1', 'lou.proton@example.com', 39]],
  'qmail-full': [['soft', '5.2.2', 'hal.qmail@example.com', 9]],
  qmail: [['hard', '5.1.1', 'gina.qmail@example.com', 8]],
  qq: [['hard', '', 'ivy.qq@example.com', 36]],
  'read-receipt': [['nothing', 'manual-action/MDN-sent-manually; displayed', 'sven.mdn@example.com', 72]],
  'report-base64': [['hard', '5.1.1', 'amy.report@example.com', 53]],
  sendgrid: [['hard', '5.1.1', 'sky.sendgrid@example.com', 45]],
  sendmail: [['hard', '5.1.1', 'fred.sendmail@example.com', 7]],
  spamhaus: [['policy', '5.1.1', 'xena.listed@example.com', 50]],
  sparkpost: [['policy', '5.0.0', 'ray.spark@example.com', 44]],
  't-online': [['policy', '5.0.0', 'fay.tonline@example.com', 33]],
  'unknown-server': [['unclear', 'from a mail server, and of no form that is known']],
  'web-de': [['soft', '5.0.0', 'eli.web@example.com', 32]],
  'yahoo-deactivated': [['hard', '5.0.0', 'zoe.yahoo@example.com', 27]],
  yahoo: [['hard', '', 'yan.yahoo@example.com', 26]],
  yandex: [['policy', '5.7.1', 'gus.yandex@example.com', 34]],
  zoho: [['hard', '5.1.1', 'kay.zoho@example.com', 38]],
};
