/** What a campaign file says, checked, with the text of its templates: stored as campaign.definition. */
export interface CampaignDefinition {
  readonly name: string;
  readonly from: Mailbox;
  readonly replyTo?: Mailbox | undefined;
  /** Language of the recipients for whose language there is no body. Always a key of `bodies`. */
  readonly defaultLanguage: string;
  /** By BCP 47 language, lower case. */
  readonly bodies: Readonly<Record<string, BodyDefinition>>;
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
 * The exact content to send, frozen by hash at PublishDispatchItems: MJML compiled, links replaced by tracked ones,
 * text part made. Only Liquid tokens are still to be filled in.
 */
export interface FrozenContent {
  readonly campaignId: string;
  readonly name: string;
  readonly from: Mailbox;
  readonly replyTo?: Mailbox | undefined;
  /** Public address of content-delivery, no slash at the end. */
  readonly baseUrl: string;
  readonly values: Readonly<Record<string, string>>;
  readonly defaultLanguage: string;
  readonly bodies: readonly FrozenBody[];
  /** Tracked links by number (the index): Liquid, for a link may carry a contact's value. */
  readonly links: readonly string[];
  readonly goals: readonly { readonly name: string; readonly link: number; readonly value: number }[];
  readonly emulation?: Emulation | undefined;
  /** Left out: at least once. */
  readonly delivery?: Delivery | undefined;
}

export interface FrozenBody {
  readonly variant: number;
  readonly language: string;
  /** Liquid, all three. */
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

/** One message ready for the mail server. */
export interface ComposedMessage {
  readonly envelope: { readonly from: string; readonly to: string };
  /** With angle brackets; the same for the same campaign and position, over all retries. */
  readonly messageId: string;
  readonly raw: Buffer;
}
