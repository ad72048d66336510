import type { IndexSnapshot, Layout } from "@ocilot/layout";
import type { Io } from "./io.js";
import { printable } from "./printable.js";

const MAX_WARNINGS = 10;

/** Says on standard error what the user should know although the command goes on; of many, only the first. */
export function warn(io: Io, messages: readonly string[]): void {
  const shown = messages.slice(0, MAX_WARNINGS).map((m) => `ocilot: warning: ${printable(m)}\n`);
  const rest = messages.length - shown.length;
  io.stderr.write(shown.join("") + (rest > 0 ? `ocilot: warning: and ${rest} more; --json shows them all\n` : ""));
}

/** What is odd about a layout's own files. */
export function layoutWarnings(layout: Layout, index: IndexSnapshot): string[] {
  return [...layout.warnings, ...index.quirks.map((q) => `index.json: ${q.message}; it is read, and never written`)];
}
