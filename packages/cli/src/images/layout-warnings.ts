import type { IndexSnapshot, Layout } from "@ocilot/layout";

/** Returns what is unusual about the layout's own files. */
export function layoutWarnings(layout: Layout, index: IndexSnapshot): string[] {
  return [
    ...layout.warnings.map((w) => (w.hint === undefined ? w.message : `${w.message}; hint: ${w.hint}`)),
    ...index.quirks.map((q) => `index.json: ${q.message}; the layout can be read but not changed`),
  ];
}
