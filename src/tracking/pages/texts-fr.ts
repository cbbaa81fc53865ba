import type { PageTexts } from './text-shape.ts';

export const fr: PageTexts = {
  quote: (title) => `«\u00a0${title}\u00a0»`,
  unsubscribe: {
    title: 'Se désabonner',
    lead: (who, address) =>
      `Vous recevez des messages de ${who || 'notre part'}${address ? ` à l’adresse ${address}` : ''}. Que souhaitez-vous arrêter\u00a0?`,
    all: 'Me désabonner de tout',
    allHint: 'Vous ne recevrez plus aucune lettre d’information.',
    lists: 'Seulement cette lettre',
    listsHint: 'Vous quittez les listes auxquelles ce message a été envoyé.',
    keep: 'Pour rester abonné, fermez simplement cette page. Rien n’a changé.',
    noLists:
      'Cette lettre n’existe plus, plus rien n’est envoyé pour elle. Vous pouvez toujours vous désabonner de tout.',
    choose: 'Choisir ce que vous recevez',
  },
  done: {
    title: 'Vous êtes désabonné',
    all: (address) => `Plus aucune lettre d’information ne sera envoyée${address ? ` à ${address}` : ''}.`,
    lists: 'Vous avez quitté les listes auxquelles ce message a été envoyé.',
    queued: 'C’est effectif dès maintenant. Vous pouvez fermer cette page.',
    mistake: 'Était-ce une erreur\u00a0?',
    undo: 'Annuler',
  },
  already: {
    title: 'Vous êtes déjà désabonné',
    lead: (address) =>
      `Il n’y a plus rien à faire${address ? ` pour ${address}` : ''}. Vous pouvez fermer cette page.`,
  },
  undone: {
    title: 'Vous êtes toujours abonné',
    lead: (address) => `Tout est comme avant votre clic${address ? `, pour ${address}` : ''}.`,
  },
  notUndone: {
    title: 'Ce n’est plus annulable',
    lead: 'Trop de temps a passé, ou c’est déjà fait. Vous pouvez choisir de nouveau ce que vous recevez.',
  },
  preferences: {
    title: 'Ce que vous recevez de nous',
    lead: (who, address) =>
      `Voici les réglages${address ? ` de ${address}` : ''}${who ? ` pour les messages de ${who}` : ''}.`,
    lists: 'Lettres d’information',
    noLists: 'Il n’y a pas de lettre à choisir.',
    off: 'Vous vous êtes désabonné de tout\u00a0; rien ne vous est envoyé.',
    again: 'Je souhaite de nouveau recevoir des messages',
    againHint: 'Seulement les lettres cochées ci-dessus, et seulement après votre confirmation.',
    joinHint:
      'Pour ce que vous ajoutez, nous envoyons un message à cette adresse, avec un bouton pour confirmer. Ce que vous retirez s’arrête aussitôt.',
    cannotJoin: 'On ne peut pas ajouter de lettre ici pour le moment, seulement en arrêter.',
    you: 'À propos de vous',
    firstName: 'Prénom',
    lastName: 'Nom',
    namesHint:
      'Laissez vide pour garder ce que nous avons. Rien n’est montré ici, car les messages se transfèrent.',
    noName: 'Effacer mon nom',
    language: 'Langue de nos messages',
    anyLanguage: 'Sans préférence',
    save: 'Enregistrer',
    all: 'Me désabonner de tout',
    saved: 'Vos réglages sont enregistrés',
    nothing: 'Rien n’a été changé.',
    left: (titles) => `Vous ne recevez plus\u00a0: ${titles}.`,
    asked: (titles, address) =>
      `Encore une étape pour ${titles}\u00a0: veuillez confirmer avec le bouton du message qui est en route${address ? ` vers ${address}` : ''}.`,
    askedBefore: (titles) =>
      `Pour ${titles}, un message de confirmation a été envoyé il y a peu. Regardez aussi parmi les indésirables.`,
    notAsked: (titles) => `${titles}\u00a0: l’ajout n’a pas été possible. Veuillez réessayer plus tard.`,
    stillOff:
      'Vous vous êtes désabonné de tout. Pour recevoir de nouveau des lettres, cochez aussi «\u00a0Je souhaite de nouveau recevoir des messages\u00a0».',
    changed: 'Vos informations sont modifiées.',
    back: 'Retour à vos réglages',
  },
  address: {
    legend: 'Une autre adresse',
    email: 'Nouvelle adresse e-mail',
    hint: 'Nous y envoyons un message avec un bouton pour confirmer. Rien ne change avant.',
    submit: 'Envoyer mes messages là',
    asked: {
      title: 'Encore une étape',
      lead: (address) =>
        `Si nos messages peuvent aller à ${address}, un message de confirmation y est en route. Appuyez sur le bouton qu’il contient\u00a0; d’ici là, rien ne change.`,
    },
    askedHint:
      'Rien après quelques minutes\u00a0? Regardez parmi les indésirables et vérifiez l’adresse ci-dessus. Rien n’est envoyé à une adresse qui reçoit déjà nos messages ou n’en veut pas.',
    wording: (who) =>
      `Je souhaite recevoir à cette adresse les messages${who ? ` de ${who}` : ''} qu’une autre adresse recevait jusqu’ici. Je peux me désabonner à tout moment, par le lien de chaque message.`,
    confirm: {
      title: 'Une dernière étape',
      lead: (address) =>
        `Appuyez sur le bouton pour recevoir désormais nos messages${address ? ` à ${address}` : ''}.`,
      submit: 'Oui, les envoyer ici',
      keep: 'Si vous n’avez rien demandé, fermez simplement cette page. Rien n’a changé.',
      mail: {
        subject: 'Veuillez confirmer votre nouvelle adresse',
        title: 'Votre nouvelle adresse',
        lead: 'Quelqu’un, vous sans doute, a demandé à recevoir désormais nos messages à cette adresse. Encore une étape\u00a0: veuillez confirmer.',
        submit: 'Confirmer',
        ignore: 'Si ce n’était pas vous, ignorez ce message\u00a0: rien d’autre ne sera envoyé.',
      },
    },
    takeBackWording: (who) =>
      `Je souhaite de nouveau recevoir les messages${who ? ` de ${who}` : ''} à cette adresse.`,
    takeBack: {
      title: 'Annuler le changement',
      lead: (address) =>
        `Appuyez sur le bouton pour recevoir de nouveau nos messages${address ? ` à ${address}` : ''}.`,
      submit: 'Annuler le changement',
      keep: 'Si l’autre adresse est la bonne, fermez simplement cette page.',
      mail: {
        subject: 'Votre adresse a été changée',
        title: 'Votre adresse a été changée',
        lead: 'Nos messages pour vous vont désormais à une autre adresse\u00a0: quelqu’un l’a demandé et l’y a confirmé. Si c’était vous, il n’y a rien à faire. Sinon, annulez-le\u00a0:',
        submit: 'Annuler le changement',
        ignore: 'Si c’était vous, ignorez ce message\u00a0: rien d’autre ne sera envoyé à cette adresse.',
      },
    },
    done: {
      title: 'Votre adresse est changée',
      lead: (address) => `Nos messages vont désormais à ${address}.`,
    },
    off: 'Pour le moment rien n’est envoyé, car vous vous êtes désabonné de tout.',
    already: {
      title: 'C’est déjà confirmé',
      lead: 'Ce changement d’adresse a déjà été confirmé. Il n’y a plus rien à faire.',
    },
    taken: {
      title: 'Cette adresse reçoit déjà nos messages',
      lead: 'Elle ne peut donc pas en remplacer une autre, et rien n’a changé. Pour arrêter les messages à l’autre adresse, désabonnez-vous là-bas.',
    },
    late: {
      title: 'Ce lien est trop ancien',
      lead: 'Il n’est valable que quelques jours. Rien n’a changé.',
    },
  },
  subscribe: {
    title: (list) => `S’abonner à ${list}`,
    lead: (who) => `Par e-mail${who ? `, de ${who}` : ''}. Vous pouvez vous désabonner à tout moment.`,
    email: 'Adresse e-mail',
    firstName: 'Prénom',
    optional: '(facultatif)',
    language: 'Langue',
    submit: 'S’abonner',
    hint: 'Nous vous envoyons un message avec un bouton pour confirmer. Rien d’autre n’est envoyé avant.',
    trap: 'Laissez ce champ vide',
    wrongAddress: 'Veuillez saisir une adresse e-mail comme anne@example.com.',
    asked: {
      title: 'Encore une étape',
      lead: (address) =>
        `Si vous pouvez recevoir cette lettre, un message est en route vers ${address}. Confirmez avec le bouton qu’il contient.`,
    },
    askedHint:
      'Rien après quelques minutes\u00a0? Regardez parmi les indésirables et vérifiez l’adresse ci-dessus.',
    off: {
      title: 'Impossible ici',
      lead: 'Cette lettre n’accepte pas d’abonnements pour le moment.',
    },
    full: {
      title: 'Veuillez réessayer plus tard',
      lead: 'Trop de personnes s’abonnent en ce moment. Rien n’a été enregistré.',
    },
  },
  confirm: {
    title: 'Une dernière étape',
    lead: (address) => `Appuyez sur le bouton pour abonner ${address || 'votre adresse'}.`,
    wording: (list, who) =>
      `Je souhaite recevoir «\u00a0${list}\u00a0»${who ? ` de ${who}` : ''} par e-mail. Je peux me désabonner à tout moment, par le lien de chaque message.`,
    again: 'Vous vous étiez désabonné de tout. Ainsi vous recevez de nouveau cette lettre, et rien d’autre.',
    submit: 'Oui, je m’abonne',
    keep: 'Si vous n’avez rien demandé, fermez simplement cette page. Rien n’a changé.',
    done: { title: 'Vous êtes abonné', lead: (list) => `Vous recevez désormais\u00a0: ${list}.` },
    doneHint: 'Vous pouvez fermer cette page.',
    already: {
      title: 'C’est déjà confirmé',
      lead: (list) => `Votre abonnement à ${list} a déjà été confirmé. Il n’y a plus rien à faire.`,
    },
    late: {
      title: 'Ce lien est trop ancien',
      lead: 'Il n’est valable que quelques jours. Rien n’a changé.',
    },
    lateLink: 'En demander un nouveau',
  },
  mail: {
    subject: (list) => `Veuillez confirmer\u00a0: ${list}`,
    lead: 'Quelqu’un, vous sans doute, a demandé cette lettre avec cette adresse. Encore une étape\u00a0: veuillez confirmer.',
    submit: 'Confirmer',
    valid: (days) => `Le lien est valable ${days} jours.`,
    ignore: 'Si ce n’était pas vous, ignorez ce message\u00a0: rien d’autre ne sera envoyé.',
  },
  test: {
    title: 'C’était un message de test',
    lead: 'Le lien fonctionne et ne change rien.',
  },
  gone: {
    title: 'Vous n’êtes sur aucune liste',
    lead: 'Nous n’avons plus l’adresse à laquelle ce message a été envoyé\u00a0; plus rien n’y sera envoyé.',
  },
  notFound: {
    title: 'Cette page n’existe pas',
    lead: 'Le lien est peut-être incomplet. Ouvrez-le de nouveau depuis le message.',
  },
  unavailable: {
    title: 'Veuillez réessayer dans un instant',
    lead: 'Nous ne pouvons pas répondre pour le moment. Le lien reste valable.',
    unsubscribe:
      'Vous n’êtes pas encore désabonné\u00a0: nous n’avons pas pu l’enregistrer. Veuillez appuyer de nouveau sur le bouton dans un instant.',
    kept: 'Nous n’avons pas encore pu l’enregistrer, mais nous l’avons gardé et continuons d’essayer. Vous pouvez appuyer de nouveau sur le bouton pour en être sûr.',
    save: 'Tout n’a pas pu être enregistré. Veuillez appuyer de nouveau sur le bouton dans un instant.',
  },
  badRequest: {
    title: 'Cela n’a pas fonctionné',
    lead: 'Nous n’avons pas compris cette demande. Veuillez ouvrir le lien de nouveau.',
  },
};
