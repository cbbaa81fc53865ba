import { afterAll, describe, expect, test } from 'vitest';
import { readCampaignFile } from '../../../src/message/definition/campaign-file.ts';
import { checkRules } from '../../../src/message/rules/check-rules.ts';
import { definition, temporaryFolder } from '../fixtures.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const offer =
  '<p>\n{% component offer %}all{% variation vip %}gold{% variation de %}DE{% endcomponent %}</p>';
const rule = (show: string) => ({ when: 'contact.id > 1', show });
const body = (source: string, file = 'mail.html') => ({
  subject: 'Hello',
  template: { format: 'html' as const, file, source },
});

async function read(rules: string) {
  folder.write('mail.html', offer);
  const file = folder.write(
    'autumn.yaml',
    `name: Autumn\nfrom: news@example.com\nsubject: Hello\ntemplate: mail.html\ninclude: [customers]\nrules:\n${rules}`,
  );
  return await readCampaignFile(file);
}

async function firstError(rules: string) {
  const { definition: read_, locate } = await read(rules);
  const [error] = checkRules(read_, locate).errors;
  return error && { code: error.code, message: error.message.replaceAll(`${folder.path}/`, '') };
}

describe('the rules of a campaign file', () => {
  test('are read, and nothing is wrong with good ones', async () => {
    const { definition: read_, locate } = await read(`  offer:
    - when: 'contact.facets.tier == "gold"'
      show: vip
    - {when: contact.language.startsWith("de"), show: de}
    - when: "!has(contact.facets.city)"
      hide: true
`);
    expect(read_.rules).toEqual({
      offer: [
        { when: 'contact.facets.tier == "gold"', show: 'vip' },
        { when: 'contact.language.startsWith("de")', show: 'de' },
        { when: '!has(contact.facets.city)', hide: true },
      ],
    });
    expect(checkRules(read_, locate)).toMatchObject({
      errors: [],
      warnings: [],
      facets: [{ name: 'tier' }, { name: 'city' }],
    });
  });

  test.each([
    [
      '  offer: [{when: true, show: vip}]',
      'autumn.yaml:7:18: rules.offer[0].when must be a CEL expression in quotes',
    ],
    ['  offer: [{when: "true"}]', 'autumn.yaml:7:11: rules.offer[0] must have either "show"'],
    ['  offer: [{when: "true", show: vip, hide: true}]', 'rules.offer[0] must have either "show"'],
    ['  offer: [{when: "true", hide: false}]', 'autumn.yaml:7:32: rules.offer[0].hide must be true'],
    [
      '  offer: [{when: "true", shw: vip}]',
      'autumn.yaml:7:26: "shw" is not a key of "rules.offer[0]". Did you mean "show"',
    ],
    ['  offer: []', 'autumn.yaml:7:10: rules.offer must have at least one rule'],
    ['  offer: [{when: !has(contact.facets.city), hide: true}]', 'autumn.yaml:7:18: this is not valid YAML'],
  ])('are refused with their place: %s', async (rules, message) => {
    await expect(read(rules)).rejects.toMatchObject({ message: expect.stringContaining(message) });
  });

  test.each([
    [
      '  offer:\n    - {when: contact.firstNam == "Ada", show: vip}',
      'RULE_EXPRESSION',
      'autumn.yaml:8:14: rules.offer[0].when, character 9: the rule asks for contact.firstNam, which there is not. Did you mean "contact.firstName"?',
    ],
    [
      '  offer:\n    - {when: contact.id > 1, show: vpi}',
      'RULE_VARIATION',
      'autumn.yaml:8:36: rules.offer[0].show: the component "offer" at mail.html:2:1 has no variation "vpi". Did you mean "vip"?',
    ],
    [
      '  ofer:\n    - {when: contact.id > 1, show: vip}',
      'RULE_COMPONENT',
      'autumn.yaml:8:5: rules.ofer: no template has a component "ofer". Did you mean "offer"?',
    ],
  ])('are checked against the templates, with file, line and column', async (rules, code, message) => {
    expect(await firstError(rules)).toEqual({ code, message });
  });
});

describe('components and rules', () => {
  const codes = (...[change]: Parameters<typeof definition>) =>
    checkRules(definition(change)).errors.map(({ code, message }) => `${code} ${message}`);

  test('are checked in every language and every variant', () => {
    const german = '{% component offer %}alle{% variation vip %}Gold{% endcomponent %}';
    const change = {
      rules: { offer: [rule('vip'), rule('de')] },
      bodies: { en: body(offer), de: body(german, 'de.html') },
    };
    expect(codes(change)).toEqual([
      expect.stringMatching(/^RULE_VARIATION .*"offer" at de.html:1:1 has no variation "de"/),
    ]);
    const variants = [{ bodies: { en: body(german, 'b.html'), de: body(german, 'de.html') } }];
    const test = { share: 20, variants, winner: { by: 'hand' as const } };
    expect(codes({ ...change, test }).join('\n')).toContain('at b.html:1:1');
  });

  test('are refused where two of one name stand in one text', () => {
    const twice = `${offer}\n{% if contact.x %}{% component offer %}{% variation vip %}{% variation de %}{% endcomponent %}{% endif %}`;
    expect(
      codes({
        html: twice,
        subject: '{% component offer %}a{% variation vip %}b{% variation de %}{% endcomponent %}',
        rules: { offer: [rule('vip')] },
      }),
    ).toEqual(['TEMPLATE_COMPONENT mail.html:3:19: there is a component "offer" already, at mail.html:2:1.']);
  });

  test('are bounded in number', () => {
    const many = Array.from({ length: 51 }, () => rule('vip'));
    expect(codes({ html: offer, rules: { offer: many } })[0]).toMatch(
      /^RULE_COUNT rules.offer: rules.offer has 51 rules/,
    );
  });

  test('warn of what has no effect', () => {
    const { warnings } = checkRules(
      definition({
        rules: { offer: [rule('vip')] },
        bodies: { en: body(offer), fr: body('{% component other %}x{% endcomponent %}', 'fr.html') },
      }),
    );
    expect(warnings).toEqual([
      'mail.html:2:48: no rule shows the variation "de" of the component "offer".',
      'fr.html:1:1: the component "other" has no rules: everybody gets its default content.',
      'The body in fr has no component "offer": its rules change nothing there.',
    ]);
  });
});
