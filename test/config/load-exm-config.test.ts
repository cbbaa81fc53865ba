import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfigSettings } from '../../src/config/exm-config.ts';
import { loadExmConfig } from '../../src/config/load-exm-config.ts';
import type { OutgoingEmail } from '../../src/dispatch/send-email-pipeline.ts';
import { InputError, RefusedError } from '../../src/domain/errors.ts';
import { builtInPipelines } from '../../src/domain/pipeline.ts';
import { RecipientFailedError } from '../../src/message/recipient-failed-error.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exm-config-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function load(text: string, name = 'exm.config.ts') {
  await writeFile(join(folder, name), text);
  return await loadExmConfig(undefined, folder);
}

async function failure(text: string): Promise<InputError> {
  try {
    await load(text);
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

const config = (body: string) =>
  `import { defineConfig } from 'exm-dispatch';\nexport default defineConfig(${body});\n`;
/** As `config`, for what the types forbid. */
const untyped = (body: string) => `export default ${body};\n`;

describe('where the configuration comes from', () => {
  it('is the built-in one where there is no file', async () => {
    const loaded = await loadExmConfig(undefined, folder);
    expect(loaded).toEqual({
      pipelines: builtInPipelines,
      steps: {},
      processors: {},
      managerRoot: {},
      settings: defaultConfigSettings,
    });
  });

  it('is exm.config.ts in the working directory, with defaults for what it leaves out', async () => {
    const loaded = await load(
      config(`{
        steps: { CheckBudget: async ({ campaignId }: { campaignId: string }): Promise<void> => void campaignId },
        pipelines: { sendEmail: ['FillEmail', 'SendEmail', 'EmailSent'] },
        managerRoot: { values: { company: 'Fennel & Slate' } },
        settings: { dispatchBatchSize: 250 },
      }`),
    );
    expect(loaded.pipelines.sendEmail).toEqual(['FillEmail', 'SendEmail', 'EmailSent']);
    expect(loaded.pipelines.dispatchNewsletter).toEqual(builtInPipelines.dispatchNewsletter);
    expect(loaded.settings).toEqual({ ...defaultConfigSettings, dispatchBatchSize: 250 });
    expect(loaded.managerRoot).toEqual({ company: 'Fennel & Slate' });
    await expect(loaded.steps['CheckBudget']?.({ campaignId: 'autumn-1' })).resolves.toBeUndefined();
  });

  it('has send limits in UTC where no zone is named, and those alone that are', async () => {
    const loaded = await load(config('{ managerRoot: { sendLimits: { day: 0 } } }'), 'exm.config.ts');
    expect(loaded.settings.sendLimits).toEqual({ day: 0, timeZone: 'UTC' });
  });

  it.each(['exm.config.js', 'exm.config.mjs'])('may be %s', async (name) => {
    const loaded = await load(config('{ settings: { undeliveredMaximum: 0 } }'), name);
    expect(loaded.settings.undeliveredMaximum).toBe(0);
  });

  it('is the file that EXM_CONFIG names, relative to the working directory', async () => {
    await writeFile(join(folder, 'mine.ts'), config('{ settings: { checkSuppressionList: false } }'));
    const loaded = await loadExmConfig('mine.ts', folder);
    expect(loaded.settings.checkSuppressionList).toBe(false);
  });

  it('may import files beside it', async () => {
    await writeFile(join(folder, 'limits.ts'), 'export const size: number = 500;\n');
    const loaded = await load(
      `import { size } from './limits.ts';\n${config('{ settings: { dispatchBatchSize: size } }')}`,
    );
    expect(loaded.settings.dispatchBatchSize).toBe(500);
  });

  it("gives custom steps this program's own error classes", async () => {
    const loaded = await load(
      `import { defineConfig, RefusedError } from 'exm-dispatch';
       export default defineConfig({ steps: { Refuse: async () => { throw new RefusedError('NO', 'no'); } } });`,
    );
    await expect(loaded.steps['Refuse']?.({ campaignId: 'autumn-1' })).rejects.toBeInstanceOf(RefusedError);
  });

  it('gives processors the error that fails one recipient', async () => {
    const loaded = await load(
      `import { defineConfig, RecipientFailedError } from 'exm-dispatch';
       export default defineConfig({
         processors: { Fail: () => { throw new RecipientFailedError('NO_VOUCHER', 'no voucher left'); } },
       });`,
    );
    expect(() => loaded.processors['Fail']?.({} as OutgoingEmail)).toThrow(RecipientFailedError);
  });

  it('reads the file anew each time', async () => {
    expect((await load(config('{ settings: { dispatchBatchSize: 1 } }'))).settings.dispatchBatchSize).toBe(1);
    expect((await load(config('{ settings: { dispatchBatchSize: 2 } }'))).settings.dispatchBatchSize).toBe(2);
  });
});

describe('a custom pipeline', () => {
  it('may add, leave out and move steps', async () => {
    const loaded = await load(
      config(`{
        steps: { CheckBudget: async () => {} },
        processors: { AddFooter: () => {} },
        pipelines: {
          dispatchNewsletter: ['CheckBudget', 'CheckPreconditions', 'MoveToQueuing', 'DeployAnalytics',
            'PublishDispatchItems', 'QueueMessage', 'MoveToProcessing', 'LaunchDedicatedServers', 'SendMessage',
            'WaitForDispatchToFinish', 'MoveToSent', 'FinalizeDispatch', 'NotifyDispatchFinished'],
          sendEmail: ['FillEmail', 'AddFooter', 'SendEmail', 'EmailSent'],
        },
      }`),
    );
    expect(loaded.pipelines.dispatchNewsletter[0]).toBe('CheckBudget');
    expect(loaded.pipelines.dispatchNewsletter).not.toContain('SendTestMessage');
    expect(loaded.pipelines.dispatchNewsletter.at(-1)).toBe('NotifyDispatchFinished');
    expect(loaded.pipelines.sendEmail).toEqual(['FillEmail', 'AddFooter', 'SendEmail', 'EmailSent']);
  });
});

describe('a wrong file', () => {
  it.each([
    {
      name: 'a setting out of range',
      text: config('{ settings: { dispatchBatchSize: 0 } }'),
      key: 'settings.dispatchBatchSize',
      value: 0,
      expected: 'a whole number from 1 to 5000',
    },
    {
      name: 'a value of the manager root that is no text',
      text: untyped('{ managerRoot: { values: { year: 2026 } } }'),
      key: 'managerRoot.values.year',
      value: 2026,
      expected: 'text of at most 10000 characters',
    },
    {
      name: 'a send limit that is none',
      text: config('{ managerRoot: { sendLimits: { week: -1 } } }'),
      key: 'managerRoot.sendLimits.week',
      value: -1,
      expected: 'a whole number from 0 to 1000000',
    },
    {
      name: 'a time zone that does not exist',
      text: config("{ managerRoot: { sendLimits: { timeZone: 'Europe/Atlantis' } } }"),
      key: 'managerRoot.sendLimits.timeZone',
      value: 'Europe/Atlantis',
      expected: 'the IANA name of a time zone',
    },
    {
      name: 'a reason that nobody can overrule',
      text: untyped("{ dispatchManager: { recipients: () => [], overrules: ['no-address'] } }"),
      key: 'dispatchManager.overrules[0]',
      value: 'no-address',
      expected: 'a list of reasons: excluded-list, global-opt-out',
    },
    {
      name: 'a DispatchManager without recipients',
      text: untyped('{ dispatchManager: {} }'),
      key: 'dispatchManager.recipients',
      value: undefined,
      expected: 'a function',
    },
    {
      name: 'a name that no token can have',
      text: config("{ managerRoot: { values: { 'two words': 'x' } } }"),
      key: 'managerRoot.values.two words',
      value: 'x',
      expected: 'names of letters, digits',
    },
    {
      name: 'a setting of the wrong type',
      text: untyped("{ settings: { checkSuppressionList: 'yes' } }"),
      key: 'settings.checkSuppressionList',
      value: 'yes',
      expected: 'true or false',
    },
    {
      name: 'a number that is none',
      text: config('{ settings: { deferralMaximumHours: NaN } }'),
      key: 'settings.deferralMaximumHours',
      value: Number.NaN,
      expected: 'above 0 and at most 720',
    },
    {
      name: 'an unknown setting',
      text: untyped('{ settings: { batchSize: 3 } }'),
      key: 'settings.batchSize',
      value: 3,
      expected: 'no such key',
    },
    {
      name: 'an unknown key',
      text: untyped('{ pipeline: {} }'),
      key: 'pipeline',
      value: {},
      expected: 'no such key',
    },
    {
      name: 'a step that is no function',
      text: untyped("{ steps: { CheckBudget: 'budget' } }"),
      key: 'steps.CheckBudget',
      value: 'budget',
      expected: 'a function',
    },
    {
      name: 'a pipeline that is no list',
      text: untyped("{ pipelines: { sendEmail: 'FillEmail' } }"),
      key: 'pipelines.sendEmail',
      value: 'FillEmail',
      expected: 'a list of step names',
    },
    {
      name: 'a step that nobody defined',
      text: config("{ pipelines: { sendEmail: ['FillEmail', 'AddFooter', 'SendEmail', 'EmailSent'] } }"),
      key: 'pipelines.sendEmail[1]',
      value: 'AddFooter',
      expected: 'one of FillEmail, SendEmail, EmailSent, Sleep, or a step defined under processors',
    },
    {
      name: 'a processor in the pipeline of the campaign',
      text: config(
        "{ processors: { X: () => {} }, pipelines: { dispatchNewsletter: ['X', 'CheckPreconditions', 'MoveToQueuing', 'PublishDispatchItems', 'QueueMessage', 'MoveToProcessing', 'SendMessage', 'WaitForDispatchToFinish', 'MoveToSent', 'FinalizeDispatch'] } }",
      ),
      key: 'pipelines.dispatchNewsletter[0]',
      value: 'X',
      expected: 'defined under steps',
    },
    {
      name: 'a step that stands twice',
      text: config("{ pipelines: { sendEmail: ['FillEmail', 'SendEmail', 'EmailSent', 'SendEmail'] } }"),
      key: 'pipelines.sendEmail[3]',
      value: 'SendEmail',
      expected: 'each step once',
    },
    {
      name: 'a pipeline without an indispensable step',
      text: config("{ pipelines: { sendEmail: ['FillEmail', 'SendEmail'] } }"),
      key: 'pipelines.sendEmail',
      value: ['FillEmail', 'SendEmail'],
      expected: 'the indispensable step EmailSent in it',
    },
    {
      name: 'a pipeline in the wrong order',
      text: config("{ pipelines: { sendEmail: ['SendEmail', 'FillEmail', 'EmailSent'] } }"),
      key: 'pipelines.sendEmail',
      value: ['SendEmail', 'FillEmail', 'EmailSent'],
      expected: 'FillEmail before SendEmail',
    },
    {
      name: 'a pause between sending and recording',
      text: config("{ pipelines: { sendEmail: ['FillEmail', 'SendEmail', 'Sleep', 'EmailSent'] } }"),
      key: 'pipelines.sendEmail[2]',
      value: 'Sleep',
      expected: 'EmailSent right after SendEmail',
    },
    {
      name: 'a custom step with the name of a built-in one',
      text: config('{ steps: { MoveToSent: async () => {} } }'),
      key: 'steps.MoveToSent',
      value: 'MoveToSent',
      expected: 'another name',
    },
    {
      name: 'a custom step with a name that cannot be used',
      text: config("{ processors: { 'add footer': () => {} } }"),
      key: 'processors.add footer',
      value: 'add footer',
      expected: 'a letter, then letters',
    },
    {
      name: 'one name for a step and a processor',
      text: config('{ steps: { X: async () => {} }, processors: { X: () => {} } }'),
      key: 'processors.X',
      value: 'X',
      expected: 'another name',
    },
    {
      name: 'a default export that is no object',
      text: untyped('7'),
      key: 'default export',
      value: 7,
      expected: 'an object',
    },
  ])('with $name is refused by key, value and what is expected', async ({ text, key, value, expected }) => {
    const error = await failure(text);
    expect(error.code).toBe('CONFIG_WRONG');
    expect(error.exitCode).toBe(2);
    expect(error.field).toBe(`${join(folder, 'exm.config.ts')}: ${key}`);
    expect(error.value).toEqual(value);
    expect(error.message).toContain(expected);
    expect(error.message).toContain(`  ${key} = `);
  });

  it.each([
    [
      '{ settings: { dispatchBatchsize: 3 } }',
      'settings.dispatchBatchsize = 3: there is no such key. Did you mean "dispatchBatchSize"?',
    ],
    ['{ setings: {} }', 'setings = {}: there is no such key. Did you mean "settings"?'],
    [
      '{ settings: { colour: 1 } }',
      'settings.colour = 1: there is no such key. Known here: dispatchBatchSize, undeliveredMaximum, ',
    ],
    [
      '{ dispatchBatchSize: 3 }',
      'dispatchBatchSize = 3: there is no such key here. It belongs under settings.',
    ],
    [
      '{ pipelines: { steps: {} } }',
      'pipelines.steps = {}: there is no such key here. It belongs beside pipelines.',
    ],
    ["{ pipelines: { sendEmail: ['FilEmail', 'SendEmail', 'EmailSent'] } }", 'Did you mean "FillEmail"?'],
  ])('with a key or step that does not exist says what may have been meant: %s', async (text, said) => {
    expect((await failure(untyped(text))).message).toContain(said);
  });

  it('has everything that is wrong in it named at once', async () => {
    const error = await failure(
      untyped(
        "{ settings: { dispatchBatchSize: 'many', colour: 1 }, steps: [], pipelines: { sendEmail: [3] } }",
      ),
    );
    expect(
      error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(' = ')[0]),
    ).toEqual(
      expect.arrayContaining([
        'settings.dispatchBatchSize',
        'settings.colour',
        'steps',
        'pipelines.sendEmail[0]',
      ]),
    );
  });

  it('without a default export is refused with what to write', async () => {
    const error = await failure('export const settings = {};\n');
    expect(error.code).toBe('CONFIG_WRONG');
    expect(error.field).toBe(`${join(folder, 'exm.config.ts')}: default export`);
  });

  it('that is no TypeScript is refused with the reason', async () => {
    const error = await failure('export default {\n  settings: [ }');
    expect(error.code).toBe('CONFIG_UNREADABLE');
    expect(error.field).toBe(`${join(folder, 'exm.config.ts')}:2`);
    expect(error.message).toContain('line 2: ParseError');
  });

  it('that throws is refused with the reason', async () => {
    const error = await failure(
      "interface Budget {\n  left: number;\n}\nthrow new Error('no budget server');",
    );
    expect(error.code).toBe('CONFIG_UNREADABLE');
    expect(error.message).toContain('line 4: no budget server');
    await writeFile(join(folder, 'budget.ts'), '\nexport const budget: number = ;\n');
    const other = await failure("import { budget } from './budget.ts'; export default budget;");
    expect(other.message).toContain(`${join(folder, 'budget.ts')}, line 2: ParseError`);
    expect((await failure('throw 3;')).message).toMatch(/: 3$/);
  });

  it('that EXM_CONFIG names but is not there is refused', async () => {
    await expect(loadExmConfig('other.ts', folder)).rejects.toMatchObject({
      code: 'CONFIG_MISSING',
      value: 'other.ts',
    });
  });
});
