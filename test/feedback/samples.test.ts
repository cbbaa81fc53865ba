import { describe, expect, it } from 'vitest';
import type { Notification } from '../../src/feedback/reading/notification.ts';
import { readNotification } from '../../src/feedback/reading/read-notification.ts';
import { type ExpectedReading, expectedReadings, readSample, sampleNames } from './samples.ts';

describe('notifications of servers and providers', () => {
  it('has an expectation for every sample', () => {
    expect(sampleNames().sort()).toEqual(Object.keys(expectedReadings).sort());
  });

  it.each(Object.entries(expectedReadings))('reads %s', async (name, expected) => {
    const read = await readNotification(Buffer.from(readSample(name)));
    expect(read.map(asExpectation)).toEqual(expected);
    for (const notification of read) {
      if (notification.kind === 'unclear') continue;
      // An answer has nothing of the original but its Message-ID.
      const { messageId, listUnsubscribe } = notification;
      if (listUnsubscribe !== undefined || notification.kind !== 'nothing') {
        expect(listUnsubscribe).toBe(
          `<https://news.example.org/u/${name}>, <mailto:u-${name}@bounce.example.org>`,
        );
      }
      expect(messageId).toMatch(/^<spring\.\d+\.[0-9a-f]{24}@news\.example\.org>$/);
    }
  });

  it('reads them with bare line feeds as well', async () => {
    for (const [name, expected] of Object.entries(expectedReadings)) {
      const read = await readNotification(Buffer.from(readSample(name).replaceAll('\r\n', '\n')));
      expect(read.map(asExpectation), name).toEqual(expected);
    }
  });
});

function asExpectation(read: Notification): ExpectedReading {
  if (read.kind === 'unclear') return ['unclear', read.why];
  const original = /^<spring\.(\d+)\./.exec(read.messageId ?? '')?.[1];
  const about = [read.recipient, original === undefined ? undefined : Number(original)] as const;
  return read.kind === 'bounce' ? [read.class, read.status, ...about] : [read.kind, read.text, ...about];
}
