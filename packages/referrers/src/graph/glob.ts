/**
 * Tells whether `text` is of the form `pattern`: `*` stands for any characters, `?` for one. No regular expression, so
 * that no pattern from outside can make it slow.
 * @example
 * ```ts
 * import { matchesGlob } from "@ocilot/referrers";
 *
 * console.log(matchesGlob("https://slsa.dev/provenance/v1", "https://slsa.dev/*")); // true
 * ```
 */
export function matchesGlob(text: string, pattern: string): boolean {
  let t = 0;
  let p = 0;
  let star = -1;
  let retry = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      retry = t;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++retry;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
