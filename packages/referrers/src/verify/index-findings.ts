import { CONTAINERD_IMAGE_NAME, type IndexEntry, type IndexSnapshot } from "@ocilot/layout/spec";
import { groupBy } from "../group-by.js";
import { type Finding, finding } from "./finding.js";
import { entryStep } from "./path.js";

/** What is odd about `index.json` itself. */
export function indexFindings({ entries, quirks }: IndexSnapshot): Finding[] {
  const steps = [{ kind: "file" as const, file: "index.json" }];
  return [...quirks.map((q) => finding("INDEX_QUIRK", { steps, message: `index.json: ${q.message}` })), ...duplicateTags(entries)];
}

/** Entries that a full image name tells apart may share a tag, as containerd and Docker write them. */
function duplicateTags(entries: readonly IndexEntry[]): Finding[] {
  const tagged = entries.filter((e) => e.tag !== undefined);
  const nameOf = (e: IndexEntry): string => `${e.tag} ${e.descriptor.annotations?.[CONTAINERD_IMAGE_NAME] ?? ""}`;
  return [...groupBy(tagged, nameOf).values()].flatMap((group) => {
    const [first, ...more] = group;
    return more.map((entry) => {
      const what =
        entry.descriptor.digest === first!.descriptor.digest
          ? "the same manifest"
          : `another manifest, ${entry.descriptor.digest} instead of ${first!.descriptor.digest}`;
      const message = `the tag ${JSON.stringify(entry.tag)} stands on entries ${first!.position} and ${entry.position}: ${what}`;
      return finding("TAG_DUPLICATE", { steps: [entryStep(entry)], digest: entry.descriptor.digest, message });
    });
  });
}
