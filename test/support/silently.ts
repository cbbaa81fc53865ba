/**
 * Pauses a campaign, and where that was answered before all were silent resumes it and pauses it again: a moment at which the
 * machine stands still can keep one answer from that, and not three. @returns the last answer
 */
export async function pauseSilently<Answer extends { readonly silent: boolean }>(
  pause: () => Promise<Answer | undefined>,
  resume: () => Promise<unknown>,
): Promise<Answer | undefined> {
  for (let attempt = 1; ; attempt++) {
    const answer = await pause();
    if (answer?.silent === true || attempt === 3) return answer;
    await resume();
  }
}
