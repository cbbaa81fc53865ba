/** Texts of the pages that recipients see. */
export interface PageTexts {
  readonly unsubscribe: {
    readonly title: string;
    /** `who` is the sender's name, `address` the masked address or empty. */
    readonly lead: (who: string, address: string) => string;
    readonly all: string;
    readonly allHint: string;
    readonly lists: string;
    readonly listsHint: string;
    readonly keep: string;
  };
  readonly done: {
    readonly title: string;
    readonly all: (address: string) => string;
    readonly lists: string;
    readonly queued: string;
  };
  readonly already: { readonly title: string; readonly lead: (address: string) => string };
  readonly test: { readonly title: string; readonly lead: string };
  readonly gone: { readonly title: string; readonly lead: string };
  readonly notFound: { readonly title: string; readonly lead: string };
  readonly unavailable: { readonly title: string; readonly lead: string; readonly unsubscribe: string };
  readonly badRequest: { readonly title: string; readonly lead: string };
}

const en: PageTexts = {
  unsubscribe: {
    title: 'Unsubscribe',
    lead: (who, address) =>
      `You receive mail from ${who || 'us'}${address ? ` at ${address}` : ''}. What would you like to stop?`,
    all: 'Unsubscribe from everything',
    allHint: 'You get no more newsletters at all.',
    lists: 'Only this newsletter',
    listsHint: 'You leave the lists this message was sent to.',
    keep: 'To stay subscribed, just close this page. Nothing has changed.',
  },
  done: {
    title: 'You are unsubscribed',
    all: (address) => `No more newsletters will be sent${address ? ` to ${address}` : ''}.`,
    lists: 'You have left the lists this message was sent to.',
    queued: 'This is in force now. You can close this page.',
  },
  already: {
    title: 'You are already unsubscribed',
    lead: (address) =>
      `There is nothing left to do${address ? ` for ${address}` : ''}. You can close this page.`,
  },
  test: {
    title: 'This was a test message',
    lead: 'Its unsubscribe link shows that the link works. Nothing has changed.',
  },
  gone: {
    title: 'You are not on any list',
    lead: 'We no longer hold the address this message was sent to, so nothing will be sent to it.',
  },
  notFound: {
    title: 'This page does not exist',
    lead: 'The link may be incomplete. Please open it again from the message, or copy all of it.',
  },
  unavailable: {
    title: 'Please try again in a moment',
    lead: 'We cannot answer right now. The link stays valid.',
    unsubscribe:
      'You are not unsubscribed yet: we could not store it. Please press the button again in a moment.',
  },
  badRequest: {
    title: 'That did not work',
    lead: 'We did not understand this request. Please open the link again.',
  },
};

const de: PageTexts = {
  unsubscribe: {
    title: 'Abmelden',
    lead: (who, address) =>
      `Sie erhalten Post von ${who || 'uns'}${address ? ` an ${address}` : ''}. Was möchten Sie abbestellen?`,
    all: 'Von allem abmelden',
    allHint: 'Sie erhalten gar keine Newsletter mehr.',
    lists: 'Nur diesen Newsletter',
    listsHint: 'Sie verlassen die Listen, an die diese Nachricht ging.',
    keep: 'Wenn Sie angemeldet bleiben möchten, schließen Sie einfach diese Seite. Es hat sich nichts geändert.',
  },
  done: {
    title: 'Sie sind abgemeldet',
    all: (address) => `Es werden keine Newsletter mehr${address ? ` an ${address}` : ''} gesendet.`,
    lists: 'Sie haben die Listen verlassen, an die diese Nachricht ging.',
    queued: 'Das gilt ab sofort. Sie können diese Seite schließen.',
  },
  already: {
    title: 'Sie sind bereits abgemeldet',
    lead: (address) =>
      `Es ist nichts weiter zu tun${address ? ` für ${address}` : ''}. Sie können diese Seite schließen.`,
  },
  test: {
    title: 'Das war eine Testnachricht',
    lead: 'Ihr Abmeldelink zeigt nur, dass er funktioniert. Es hat sich nichts geändert.',
  },
  gone: {
    title: 'Sie stehen auf keiner Liste',
    lead: 'Die Adresse, an die diese Nachricht ging, ist bei uns nicht mehr gespeichert. Es wird nichts mehr an sie gesendet.',
  },
  notFound: {
    title: 'Diese Seite gibt es nicht',
    lead: 'Vielleicht ist der Link unvollständig. Bitte öffnen Sie ihn noch einmal aus der Nachricht.',
  },
  unavailable: {
    title: 'Bitte gleich noch einmal versuchen',
    lead: 'Wir können gerade nicht antworten. Der Link bleibt gültig.',
    unsubscribe:
      'Sie sind noch nicht abgemeldet: Wir konnten es nicht speichern. Bitte drücken Sie den Knopf gleich noch einmal.',
  },
  badRequest: {
    title: 'Das hat nicht geklappt',
    lead: 'Wir haben diese Anfrage nicht verstanden. Bitte öffnen Sie den Link noch einmal.',
  },
};

const fr: PageTexts = {
  unsubscribe: {
    title: 'Se désabonner',
    lead: (who, address) =>
      `Vous recevez des messages de ${who || 'notre part'}${address ? ` à l’adresse ${address}` : ''}. Que souhaitez-vous arrêter ?`,
    all: 'Me désabonner de tout',
    allHint: 'Vous ne recevrez plus aucune lettre d’information.',
    lists: 'Seulement cette lettre',
    listsHint: 'Vous quittez les listes auxquelles ce message a été envoyé.',
    keep: 'Pour rester abonné, fermez simplement cette page. Rien n’a changé.',
  },
  done: {
    title: 'Vous êtes désabonné',
    all: (address) => `Plus aucune lettre d’information ne sera envoyée${address ? ` à ${address}` : ''}.`,
    lists: 'Vous avez quitté les listes auxquelles ce message a été envoyé.',
    queued: 'C’est effectif dès maintenant. Vous pouvez fermer cette page.',
  },
  already: {
    title: 'Vous êtes déjà désabonné',
    lead: (address) =>
      `Il n’y a plus rien à faire${address ? ` pour ${address}` : ''}. Vous pouvez fermer cette page.`,
  },
  test: {
    title: 'C’était un message de test',
    lead: 'Son lien de désabonnement montre seulement qu’il fonctionne. Rien n’a changé.',
  },
  gone: {
    title: 'Vous n’êtes sur aucune liste',
    lead: 'Nous n’avons plus l’adresse à laquelle ce message a été envoyé ; plus rien n’y sera envoyé.',
  },
  notFound: {
    title: 'Cette page n’existe pas',
    lead: 'Le lien est peut-être incomplet. Ouvrez-le de nouveau depuis le message.',
  },
  unavailable: {
    title: 'Veuillez réessayer dans un instant',
    lead: 'Nous ne pouvons pas répondre pour le moment. Le lien reste valable.',
    unsubscribe:
      'Vous n’êtes pas encore désabonné : nous n’avons pas pu l’enregistrer. Veuillez appuyer de nouveau sur le bouton dans un instant.',
  },
  badRequest: {
    title: 'Cela n’a pas fonctionné',
    lead: 'Nous n’avons pas compris cette demande. Veuillez ouvrir le lien de nouveau.',
  },
};

const texts = { en, de, fr } as const;
export type PageLanguage = keyof typeof texts;

export function pageTexts(language: PageLanguage): PageTexts {
  return texts[language];
}

/** The first of the languages wanted in which there are pages; English otherwise. */
export function choosePageLanguage(...wanted: readonly string[]): PageLanguage {
  for (const tag of wanted) {
    const language = tag.trim().toLowerCase().split(/[-_]/)[0];
    if (language === 'en' || language === 'de' || language === 'fr') return language;
  }
  return 'en';
}

/** Languages of an Accept-Language header (RFC 9110 section 12.5.4), the preferred first. */
export function acceptedLanguages(header: string | undefined): string[] {
  return (header ?? '')
    .slice(0, 200)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(';');
      const quality = parameters
        .map((one) => /^\s*q=([\d.]+)$/.exec(one)?.[1])
        .find((one) => one !== undefined);
      return { tag, quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ tag, quality }) => tag !== '' && quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
