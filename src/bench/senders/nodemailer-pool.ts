import nodemailer from 'nodemailer';
import { runSender, type SenderTask } from './sender.ts';

/** The mail that the campaign sends, as a program that uses nodemailer would: its pool, its composer. */

/** Messages given to the pool per connection at a time: none of them waits for work, and memory does not grow. */
const ahead = 2;
/** Sent before it is measured: JavaScript is compiled as it runs. */
const warmUpMessages = 5_000;

await runSender(async ({ port, connections, messages, html }: SenderTask) => {
  const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port,
    pool: true,
    maxConnections: connections,
    maxMessages: Number.POSITIVE_INFINITY,
    ignoreTLS: true,
  });
  const sendAll = async (count: number) => {
    let next = 0;
    const sendOn = async () => {
      while (next < count) await transport.sendMail(mailTo(next++, html));
    };
    await Promise.all(Array.from({ length: connections * ahead }, sendOn));
  };
  await sendAll(Math.min(messages, warmUpMessages));
  return async () => {
    await sendAll(messages);
    transport.close();
  };
});

function mailTo(number: number, html: string) {
  const firstName = 'Ada';
  const token = `U46NPqnqTFLfiSQAJh7_RP5-7ZwqtEpSVpLS${number}`;
  const baseUrl = 'http://127.0.0.1:12345';
  let link = 0;
  const filled = html
    .replaceAll('{{ contact.firstName }}', firstName)
    .replaceAll('{{ contact.lastName }}', 'Lovelace')
    .replaceAll('{{ unsubscribeUrl }}', `${baseUrl}/u/${token}`)
    .replace(/href="https:[^"]*"/g, () => `href="${baseUrl}/c/${token}/${link++}"`)
    .replace('</body>', `<img src="${baseUrl}/o/${token}.gif" width="1" height="1" alt=""></body>`);
  return {
    from: { name: 'News', address: 'news@example.com' },
    to: { name: `${firstName} Lovelace`, address: `ada.lovelace.${number}@mail1.example.com` },
    subject: `News for ${firstName}: the evenings are drawing in`,
    text: `Dear ${firstName},\n\nthe evenings are drawing in.\n\nTo unsubscribe: ${baseUrl}/u/${token}\n`,
    html: filled,
    headers: {
      'List-Unsubscribe': `<${baseUrl}/u/${token}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      'List-Id': '<news.example.com>',
    },
  };
}
