import { expect, test } from 'vitest';
import { localMailDefaults } from '../../src/local/local-mail.ts';

test('names of this machine alone are chosen where nothing is said', () => {
  expect(localMailDefaults({})).toEqual({
    EXM_SENDER: expect.stringMatching(/@exm\.localhost>$/),
    EXM_BOUNCE_DOMAIN: 'bounces.localhost',
  });
});

test('what is said stands, and an installation with an address of its own gets no name that nobody chose', () => {
  expect(Object.keys(localMailDefaults({ EXM_SENDER: 'news@example.com' }))).toEqual(['EXM_BOUNCE_DOMAIN']);
  expect(localMailDefaults({ EXM_BASE_URL: 'https://news.example.com' })).toEqual({});
});
