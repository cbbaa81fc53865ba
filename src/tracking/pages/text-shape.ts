/** Texts of the pages that recipients see, and of the mail that asks them to confirm. */
export interface PageTexts {
  /** A title within a sentence, in the quotation marks of the language. */
  readonly quote: (title: string) => string;
  readonly unsubscribe: {
    readonly title: string;
    /** `who` is the sender's name, `address` the masked address or empty. */
    readonly lead: (who: string, address: string) => string;
    readonly all: string;
    readonly allHint: string;
    readonly lists: string;
    readonly listsHint: string;
    readonly keep: string;
    /** The campaign is gone, so nobody knows any more which lists it went to. */
    readonly noLists: string;
    /** The link to the preference page. */
    readonly choose: string;
  };
  readonly done: {
    readonly title: string;
    readonly all: (address: string) => string;
    readonly lists: string;
    readonly queued: string;
    readonly mistake: string;
    readonly undo: string;
  };
  readonly already: TitleAnd<(address: string) => string>;
  readonly undone: TitleAnd<(address: string) => string>;
  readonly notUndone: TitleAnd<string>;
  readonly preferences: PreferenceTexts;
  readonly address: AddressTexts;
  readonly subscribe: SubscribeTexts;
  readonly confirm: ConfirmTexts;
  readonly mail: MailTexts;
  readonly test: TitleAnd<string>;
  readonly gone: TitleAnd<string>;
  readonly notFound: TitleAnd<string>;
  readonly unavailable: TitleAnd<string> & {
    readonly unsubscribe: string;
    readonly kept: string;
    readonly save: string;
  };
  readonly badRequest: TitleAnd<string>;
}

interface TitleAnd<Lead> {
  readonly title: string;
  readonly lead: Lead;
}

/** The preference page. */
export interface PreferenceTexts {
  readonly title: string;
  readonly lead: (who: string, address: string) => string;
  readonly lists: string;
  readonly noLists: string;
  /** Shown to who has unsubscribed from everything. */
  readonly off: string;
  readonly again: string;
  readonly againHint: string;
  readonly joinHint: string;
  readonly cannotJoin: string;
  readonly you: string;
  readonly firstName: string;
  readonly lastName: string;
  /** Names are not shown: whoever was passed a message sees the page, too. */
  readonly namesHint: string;
  readonly noName: string;
  readonly language: string;
  readonly anyLanguage: string;
  readonly save: string;
  readonly all: string;
  readonly saved: string;
  readonly nothing: string;
  readonly left: (titles: string) => string;
  readonly asked: (titles: string, address: string) => string;
  readonly askedBefore: (titles: string) => string;
  readonly notAsked: (titles: string) => string;
  readonly stillOff: string;
  readonly changed: string;
  readonly back: string;
}

/** Getting mail at another address: the form, what its owner confirms, and how the one before takes it back. */
export interface AddressTexts {
  readonly legend: string;
  readonly email: string;
  readonly hint: string;
  readonly submit: string;
  /** The same for everybody, whoever has the address. */
  readonly asked: TitleAnd<(address: string) => string>;
  readonly askedHint: string;
  /** What the owner of the new address agrees to: kept as proof. */
  readonly wording: (who: string) => string;
  readonly confirm: ConfirmAddressTexts;
  /** What the owner of the address before agrees to. */
  readonly takeBackWording: (who: string) => string;
  readonly takeBack: ConfirmAddressTexts;
  readonly done: TitleAnd<(address: string) => string>;
  /** Said beside, where nothing is sent to that address all the same. */
  readonly off: string;
  readonly already: TitleAnd<string>;
  readonly taken: TitleAnd<string>;
  readonly late: TitleAnd<string>;
}

interface ConfirmAddressTexts {
  readonly title: string;
  readonly lead: (address: string) => string;
  readonly submit: string;
  readonly keep: string;
  readonly mail: {
    readonly subject: string;
    readonly title: string;
    readonly lead: string;
    readonly submit: string;
    readonly ignore: string;
  };
}

/** The form to subscribe and what is said when it was sent. */
export interface SubscribeTexts {
  readonly title: (list: string) => string;
  readonly lead: (who: string) => string;
  readonly email: string;
  readonly firstName: string;
  readonly optional: string;
  readonly language: string;
  readonly submit: string;
  readonly hint: string;
  readonly trap: string;
  readonly wrongAddress: string;
  readonly asked: TitleAnd<(address: string) => string>;
  readonly askedHint: string;
  readonly off: TitleAnd<string>;
  readonly full: TitleAnd<string>;
}

/** The page that the link in the mail leads to. */
export interface ConfirmTexts {
  readonly title: string;
  readonly lead: (address: string) => string;
  /** What the person agrees to: kept as proof. A change of these words needs no more than that. */
  readonly wording: (list: string, who: string) => string;
  /** Shown to who has unsubscribed from everything. */
  readonly again: string;
  readonly submit: string;
  readonly keep: string;
  readonly done: TitleAnd<(list: string) => string>;
  readonly doneHint: string;
  readonly already: TitleAnd<(list: string) => string>;
  readonly late: TitleAnd<string>;
  readonly lateLink: string;
}

/** The mail that asks to confirm. Nothing in it comes from whoever filled in the form. */
export interface MailTexts {
  readonly subject: (list: string) => string;
  readonly lead: string;
  readonly submit: string;
  readonly valid: (days: number) => string;
  readonly ignore: string;
}
