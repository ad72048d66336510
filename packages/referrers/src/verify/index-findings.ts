import { CONTAINERD_IMAGE_NAME, type IndexEntry, type IndexSnapshot } from "@ocilot/layout/spec";
import { groupBy } from "../graph/group-by.js";
import { type Finding, finding } from "./finding.js";
import { entryStep } from "./reference-path.js";

/** Returns what is wrong with `index.json` itself. */
export function indexFindings({ entries, quirks }: IndexSnapshot): Finding[] {
  const steps = [{ kind: "file" as const, file: "index.json" }];
  const odd = quirks.map(({ kind, message }) => {
    const found = finding("INDEX_QUIRK", { steps, message: `index.json: ${message}` });
    // This one is not read differently: every tool in Go refuses the layout.
    return kind === "number-form" ? { ...found, severity: "error" as const } : found;
  });
  return [...odd, ...duplicateTags(entries)];
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
      const message = `the tag ${JSON.stringify(entry.tag)} is on entries ${first!.position} and ${entry.position}: ${what}`;
      const isSame = entry.descriptor.digest === first!.descriptor.digest;
      const fix = isSame
        ? "ocilot untag LAYOUT:TAG && ocilot tag LAYOUT@DIGEST TAG"
        : `ocilot tag LAYOUT@DIGEST NAME && ocilot tag LAYOUT@${first!.descriptor.digest} TAG`;
      return finding("TAG_DUPLICATE", { steps: [entryStep(entry)], digest: entry.descriptor.digest, message, fix });
    });
  });
}
