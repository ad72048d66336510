/** Returns a name as Go compares it without regard to letter case: it also treats the long s and the Kelvin sign as s and k. */
export function foldLetters(key: string): string {
  return key.toLowerCase().replaceAll("\u017f", "s");
}
