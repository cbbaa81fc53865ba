/** Variants have letters, as EXM's do: 0 is A, the campaign's own content. */
export function letterOf(variant: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + variant);
}
