import { warmUp, warmUpMaximum } from './campaign.ts';
import { type DispatchFigures, measureCampaign, type Senders } from './dispatch-figures.ts';
import type { BenchRow, Measurement } from './measurement.ts';
import { median } from './median.ts';
import { newsletter, newsletterHtml } from './newsletters.ts';
import { runSenders, type SenderFigures } from './senders/run-senders.ts';
import { findSmtpSource, howToInstall, runSmtpSource } from './senders/smtp-source.ts';
import type { BenchStage } from './stage.ts';
import { connections, withDispatchers } from './with-dispatchers.ts';

const recipients = 50_000;
/**
 * Where --check gives up. A bare socket is bound by the system and we by the processor, so their ratio differs from machine to
 * machine by much more than noise does. CPU time is as long as the machine is slow, which a bare socket's tells.
 */
const far = { ofBare: 0.05, ofNodemailer: 3, dispatcherCpuMs: 0.5, ofBareCpu: 14 };
/** A small campaign is over within a second, and so is told by the one in the middle of so many. */
const runsOfSmall = 3;
/** Of nodemailer, which needs as long for one as we need for many. As a program that uses it would, it sends in one process. */
const recipientsOfNodemailer = 10_000;
const links = 9;
/** What is measured is a dispatcher that has been at work for a minute. nodemailer's is warm, too. */
const warmUpMessages = 100_000;

interface Case {
  /** Of the HTML. */
  readonly kilobytes: number;
  readonly ofBare?: number;
  readonly ofNodemailer?: number;
  readonly dispatcherCpuMs?: number;
}

const cases: readonly Case[] = [
  { kilobytes: 14.5, ofBare: 0.65, ofNodemailer: 12, dispatcherCpuMs: 0.12 },
  { kilobytes: 2.7 },
];

/** Accepted messages per second of one whole campaign, against senders that have nothing to do but send. */
export const dispatch: Measurement = {
  name: 'dispatch',
  about: 'messages per second of a whole campaign, against senders that only send',
  async run(stage) {
    return await withDispatchers(stage, stage.size(recipients), async ({ processes, ...senders }) => {
      const rows: BenchRow[] = [];
      await warmUp(stage, warmUpMaximum, Math.ceil(stage.size(warmUpMessages) / warmUpMaximum));
      for (const one of cases) {
        const html = newsletterHtml(one.kilobytes * 1_000, links);
        stage.tell(`Sending ${stage.size(recipients)} messages of ${one.kilobytes} KB`);
        const figures = await measureOften(stage, html, senders);
        rows.push(...(await compare(stage, one, figures, { processes, html })));
      }
      const peak = Math.max(...senders.dispatchers.map((dispatcher) => dispatcher.memory().peak));
      return [...rows, { what: 'peak memory of a dispatcher', value: peak / 1_048_576, unit: 'MiB' }];
    });
  },
};

async function measureOften(stage: BenchStage, html: string, senders: Senders): Promise<DispatchFigures> {
  const measured = async () => await measureCampaign(stage, newsletter(html), senders);
  const first = await measured();
  if (isWhole(stage)) return first;
  const runs = [first];
  while (runs.length < runsOfSmall) runs.push(await measured());
  const middle = median(runs.map(({ sendingPerSecond }) => sendingPerSecond));
  return runs.find(({ sendingPerSecond }) => sendingPerSecond === middle) ?? first;
}

async function compare(
  stage: BenchStage,
  one: Case,
  figures: DispatchFigures,
  { processes, html }: { readonly processes: number; readonly html: string },
): Promise<BenchRow[]> {
  const title = `${one.kilobytes} KB`;
  const task = { processes, connections, html, bytes: figures.bytes };
  const messages = stage.size(recipients);
  stage.tell('The same by a bare socket');
  const bare = await runSenders(stage, 'bare-socket.js', { ...task, processes: 1, messages });
  const rows = [...ratesOf(stage, title, one, figures, bare)];
  stage.tell(`The same by bare sockets in ${processes} processes`);
  const most = await runSenders(stage, 'bare-socket.js', { ...task, messages, isAhead: true });
  const all = `bare sockets in ${processes} processes, each message one write with the next envelope`;
  rows.push({
    what: `${title}, beside ${processes} processes`,
    ...compared(figures.perSecond, all, most.perSecond),
  });
  if (one.ofNodemailer !== undefined) {
    stage.tell("The same by nodemailer's pool");
    const fewer = stage.size(recipientsOfNodemailer);
    const pool = await runSenders(stage, 'nodemailer-pool.js', { ...task, processes: 1, messages: fewer });
    const { perSecond, sendingPerSecond } = figures;
    rows.push({
      what: `${title}, beside nodemailer`,
      ...compared(
        isWhole(stage) ? perSecond : sendingPerSecond,
        "nodemailer's pool that composes the same",
        pool.perSecond,
      ),
      goal: { of: 'ratio', atLeast: one.ofNodemailer, farFrom: far.ofNodemailer },
    });
  }
  const program = findSmtpSource();
  if (program !== undefined) rows.push(await besideSmtpSource(stage, program, title, figures));
  // Said once.
  else if (one === cases[0]) rows.push({ what: `${title}, beside smtp-source`, note: howToInstall });
  return [...rows, ...costsOf(title, one, figures, bare)];
}

/** Whether a goal is the whole campaign's. Where it is a small one, for which queueing and the end weigh more, it is the sending's. */
const isWhole = (stage: BenchStage) => stage.size(recipients) >= recipients;

/** The whole campaign, and what of it is sending. */
function ratesOf(
  stage: BenchStage,
  title: string,
  { ofBare }: Case,
  { perSecond, sendingPerSecond }: DispatchFigures,
  bare: SenderFigures,
): BenchRow[] {
  const goal =
    ofBare === undefined ? {} : { goal: { of: 'ratio', atLeast: ofBare, farFrom: far.ofBare } as const };
  const by = 'a bare socket';
  return [
    {
      what: `${title}, from start to Sent`,
      ...compared(perSecond, by, bare.perSecond),
      ...(isWhole(stage) ? goal : {}),
    },
    {
      what: `${title}, first to last accepted`,
      ...compared(sendingPerSecond, by, bare.perSecond),
      ...(isWhole(stage) ? {} : goal),
    },
  ];
}

async function besideSmtpSource(
  stage: BenchStage,
  program: string,
  title: string,
  { perSecond, bytes }: DispatchFigures,
): Promise<BenchRow> {
  const what = `${title}, beside smtp-source`;
  stage.tell('The same by smtp-source');
  const task = { connections, messages: stage.size(recipients), bytes };
  return { what, ...compared(perSecond, "Postfix's smtp-source", await runSmtpSource(stage, program, task)) };
}

/** CPU time of a message in each process that has to do with it. */
function costsOf(
  title: string,
  { dispatcherCpuMs }: Case,
  { cpuMs }: DispatchFigures,
  bare: SenderFigures,
): BenchRow[] {
  const row = (who: string, value: number): BenchRow => ({ what: `${title}, CPU ${who}`, value, unit: 'ms' });
  return [
    {
      ...row('of dispatchers', cpuMs.dispatchers),
      against: { what: 'a bare socket', value: bare.cpuMs },
      ...(dispatcherCpuMs === undefined
        ? {}
        : {
            goal: {
              of: 'value',
              atMost: dispatcherCpuMs,
              farFrom: Math.max(far.dispatcherCpuMs, far.ofBareCpu * bare.cpuMs),
            },
          }),
    },
    row('of PostgreSQL', cpuMs.postgres),
    row('of Temporal', cpuMs.temporal),
    row('of the primary', cpuMs.primary),
    row('of the receiver', cpuMs.receiver),
  ];
}

function compared(value: number, what: string, other: number) {
  return { value, unit: 'messages/s', against: { what, value: other }, ratio: value / other } as const;
}
