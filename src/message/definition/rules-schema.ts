import { z } from 'zod';
import { expressionMaximum } from '../../cel/limits.ts';
import type { ComponentRule } from '../content.ts';
import { componentName } from '../render/components.ts';
import { rulesMaximum } from '../rules/limits.ts';

const rule = z
  .strictObject(
    {
      when: z
        .string('must be a CEL expression in quotes')
        .refine((text) => text.trim() !== '', 'must not be empty')
        .refine(
          (text) => text.length <= expressionMaximum,
          `must have at most ${expressionMaximum} characters`,
        ),
      show: z
        .string('must be the name of a variation')
        .regex(componentName, 'must be the name of a variation')
        .optional(),
      hide: z.literal(true, 'must be true').optional(),
    },
    'must be a rule such as {when: \'contact.facets.tier == "gold"\', show: vip}',
  )
  .transform(({ when, show, hide }, context): ComponentRule => {
    if (show !== undefined && hide === undefined) return { when, show };
    if (hide === true && show === undefined) return { when, hide };
    context.addIssue('must have either "show" with the name of a variation, or "hide: true"');
    return z.NEVER;
  });

/** The key `rules` of a campaign file. */
export const rulesSchema = z.record(
  z.string(),
  z
    .array(rule, 'must be a list of rules')
    .min(1, 'must have at least one rule')
    .max(rulesMaximum, `must have at most ${rulesMaximum} rules`),
  'must be rules by component, such as {offer: [{when: "...", show: vip}]}',
);

/** For a guess at what was meant. */
export const ruleKeys = ['when', 'show', 'hide'] as const;
