import { printable } from "./errors.js";

/** Warnings that one answer may bring. */
const MAX_WARNINGS = 10;

/**
 * The texts of `Warning: 299 - "…"` headers; others are ignored, as the specification asks.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#warnings
 */
export function parseWarnings(values: readonly string[]): readonly string[] {
  const texts: string[] = [];
  for (const value of values) {
    for (const match of value.slice(0, 8192).matchAll(/(?:^|,)\s*299 - "((?:[^"\\]|\\.)*)"/g)) {
      if (texts.length === MAX_WARNINGS) return texts;
      texts.push(printable((match[1] ?? "").replaceAll(/\\(.)/g, "$1"), 300));
    }
  }
  return texts;
}
