import type { PageTexts } from './text-shape.ts';

export const de: PageTexts = {
  quote: (title) => `„${title}“`,
  unsubscribe: {
    title: 'Abmelden',
    lead: (who, address) =>
      `Sie erhalten Post von ${who || 'uns'}${address ? ` an ${address}` : ''}. Was möchten Sie abbestellen?`,
    all: 'Von allem abmelden',
    allHint: 'Sie erhalten gar keine Newsletter mehr.',
    lists: 'Nur diesen Newsletter',
    listsHint: 'Sie verlassen die Listen, an die diese Nachricht ging.',
    keep: 'Wenn Sie angemeldet bleiben möchten, schließen Sie einfach diese Seite. Es hat sich nichts geändert.',
    noLists:
      'Diesen Newsletter gibt es nicht mehr, dafür wird nichts mehr gesendet. Sie können sich noch von allem abmelden.',
    choose: 'Auswählen, was Sie erhalten',
  },
  done: {
    title: 'Sie sind abgemeldet',
    all: (address) => `Es werden keine Newsletter mehr${address ? ` an ${address}` : ''} gesendet.`,
    lists: 'Sie haben die Listen verlassen, an die diese Nachricht ging.',
    queued: 'Das gilt ab sofort. Sie können diese Seite schließen.',
    mistake: 'War das ein Versehen?',
    undo: 'Rückgängig machen',
  },
  already: {
    title: 'Sie sind bereits abgemeldet',
    lead: (address) =>
      `Es ist nichts weiter zu tun${address ? ` für ${address}` : ''}. Sie können diese Seite schließen.`,
  },
  undone: {
    title: 'Sie sind weiterhin angemeldet',
    lead: (address) => `Es ist wieder so wie vor Ihrem Klick${address ? `, für ${address}` : ''}.`,
  },
  notUndone: {
    title: 'Das lässt sich nicht mehr rückgängig machen',
    lead: 'Es ist zu viel Zeit vergangen, oder es ist schon geschehen. Sie können neu auswählen, was Sie erhalten.',
  },
  preferences: {
    title: 'Was Sie von uns erhalten',
    lead: (who, address) =>
      `Das sind die Einstellungen${address ? ` von ${address}` : ''}${who ? ` für Post von ${who}` : ''}.`,
    lists: 'Newsletter',
    noLists: 'Es stehen keine Newsletter zur Auswahl.',
    off: 'Sie haben sich von allem abgemeldet und erhalten daher nichts.',
    again: 'Ich möchte wieder Post erhalten',
    againHint: 'Nur die oben angekreuzten Newsletter, und erst wenn Sie das bestätigt haben.',
    joinHint:
      'Für neu Angekreuztes senden wir eine Nachricht an diese Adresse, mit einem Knopf zum Bestätigen. Was Sie abwählen, endet sofort.',
    cannotJoin: 'Neue Newsletter lassen sich hier gerade nicht bestellen, nur abbestellen.',
    you: 'Über Sie',
    firstName: 'Vorname',
    lastName: 'Nachname',
    namesHint:
      'Leer lassen heißt: Es bleibt, was wir haben. Es wird hier nicht gezeigt, weil Nachrichten weitergeleitet werden.',
    noName: 'Meinen Namen löschen',
    language: 'Sprache unserer Nachrichten',
    anyLanguage: 'Keine Angabe',
    save: 'Speichern',
    all: 'Von allem abmelden',
    saved: 'Ihre Einstellungen sind gespeichert',
    nothing: 'Es wurde nichts geändert.',
    left: (titles) => `Sie erhalten nicht mehr: ${titles}.`,
    asked: (titles, address) =>
      `Noch ein Schritt für ${titles}: Bitte bestätigen Sie es mit dem Knopf in der Nachricht, die unterwegs ist${address ? ` an ${address}` : ''}.`,
    askedBefore: (titles) =>
      `Für ${titles} wurde vor Kurzem eine Nachricht zum Bestätigen gesendet. Bitte sehen Sie auch im Spam-Ordner nach.`,
    notAsked: (titles) =>
      `${titles}: Das konnte gerade nicht bestellt werden. Bitte versuchen Sie es später noch einmal.`,
    stillOff:
      'Sie haben sich von allem abgemeldet. Um wieder Newsletter zu erhalten, kreuzen Sie auch „Ich möchte wieder Post erhalten“ an.',
    changed: 'Ihre Angaben sind geändert.',
    back: 'Zurück zu Ihren Einstellungen',
  },
  address: {
    legend: 'Andere Adresse',
    email: 'Neue E-Mail-Adresse',
    hint: 'Wir senden eine Nachricht dorthin, mit einem Knopf zum Bestätigen. Vorher ändert sich nichts.',
    submit: 'Post dorthin senden',
    asked: {
      title: 'Noch ein Schritt',
      lead: (address) =>
        `Wenn unsere Post an ${address} gehen kann, ist eine Nachricht zum Bestätigen dorthin unterwegs. Drücken Sie den Knopf darin; bis dahin bleibt alles, wie es ist.`,
    },
    askedHint:
      'Nach einigen Minuten nichts da? Sehen Sie im Spam-Ordner nach, und prüfen Sie die Adresse oben. Einer Adresse, die schon Post von uns erhält oder keine möchte, wird nichts gesendet.',
    wording: (who) =>
      `Ich möchte die Post${who ? ` von ${who}` : ''}, die bisher eine andere Adresse erhielt, an dieser Adresse erhalten. Ich kann mich jederzeit über den Link in jeder Nachricht abmelden.`,
    confirm: {
      title: 'Ein letzter Schritt',
      lead: (address) =>
        `Drücken Sie den Knopf, um unsere Post ab jetzt${address ? ` an ${address}` : ''} zu erhalten.`,
      submit: 'Ja, hierher senden',
      keep: 'Wenn Sie das nicht wollten, schließen Sie einfach diese Seite. Es hat sich nichts geändert.',
      mail: {
        subject: 'Bitte bestätigen Sie Ihre neue Adresse',
        title: 'Ihre neue Adresse',
        lead: 'Jemand, hoffentlich Sie, möchte unsere Post ab jetzt an dieser Adresse erhalten. Noch ein Schritt: Bitte bestätigen Sie das.',
        submit: 'Bestätigen',
        ignore: 'Waren Sie es nicht, dann brauchen Sie nichts zu tun: Es wird nichts weiter gesendet.',
      },
    },
    takeBackWording: (who) =>
      `Ich möchte die Post${who ? ` von ${who}` : ''} wieder an dieser Adresse erhalten.`,
    takeBack: {
      title: 'Änderung zurücknehmen',
      lead: (address) =>
        `Drücken Sie den Knopf, um unsere Post wieder${address ? ` an ${address}` : ''} zu erhalten.`,
      submit: 'Zurücknehmen',
      keep: 'Wenn die andere Adresse stimmt, schließen Sie einfach diese Seite.',
      mail: {
        subject: 'Ihre Adresse wurde geändert',
        title: 'Ihre Adresse wurde geändert',
        lead: 'Unsere Post an Sie geht ab jetzt an eine andere Adresse: Jemand hat das gewünscht und dort bestätigt. Waren Sie es, dann ist nichts zu tun. Wenn nicht, nehmen Sie es zurück:',
        submit: 'Zurücknehmen',
        ignore:
          'Waren Sie es, dann brauchen Sie nichts zu tun: An diese Adresse wird nichts weiter gesendet.',
      },
    },
    done: {
      title: 'Ihre Adresse ist geändert',
      lead: (address) => `Ab jetzt geht unsere Post an ${address}.`,
    },
    off: 'Zurzeit wird nichts gesendet, weil Sie sich von allem abgemeldet haben.',
    already: {
      title: 'Das ist bereits bestätigt',
      lead: 'Diese Änderung der Adresse wurde schon bestätigt. Es ist nichts weiter zu tun.',
    },
    taken: {
      title: 'Diese Adresse erhält schon Post von uns',
      lead: 'Daher kann sie keine andere ersetzen, und es hat sich nichts geändert. Um die Post an die andere Adresse zu beenden, melden Sie sich dort ab.',
    },
    late: {
      title: 'Dieser Link ist zu alt',
      lead: 'Er gilt nur einige Tage. Es hat sich nichts geändert.',
    },
  },
  subscribe: {
    title: (list) => `${list} abonnieren`,
    lead: (who) => `Per E-Mail${who ? ` von ${who}` : ''}. Sie können sich jederzeit wieder abmelden.`,
    email: 'E-Mail-Adresse',
    firstName: 'Vorname',
    optional: '(freiwillig)',
    language: 'Sprache',
    submit: 'Abonnieren',
    hint: 'Wir senden Ihnen eine Nachricht mit einem Knopf zum Bestätigen. Vorher wird nichts weiter gesendet.',
    trap: 'Dieses Feld bitte leer lassen',
    wrongAddress: 'Bitte geben Sie eine E-Mail-Adresse wie anna@example.com ein.',
    asked: {
      title: 'Noch ein Schritt',
      lead: (address) =>
        `Wenn Sie diesen Newsletter erhalten können, ist eine Nachricht an ${address} unterwegs. Drücken Sie darin den Knopf zum Bestätigen.`,
    },
    askedHint:
      'Nach einigen Minuten nichts da? Sehen Sie im Spam-Ordner nach, und prüfen Sie die Adresse oben.',
    off: {
      title: 'Hier nicht möglich',
      lead: 'Dieser Newsletter nimmt zurzeit keine Anmeldungen an.',
    },
    full: {
      title: 'Bitte später noch einmal versuchen',
      lead: 'Gerade melden sich zu viele Menschen an. Es wurde nichts gespeichert.',
    },
  },
  confirm: {
    title: 'Ein letzter Schritt',
    lead: (address) => `Drücken Sie den Knopf, um ${address || 'sich'} anzumelden.`,
    wording: (list, who) =>
      `Ich möchte „${list}“${who ? ` von ${who}` : ''} per E-Mail erhalten. Ich kann mich jederzeit über den Link in jeder Nachricht abmelden.`,
    again:
      'Sie hatten sich von allem abgemeldet. Hiermit erhalten Sie diesen Newsletter wieder, und sonst nichts.',
    submit: 'Ja, ich melde mich an',
    keep: 'Wenn Sie das nicht wollten, schließen Sie einfach diese Seite. Es hat sich nichts geändert.',
    done: { title: 'Sie sind angemeldet', lead: (list) => `Ab jetzt erhalten Sie: ${list}.` },
    doneHint: 'Sie können diese Seite schließen.',
    already: {
      title: 'Das ist bereits bestätigt',
      lead: (list) => `Ihre Anmeldung für ${list} wurde schon bestätigt. Es ist nichts weiter zu tun.`,
    },
    late: {
      title: 'Dieser Link ist zu alt',
      lead: 'Er gilt nur einige Tage. Es hat sich nichts geändert.',
    },
    lateLink: 'Einen neuen anfordern',
  },
  mail: {
    subject: (list) => `Bitte bestätigen: ${list}`,
    lead: 'Jemand, hoffentlich Sie, hat diesen Newsletter mit dieser Adresse bestellt. Noch ein Schritt: Bitte bestätigen Sie das.',
    submit: 'Bestätigen',
    valid: (days) => `Der Link gilt ${days} Tage.`,
    ignore: 'Waren Sie es nicht, dann brauchen Sie nichts zu tun: Es wird nichts weiter gesendet.',
  },
  test: {
    title: 'Das war eine Testnachricht',
    lead: 'Der Link funktioniert und ändert nichts.',
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
    kept: 'Wir konnten es noch nicht speichern, haben es uns aber gemerkt und versuchen es weiter. Zur Sicherheit können Sie den Knopf noch einmal drücken.',
    save: 'Wir konnten nicht alles speichern. Bitte drücken Sie den Knopf gleich noch einmal.',
  },
  badRequest: {
    title: 'Das hat nicht geklappt',
    lead: 'Wir haben diese Anfrage nicht verstanden. Bitte öffnen Sie den Link noch einmal.',
  },
};
