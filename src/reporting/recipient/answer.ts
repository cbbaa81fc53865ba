import { hasEnded, stateInWords } from '../../domain/campaign-state.ts';
import type { BounceClass } from '../../domain/feedback.ts';
import { type ExclusionReason, exclusionReasons } from '../../domain/outcome.ts';
import { instant } from '../pages/format.ts';
import type { HeldExclusion, RecipientEvent, RecipientReport, Waiting } from './recipient-report.ts';

/** Why the address did or did not get the campaign, in sentences; the first says whether it did. */
export function answerInWords(report: RecipientReport): string[] {
  return [...mainAnswer(report), ...laterEvents(report), ...testMessages(report)];
}

function mainAnswer(report: RecipientReport): string[] {
  const { campaign, outcome } = report;
  const what = `"${campaign.name}"`;
  const when = outcome === null ? '' : utc(outcome.at);
  const by = outcome === null || outcome.server === '' ? '' : ` by ${outcome.server}`;
  const reply = said(outcome?.reply);
  switch (report.answer) {
    case 'sent':
      return [`Yes: ${what} was sent to ${report.email} at ${when}${by}${reply}.`];
    case 'failed':
      return [
        `No: the message to ${report.email} failed at ${when}${by}: ${outcome?.reason ?? 'no reason given'}${reply}.`,
      ];
    case 'skipped':
      return [
        `No: ${report.email} was queued and left out when its turn came, at ${when}: ${skipInWords(outcome?.reason)}.`,
        ...exclusionsNow(report),
      ];
    case 'cancelled':
      return [
        `No: the campaign was cancelled before the turn of ${report.email} came${campaign.reason === null ? '' : `: ${campaign.reason}`}.`,
      ];
    case 'in_doubt':
      return [
        `Perhaps: the message to ${report.email} was handed over at ${when}${by} without a reply reaching us${outcome?.reason ? `: ${outcome.reason}` : ''}.`,
        'It may have been delivered or not, and is not sent again.',
      ];
    case 'waiting':
      return [
        `Not yet: ${report.email} is queued, and has no outcome.`,
        ...report.waitingFor.map((one) => waitingInWords(one, report)),
        ...skippedWhenItsTurnComes(report),
      ];
    case 'no-outcome':
      return [
        `Nobody can tell: ${report.email} is queued, and the campaign has ended without an outcome of it.`,
        `The books do not balance; see "exm campaign audit ${campaign.id}".`,
      ];
    case 'not-queued':
      if (report.leftOut !== null) return [leftOutInWords(report.leftOut, report), ...exclusionsNow(report)];
      return [`No: ${report.email} was not queued.`, ...whyNotThen(report), ...exclusionsNow(report)];
    case 'nobody-queued':
      return nobodyQueued(report);
    case 'on-no-list':
      return [
        `No: ${report.email} is a contact, but on none of the lists that the campaign goes to (${included(report)}).`,
        ...exclusionsNow(report),
      ];
    case 'no-contact':
      return [
        `No: there is no contact with the address ${report.email}.`,
        ...(campaign.queued === null
          ? []
          : [
              'Had it been erased since, what became of it would stand in the ledger under its number alone.',
            ]),
        ...exclusionsNow(report),
        ...listOptOuts(report),
      ];
  }
}

/** By the books, whatever holds by now. */
function leftOutInWords(reason: ExclusionReason, { email, campaign }: RecipientReport): string {
  const when = campaign.queuedAt === null ? '' : `, before ${utc(campaign.queuedAt)}`;
  return `No: ${email} was left out when the campaign was queued${when}: ${skipInWords(reason)}.`;
}

/** `What excludes it now: it is on the global opt-out list since …` */
function exclusionsNow({ exclusions, campaign }: RecipientReport): string[] {
  if (exclusions.length === 0) return [];
  return [`What excludes it now: ${exclusions.map((one) => held(one, campaign.queuedAt)).join('; ')}.`];
}

function held({ reason, detail, since }: HeldExclusion, queuedAt: string | null): string {
  const isEntered = reason === 'global-opt-out' || reason === 'suppression-list';
  const isLater = since !== null && queuedAt !== null && since > queuedAt;
  const remarks = [
    ...(isEntered && detail !== null ? [detail] : []),
    ...(isLater ? ['after the campaign was queued'] : []),
  ];
  return [
    nowInWords(reason, detail),
    ...(since === null ? [] : [`since ${utc(since)}`]),
    ...(remarks.length === 0 ? [] : [`(${remarks.join(', ')})`]),
    ...(reason === 'list-opt-out' ? ['and is on no other included list'] : []),
  ].join(' ');
}

function nowInWords(reason: ExclusionReason, detail: string | null): string {
  const words: Record<ExclusionReason, string> = {
    'excluded-list': `it is on the excluded list ${detail}`,
    'global-opt-out': 'it is on the global opt-out list',
    'do-not-market': 'it is marked DoNotMarket',
    'consent-revoked': 'its consent is revoked',
    'undelivered-maximum': `it bounced too often (${detail})`,
    'suppression-list': 'it is on the suppression list',
    'former-address':
      'its person says no by another address: one of the two is the former address of the other',
    'list-opt-out': `it has opted out of ${detail}`,
    'duplicate-address': 'its address is queued by another list already',
    'unknown-contact': 'it is no contact',
    'no-address': 'it has no address',
    'send-limit': `it has got as many messages as the send limits allow (${detail})`,
  };
  return words[reason];
}

/** A reason that the ledger has: ours, or that of a step of the installation's own. */
function skipInWords(reason: string | null | undefined): string {
  const words: Record<ExclusionReason, string> = {
    'excluded-list': 'it was on an excluded list',
    'global-opt-out': 'it was on the global opt-out list by then',
    'do-not-market': 'it was marked DoNotMarket by then',
    'consent-revoked': 'its consent was revoked by then',
    'undelivered-maximum': 'it had bounced too often by then',
    'suppression-list': 'it was on the suppression list by then',
    'former-address':
      'its person had said no by another address by then: one of the two is the former address of the other',
    'list-opt-out': 'it had opted out of the lists it was on by then',
    'duplicate-address': 'its address was queued already',
    'unknown-contact': 'it was no contact',
    'no-address': 'its contact had been erased by then',
    'send-limit': 'it had got, or was to get, as many messages as the send limits allow by then',
  };
  const known = exclusionReasons.find((one) => one === reason);
  return known === undefined ? (reason ?? 'no reason given') : words[known];
}

function waitingInWords(waiting: Waiting, { campaign, queue, deferral }: RecipientReport): string {
  switch (waiting.for) {
    case 'cancel':
      return 'The campaign is being cancelled: it is entered as cancelled, unless its message is on the wire.';
    case 'resume': {
      const since = waiting.since === null ? '' : ` since ${utc(waiting.since)}`;
      const by = waiting.by === null ? '' : ` by ${waiting.by}`;
      const why = waiting.reason === null ? '' : `: ${waiting.reason}`;
      return `The campaign is paused${since}${by}${why}${/[.!?]$/.test(why) ? '' : '.'} "exm campaign resume ${campaign.id}" lets it go on.`;
    }
    case 'due':
      return `It was put off until ${utc(waiting.at)}, and is tried again then${said(deferral?.reply)}.`;
    case 'batch':
      return waiting.presence === 'alive' || waiting.presence === 'stopping'
        ? `It is in batch ${waiting.batch}, which ${waiting.server} has in hand since ${utc(waiting.since)}.`
        : `It is in batch ${waiting.batch}, which ${waiting.server} took at ${utc(waiting.since)}; that server is ${waiting.presence}, so the batch is given to another.`;
    case 'dispatcher':
      return `It waits, for ${waiting.reason}.`;
    case 'winner':
      if (!waiting.isOut)
        return 'It waits for the A/B test, which is being sent: it gets the variant that wins.';
      return waiting.dueAt === null
        ? `It gets the variant that wins the A/B test, which a person chooses: "exm campaign winner ${campaign.id} B".`
        : `It gets the variant that wins the A/B test, which is chosen at ${utc(waiting.dueAt)}.`;
    case 'turn':
      return `The campaign is ${stateInWords(campaign)}, and no dispatcher has taken its batch yet (position ${queue?.position} of ${campaign.queued}).`;
  }
}

function skippedWhenItsTurnComes({ exclusions, campaign }: RecipientReport): string[] {
  const honoured = exclusions.filter((one) => one.holdsAtSending);
  const settled = exclusions.filter((one) => !one.holdsAtSending);
  const list = (some: readonly HeldExclusion[]) => some.map((one) => held(one, campaign.queuedAt)).join('; ');
  return [
    ...(honoured.length === 0 ? [] : [`When its turn comes it will be left out: ${list(honoured)}.`]),
    ...(settled.length === 0 || honoured.length > 0
      ? []
      : [
          `That ${list(settled)} came after the campaign was queued, which settles the lists: it is sent to.`,
        ]),
  ];
}

/** Whoever was left out for a reason stands in the books with it. */
function whyNotThen({ campaign, contact }: RecipientReport): string[] {
  const { queuedAt } = campaign;
  if (contact !== null && queuedAt !== null && contact.createdAt > queuedAt)
    return [`The contact was created at ${utc(contact.createdAt)}, after the campaign was queued.`];
  const then = queuedAt === null ? 'then' : `when that was done, before ${utc(queuedAt)}`;
  return [`It was on no list that the campaign goes to ${then}.`];
}

function nobodyQueued(report: RecipientReport): string[] {
  const { campaign } = report;
  if (hasEnded(campaign.state)) {
    return [
      `No: the campaign was ended before anybody was queued${campaign.reason === null ? '' : `: ${campaign.reason}`}.`,
    ];
  }
  return [
    `Not yet: the campaign is ${stateInWords(campaign)}, and nobody has been queued.`,
    ...(report.isManaged ? byItsManager(report) : asThingsAre(report)),
    ...exclusionsNow(report),
  ];
}

function asThingsAre({ exclusions, email }: RecipientReport): string[] {
  return [`As things are now, ${email} would ${exclusions.length === 0 ? '' : 'not '}get it.`];
}

/** Whom it will name nobody knows before it is asked, and asking it for one answer may be asking for a million. */
function byItsManager({ exclusions, overruled, email }: RecipientReport): string[] {
  const reasons = overruled.join(', ');
  return [
    'A DispatchManager (exm.config.ts) says who gets it, whatever lists they are on.',
    ...(reasons === ''
      ? []
      : [`For whom it names these reasons do not count, as it overrules them: ${reasons}.`]),
    exclusions.length === 0
      ? `As things are now, ${email} would get it if it is named.`
      : `As things are now, ${email} would not get it even if it is named.`,
  ];
}

function listOptOuts({ lists }: RecipientReport): string[] {
  const left = lists.filter(({ role, optOut }) => role === 'include' && optOut !== null);
  return left.map(
    ({ name, optOut }) =>
      `The address has opted out of ${name} since ${utc(optOut?.since ?? '')} (${optOut?.reason}).`,
  );
}

/** What came back of a message that a mail server had taken: a refusal stands in its outcome. */
function laterEvents({ events, outcome }: RecipientReport): string[] {
  const bounce = outcome?.kind === 'failed' ? undefined : events.findLast(({ type }) => type === 'Bounce');
  const complaint = events.find(({ type }) => type === 'SpamComplaint');
  return [
    ...(bounce === undefined ? [] : [bounceInWords(bounce)]),
    ...(complaint === undefined ? [] : [`It was reported as spam at ${utc(complaint.at)}.`]),
  ];
}

function bounceInWords({ at, detail }: RecipientEvent): string {
  const words: Record<BounceClass, string> = {
    hard: 'It came back as undeliverable for good',
    soft: 'It came back as undeliverable for now',
    policy: 'It came back, refused as a message and not because of its recipient,',
  };
  const what = words[detail?.class ?? 'soft'];
  const said = [detail?.status, detail?.text].filter((part) => part !== undefined && part !== '');
  return `${what} at ${utc(at)}${said.length === 0 ? '' : `: ${said.join(' ')}`}.`;
}

function testMessages({ tests }: RecipientReport): string[] {
  return tests.flatMap(({ at, ok }) =>
    ok === true ? [`A test message of this campaign was sent to this address at ${utc(at)}.`] : [],
  );
}

function included({ lists }: RecipientReport): string {
  return lists
    .filter(({ role }) => role === 'include')
    .map(({ name }) => name)
    .join(', ');
}

function utc(iso: string): string {
  return `${instant(iso)} UTC`;
}

function said(reply: string | null | undefined): string {
  return reply ? `; the mail server answered "${reply}"` : '';
}
