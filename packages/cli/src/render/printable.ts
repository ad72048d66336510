/**
 * What must not reach a terminal: C0 and C1 controls, DEL, marks that reorder text, line and paragraph separators, broken
 * surrogates, and all that is invisible (zero-width characters, tags, variation selectors), which can hide text in text.
 */
export const UNSAFE: RegExp = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Returns text from outside made harmless for a terminal: nothing in it can move the cursor, recolour, reorder or hide what is seen. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (c) => SHORT[c] ?? `\\u{${c.codePointAt(0)!.toString(16)}}`);
}
