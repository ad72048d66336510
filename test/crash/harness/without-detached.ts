import { digestOf, editIndex, parseIndex } from "@ocilot/layout";

/** The text of an `index.json` without the note that `detach` writes between its two steps: what is still to be deleted. */
export function withoutDetached(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return editIndex(parseIndex(bytes, digestOf(bytes)), [{ op: "annotate-index", unset: ["io.ocilot.detached"] }]);
}
