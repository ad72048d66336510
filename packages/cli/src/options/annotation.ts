import { usageError } from "../command-line/usage-error.js";

/** For commands that make a manifest. */
export const annotationOption = {
  annotation: { type: "string", array: true, placeholder: "KEY=VALUE", complete: "none", describe: "An annotation of the manifest" },
} as const;

/**
 * Returns annotations by key.
 * @throws OcilotError `USAGE` for one without a key, or a key that is given twice
 */
export function annotationsOf(pairs: readonly string[] | undefined): Record<string, string> {
  const annotations = new Map<string, string>();
  for (const pair of pairs ?? []) {
    const at = pair.indexOf("=");
    const key = pair.slice(0, at);
    if (at < 1) throw usageError(`--annotation ${JSON.stringify(pair)} is not KEY=VALUE`, "annotation");
    if (annotations.has(key)) throw usageError(`--annotation ${key} is given twice`, "annotation");
    annotations.set(key, pair.slice(at + 1));
  }
  return Object.fromEntries(annotations);
}
