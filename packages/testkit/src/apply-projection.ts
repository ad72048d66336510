import { type IndexEdit, type Layout, compareDigests, editIndex, parseIndex, digestOf } from "@ocilot/layout";
import type { LayoutView, NewBlob, Projection, RecordKey } from "@ocilot/referrers";

const RANKS: readonly RecordKey["rank"][] = ["referrer", "subject", "list"];

/** The text of `index.json` with the changes of a projection applied; added entries come last, in canonical order. */
export function projectedText(text: string, { changes }: Pick<Projection, "changes">): string {
  const bytes = new TextEncoder().encode(text);
  const snapshot = parseIndex(bytes, digestOf(bytes));
  const added = changes
    .filter((c) => c.op === "add")
    .toSorted(
      (a, b) =>
        RANKS.indexOf(a.key.rank) - RANKS.indexOf(b.key.rank) ||
        compareDigests(a.key.subject, b.key.subject) ||
        compareDigests(a.key.digest, b.key.digest),
    );
  const edits: IndexEdit[] = [
    ...changes.filter((c) => c.op !== "add"),
    ...added.map(({ descriptor }): IndexEdit => ({ op: "insert", before: snapshot.entries.length, descriptor })),
  ];
  return editIndex(snapshot, edits);
}

/** The view of a layout after a projection is applied. */
export function projectedView(view: LayoutView, text: string, blobs: readonly NewBlob[]): LayoutView {
  const bytes = new TextEncoder().encode(text);
  const { entries, annotations } = parseIndex(bytes, digestOf(bytes));
  return view.with({ entries: entries.map((e) => e.descriptor), annotations, blobs });
}

/** The text of a layout's `index.json`. */
export async function indexText(layout: Layout): Promise<string> {
  return (await layout.index.read()).text;
}
