import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInstallation, type Installation } from '../support/installation.ts';

describe('a worker that cannot start', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await createInstallation({ smtpUrl: 'smtp://127.0.0.1:9' });
  });
  afterAll(async () => await installation.dispose());

  test.each(['primary', 'dedicated-dispatch', 'processing'])(
    'as %s ends where the namespace does not exist',
    async (role) => {
      const result = await installation.exm(['worker', role], { env: { TEMPORAL_NAMESPACE: 'nowhere' } });
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('nowhere');
    },
  );

  test('ends where Temporal does not answer, and says where', async () => {
    const result = await installation.exm(['worker', 'primary'], {
      env: { TEMPORAL_ADDRESS: '127.0.0.1:9' },
    });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('TEMPORAL_UNREACHABLE');
    expect(result.stderr).toContain('127.0.0.1:9');
  });

  test.each([
    ['a role that does not exist', ['worker', 'postman'], 'ROLE_UNKNOWN'],
    ['a Sleep that is no number', ['worker', 'primary', '--sleep-ms', 'long'], '--sleep-ms'],
    ['emulated failures without emulation', ['worker', 'primary', '--emulate-failures', '0.5'], 'FLAG_ALONE'],
    ['an address to listen on without a port', ['worker', 'reporting', '--listen', 'everywhere'], '--listen'],
    ['a mail server that is no URL', ['worker', 'dedicated-dispatch', '--smtp', 'localhost'], 'EXM_SMTP_URL'],
  ])('is wrong usage: %s', async (_what, args, named) => {
    const result = await installation.exm(args);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(named);
  });

  test.each(['primary', 'dedicated-dispatch'])(
    'as %s is wrong configuration where the mail server is an empty value',
    async (role) => {
      const result = await installation.exm(['worker', role], { env: { EXM_SMTP_URL: '' } });
      expect(result.code).toBe(2);
      expect(result.stderr).toContain('SETTING_MISSING');
    },
  );

  test('is wrong configuration: a public address with a password in it', async () => {
    const env = { EXM_BASE_URL: 'https://ann:secret@mail.example.com' };
    const result = await installation.exm(['worker', 'content-delivery'], { env });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('EXM_BASE_URL must have no user');
    expect(result.stderr).not.toContain('secret');
    const noUrl = await installation.exm(['worker', 'content-delivery'], { env: { EXM_BASE_URL: 'here' } });
    expect(noUrl.code).toBe(2);
    expect(noUrl.stderr).toContain('EXM_BASE_URL must be a URL such as');
  });
});
