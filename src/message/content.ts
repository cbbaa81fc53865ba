import type { WinnerMeasure } from '../domain/ab-test.ts';
import type { FacetType } from '../domain/facet.ts';

/** What a campaign file says, checked, with the text of its templates: stored as campaign.definition. */
export interface CampaignDefinition {
  readonly name: string;
  readonly from: Mailbox;
  readonly replyTo?: Mailbox | undefined;
  /** Language of the recipients for whose language there is no body. Always a key of `bodies`. */
  readonly defaultLanguage: string;
  /** Languages to try, in order, for recipients of a language without a body, before the default: `{ca: ['es', 'fr']}`. */
  readonly fallback?: Readonly<Record<string, readonly string[]>> | undefined;
  /** By BCP 47 language, lower case. Of variant A, where there is an A/B test. */
  readonly bodies: Readonly<Record<string, BodyDefinition>>;
  readonly test?: TestDefinition | undefined;
  /** Rules by the name of the component of the templates that they are about. */
  readonly rules?: Readonly<Record<string, readonly ComponentRule[]>> | undefined;
  /**
   * Types of the facets that rules ask for, but those of text, as they were when the campaign was created: a type that is
   * changed later changes nothing for it.
   */
  readonly facetTypes?: Readonly<Record<string, FacetType>> | undefined;
  readonly attachments?: readonly FileReference[] | undefined;
  /**
   * Image files that templates name, by their path from the campaign file: that of a template in a folder, and the path that
   * stands in it, joined.
   */
  readonly images?: Readonly<Record<string, FileReference>> | undefined;
  /** EXM's Embed Images: image files travel in the message. Left out or false: content-delivery serves them. */
  readonly embedImages?: boolean | undefined;
  /** Names of lists. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Campaign values, for tokens: `{{ campaign.values.NAME }}`, for short `{{ campaign.NAME }}`. */
  readonly values: Readonly<Record<string, string>>;
  /** Pool of dispatchers that sends it. */
  readonly pool: string;
  /** Who gets the message of the step SendTestMessage when the campaign starts. */
  readonly testTo: readonly string[];
  readonly goals: readonly GoalDefinition[];
  /** Told at the end of the dispatch. */
  readonly notify: { readonly mail?: string | undefined; readonly webhook?: string | undefined };
  /** Emulation mode for this campaign: nothing leaves by SMTP. */
  readonly emulation?: Emulation | undefined;
  /** Left out: at least once. */
  readonly delivery?: Delivery | undefined;
}

/**
 * What becomes of a recipient whose message was handed over without an answer reaching us, as when a host dies: sent to
 * again, or left and listed as in doubt. SMTP allows nothing better.
 */
export const deliveries = ['at-least-once', 'at-most-once'] as const;
export type Delivery = (typeof deliveries)[number];

export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/** EXM's A/B (multivariate) test of subject, body or sender. Variant A is the campaign's own content. */
export interface TestDefinition {
  /** How many of the recipients the test goes to, percent: above 0, at most 100. */
  readonly share: number;
  /** Variants B to E, whole. */
  readonly variants: readonly VariantDefinition[];
  readonly winner: WinnerRule;
}

export interface VariantDefinition {
  /** Left out: the campaign's. */
  readonly from?: Mailbox | undefined;
  /** The same languages as the campaign's own. */
  readonly bodies: Readonly<Record<string, BodyDefinition>>;
}

/** Who decides: a person, or what the recipients of the test did within a time from when it was given out. */
export type WinnerRule = { readonly by: 'hand' } | { readonly by: WinnerMeasure; readonly afterMs: number };

/** What becomes of a component for the recipients for whom `when` is true. The first rule that holds counts. */
export type ComponentRule = {
  /** CEL, over `contact` alone. */
  readonly when: string;
} & ({ readonly hide: true } | { readonly show: string });

/** A file of a campaign. Its bytes are kept by their hash. */
export interface FileReference {
  /** SHA-256 of the bytes, hexadecimal. */
  readonly hash: string;
  /** Name without folders, as recipients see it. */
  readonly name: string;
  /** MIME type without parameters. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
}

export interface BodyDefinition {
  /** Liquid. */
  readonly subject: string;
  readonly template: {
    readonly format: 'mjml' | 'html';
    /** Path as the campaign file named it, for messages. */
    readonly file: string;
    readonly source: string;
  };
  /** Liquid; made from the HTML where left out. */
  readonly text?: string | undefined;
  /** Path of the file that `text` came from, for messages. */
  readonly textFile?: string | undefined;
}

/** A click on the tracked link to `url` reaches the goal. */
export interface GoalDefinition {
  readonly name: string;
  readonly url: string;
  readonly value: number;
}

/** EXM's emulation mode: each message takes a random time and may fail at random. */
export interface Emulation {
  readonly minimumMs: number;
  readonly maximumMs: number;
  /** 0 to 1 */
  readonly failureProbability: number;
}

/**
 * Number of the form that frozen content has. It grows when an older program would send content wrongly that a newer one
 * has frozen; that older one then refuses it.
 */
export const contentFormat = 1;

/**
 * The exact content to send, frozen by hash at PublishDispatchItems: MJML compiled, links replaced by tracked ones,
 * text part made. Only Liquid tokens are still to be filled in.
 */
export interface FrozenContent {
  /** See `contentFormat`. Left out: 1. */
  readonly format?: number | undefined;
  readonly campaignId: string;
  readonly name: string;
  readonly from: Mailbox;
  readonly replyTo?: Mailbox | undefined;
  /** Public address of content-delivery, no slash at the end. */
  readonly baseUrl: string;
  /** Where whoever unsubscribes may also write to. Left out: nobody would read it. */
  readonly unsubscribeAddress?: string | undefined;
  readonly values: Readonly<Record<string, string>>;
  /** The manager root's values: `{{ managerRoot.NAME }}`. */
  readonly managerRoot?: Readonly<Record<string, string>> | undefined;
  readonly defaultLanguage: string;
  readonly fallback?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly bodies: readonly FrozenBody[];
  readonly rules?: Readonly<Record<string, readonly ComponentRule[]>> | undefined;
  readonly facetTypes?: Readonly<Record<string, FacetType>> | undefined;
  readonly attachments?: readonly FileReference[] | undefined;
  /** Images of all bodies that are embedded as `cid:ID`; a message carries those that its own body names. */
  readonly embedded?: readonly EmbeddedImage[] | undefined;
  /** Tracked links by number (the index): Liquid, for a link may carry a contact's value. */
  readonly links: readonly string[];
  readonly goals: readonly { readonly name: string; readonly link: number; readonly value: number }[];
  readonly emulation?: Emulation | undefined;
  /** Left out: at least once. */
  readonly delivery?: Delivery | undefined;
}

export interface EmbeddedImage extends FileReference {
  /** Content-ID without angle brackets. */
  readonly cid: string;
}

export interface FrozenBody {
  readonly variant: number;
  /** Left out: the campaign's. */
  readonly from?: Mailbox | undefined;
  readonly language: string;
  /** Liquid, all three. */
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

/** `8bit` for mail servers that offer 8BITMIME; `7bit` has quoted-printable bodies, which every one takes. */
export type MessageEncoding = '7bit' | '8bit';

/** One message ready for the mail server. */
export interface ComposedMessage {
  readonly envelope: { readonly from: string; readonly to: string };
  /** With angle brackets; the same for the same campaign and position, over all retries. */
  readonly messageId: string;
  readonly raw: Buffer;
  /** Whether its bodies hold bytes above 127. */
  readonly encoding: MessageEncoding;
  /** True where each line of `raw` ends in CRLF, as the message engine writes them. A step that changes `raw` leaves it out. */
  readonly isCanonical?: boolean;
}
