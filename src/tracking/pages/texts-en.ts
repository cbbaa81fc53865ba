import type { PageTexts } from './text-shape.ts';

export const en: PageTexts = {
  quote: (title) => `“${title}”`,
  unsubscribe: {
    title: 'Unsubscribe',
    lead: (who, address) =>
      `You receive mail from ${who || 'us'}${address ? ` at ${address}` : ''}. What would you like to stop?`,
    all: 'Unsubscribe from everything',
    allHint: 'You get no more newsletters at all.',
    lists: 'Only this newsletter',
    listsHint: 'You leave the lists this message was sent to.',
    keep: 'To stay subscribed, just close this page. Nothing has changed.',
    noLists:
      'This newsletter is no longer there, so nothing more is sent for it. You can still unsubscribe from everything.',
    choose: 'Choose what you get',
  },
  done: {
    title: 'You are unsubscribed',
    all: (address) => `No more newsletters will be sent${address ? ` to ${address}` : ''}.`,
    lists: 'You have left the lists this message was sent to.',
    queued: 'This is in force now. You can close this page.',
    mistake: 'Was that a mistake?',
    undo: 'Undo',
  },
  already: {
    title: 'You are already unsubscribed',
    lead: (address) =>
      `There is nothing left to do${address ? ` for ${address}` : ''}. You can close this page.`,
  },
  undone: {
    title: 'You are still subscribed',
    lead: (address) => `It is as it was before you clicked${address ? `, for ${address}` : ''}.`,
  },
  notUndone: {
    title: 'This cannot be undone any more',
    lead: 'Too much time has passed, or it was undone already. You can choose anew what you get.',
  },
  preferences: {
    title: 'What you get from us',
    lead: (who, address) =>
      `These are the settings${address ? ` of ${address}` : ''}${who ? ` for mail from ${who}` : ''}.`,
    lists: 'Newsletters',
    noLists: 'There are no newsletters to choose from.',
    off: 'You have unsubscribed from everything, so nothing is sent to you.',
    again: 'Send me mail again',
    againHint: 'Only the newsletters ticked above, and only once you have confirmed it.',
    joinHint:
      'For what you add we send a mail to this address, with a button to confirm it. What you take away stops at once.',
    cannotJoin: 'Newsletters cannot be added here at the moment; they can be stopped.',
    you: 'About you',
    firstName: 'First name',
    lastName: 'Last name',
    namesHint: 'Leave empty to keep what we have. It is not shown here, because messages are passed on.',
    noName: 'Remove my name',
    language: 'Language of our mail',
    anyLanguage: 'No preference',
    save: 'Save',
    all: 'Unsubscribe from everything',
    saved: 'Your settings are saved',
    nothing: 'Nothing was changed.',
    left: (titles) => `You no longer get ${titles}.`,
    asked: (titles, address) =>
      `One more step for ${titles}: please confirm it with the button in the mail that is on its way${address ? ` to ${address}` : ''}.`,
    askedBefore: (titles) =>
      `For ${titles} a mail to confirm it was sent a short time ago. Please look for it, also among spam.`,
    notAsked: (titles) => `${titles} could not be added just now. Please try again later.`,
    stillOff:
      'You have unsubscribed from everything. To get newsletters again, tick “Send me mail again” as well.',
    changed: 'What you told us about yourself is changed.',
    back: 'Back to your settings',
  },
  address: {
    legend: 'Another address',
    email: 'New email address',
    hint: 'We send a mail there, with a button to confirm it. Until then nothing changes.',
    submit: 'Send my mail there',
    asked: {
      title: 'One more step',
      lead: (address) =>
        `If our mail can go to ${address}, a mail to confirm it is on its way there. Press the button in it; until then everything stays as it is.`,
    },
    askedHint:
      'Nothing there after some minutes? Look among spam, and check the address above. An address that already gets mail from us, or wants none, is sent nothing.',
    wording: (who) =>
      `I would like to get the mail${who ? ` of ${who}` : ''} that another address got until now at this address. I can unsubscribe at any time, with the link in every message.`,
    confirm: {
      title: 'One last step',
      lead: (address) => `Press the button to get our mail${address ? ` at ${address}` : ''} from now on.`,
      submit: 'Yes, send it here',
      keep: 'If you did not ask for this, just close this page. Nothing has changed.',
      mail: {
        subject: 'Please confirm your new address',
        title: 'Your new address',
        lead: 'Somebody, hopefully you, asked to get our mail at this address from now on. One more step: please confirm it.',
        submit: 'Confirm',
        ignore: 'If it was not you, ignore this mail: nothing more will be sent.',
      },
    },
    takeBackWording: (who) => `I would like to get the mail${who ? ` of ${who}` : ''} at this address again.`,
    takeBack: {
      title: 'Take the change back',
      lead: (address) => `Press the button to get our mail${address ? ` at ${address}` : ''} again.`,
      submit: 'Take it back',
      keep: 'If the other address is right, just close this page.',
      mail: {
        subject: 'Your address was changed',
        title: 'Your address was changed',
        lead: 'Our mail to you goes to another address from now on: somebody asked for it and confirmed it there. If that was you, there is nothing to do. If not, take it back:',
        submit: 'Take it back',
        ignore: 'If it was you, ignore this mail: nothing more will be sent to this address.',
      },
    },
    done: { title: 'Your address is changed', lead: (address) => `From now on our mail goes to ${address}.` },
    off: 'At the moment nothing is sent, because you have unsubscribed from everything.',
    already: {
      title: 'This is confirmed already',
      lead: 'This change of address was confirmed before. There is nothing left to do.',
    },
    taken: {
      title: 'This address gets mail from us already',
      lead: 'So it cannot take the place of another one, and nothing has changed. To end the mail to the other address, unsubscribe there.',
    },
    late: {
      title: 'This link is too old',
      lead: 'It is valid for some days only, so nothing has changed.',
    },
  },
  subscribe: {
    title: (list) => `Subscribe to ${list}`,
    lead: (who) => `By mail${who ? ` from ${who}` : ''}. You can unsubscribe at any time.`,
    email: 'Email address',
    firstName: 'First name',
    optional: '(optional)',
    language: 'Language',
    submit: 'Subscribe',
    hint: 'We send you a mail with a button to confirm it. Until then nothing else is sent.',
    trap: 'Leave this field empty',
    wrongAddress: 'Please enter an email address such as ann@example.com.',
    asked: {
      title: 'One more step',
      lead: (address) =>
        `If you can get this newsletter, a mail is on its way to ${address}. Press the button in it to confirm.`,
    },
    askedHint: 'Nothing there after some minutes? Look among spam, and check the address above.',
    off: { title: 'Not possible here', lead: 'This newsletter takes no subscriptions at the moment.' },
    full: {
      title: 'Please try again later',
      lead: 'Too many people are subscribing right now. Nothing was stored.',
    },
  },
  confirm: {
    title: 'One last step',
    lead: (address) => `Press the button to subscribe${address ? ` ${address}` : ''}.`,
    wording: (list, who) =>
      `I would like to get “${list}”${who ? ` from ${who}` : ''} by email. I can unsubscribe at any time, with the link in every message.`,
    again: 'You had unsubscribed from everything. With this you get this newsletter again, and nothing else.',
    submit: 'Yes, subscribe me',
    keep: 'If you did not ask for this, just close this page. Nothing has changed.',
    done: { title: 'You are subscribed', lead: (list) => `From now on you get ${list}.` },
    doneHint: 'You can close this page.',
    already: {
      title: 'This is confirmed already',
      lead: (list) => `Your subscription to ${list} was confirmed before. There is nothing left to do.`,
    },
    late: {
      title: 'This link is too old',
      lead: 'It is valid for some days only, so nothing has changed.',
    },
    lateLink: 'Ask for a new one',
  },
  mail: {
    subject: (list) => `Please confirm: ${list}`,
    lead: 'Somebody, hopefully you, asked for this newsletter with this address. One more step: please confirm it.',
    submit: 'Confirm',
    valid: (days) => `The link is valid for ${days} days.`,
    ignore: 'If it was not you, ignore this mail: nothing more will be sent.',
  },
  test: {
    title: 'This was a test message',
    lead: 'The link works, and changes nothing.',
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
    kept: 'We could not store it yet, but we have kept it and go on trying. You may press the button again to be sure.',
    save: 'We could not save all of it. Please press the button again in a moment.',
  },
  badRequest: {
    title: 'That did not work',
    lead: 'We did not understand this request. Please open the link again.',
  },
};
