/** Why an address is on the suppression list: what decides anything goes by this, the reason beside it is for people. */
export const suppressionCauses = ['complaint', 'by-hand', 'import', 'hard-bounce', 'soft-bounces'] as const;

export type SuppressionCause = (typeof suppressionCauses)[number];

/** Causes that are about the mailbox and stay with it. Every other one is taken for the person's wish, whatever their address. */
export const mailboxCauses = ['hard-bounce', 'soft-bounces'] as const satisfies readonly SuppressionCause[];

export function isAboutMailbox(cause: SuppressionCause): boolean {
  return mailboxCauses.some((one) => one === cause);
}

/** @returns undefined where it is none of the known ones */
export function suppressionCause(text: string): SuppressionCause | undefined {
  return suppressionCauses.find((cause) => cause === text);
}
