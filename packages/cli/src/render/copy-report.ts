import type { CopyResult } from "@ocilot/referrers";
import { count, formatSize } from "./text.js";

/** Returns what a copy did, line by line. Each sentence follows from the result: none is said of a copy that did something else. */
export function reportCopy(result: CopyResult, to: string): string[] {
  const { manifests, referrers, written, present, missing, left, moved, notCarried, undistributed, unreferenced, unchosen, refused } =
    result;
  const { replacedEntries } = result;
  return [
    `Copied ${subjectOf(result)} to ${to}: ${count(manifests, "manifest")}, ${count(referrers, "referrer")}.`,
    `${count(written.blobs, "blob")} copied (${formatSize(written.bytes)}), ${present} already present.`,
    ...platformLines(result),
    ...(undistributed.length > 0
      ? [`Not distributed with the image, left to be downloaded: ${count(undistributed.length, "layer")}.`]
      : []),
    ...(unreferenced.blobs > 0
      ? [`Not referenced in the source, not copied: ${count(unreferenced.blobs, "blob")} (${formatSize(unreferenced.bytes)}).`]
      : []),
    ...(unchosen.length > 0 ? [`Left out for their kind: ${count(unchosen.length, "referrer")}.`] : []),
    ...moved.map(({ name, from }) => `Moved ${name}: it was ${from} before.`),
    ...notCarried.map((file) => `Not copied: ${file}, which lists images.`),
    ...replacedEntries.map((digest) => `Not copied: ${digest}, which index.json names in a member that occurs again further down.`),
    ...missing.map((d) => `Missing in the source: ${d.digest} (${d.mediaType})`),
    ...refused.map(
      ({ edge, reason }) =>
        `Not copied: ${edge.referrer.digest} (${edge.artifactType ?? "no type"}), a referrer of ${edge.subject}: ${reason ?? "it refers to a referrer that was refused"}`,
    ),
    ...left.map((e) => `Left behind: ${e.referrer.digest} (${e.artifactType ?? "no type"}) refers to the whole index ${e.subject}`),
  ];
}

function subjectOf({ root, tag, missing, absent, notCarried, replacedEntries, unreferenced }: CopyResult): string {
  if (root !== undefined) return `${tag === undefined ? "" : `${tag} `}${root.digest}`;
  if (missing.length + notCarried.length + replacedEntries.length > 0) return "what can be copied";
  return absent.length + unreferenced.blobs > 0 ? "everything that is referenced and present" : "everything";
}

function platformLines({ platforms, omitted, absent, replaced, root }: CopyResult): string[] {
  const lines: string[] = [];
  if (omitted.length + absent.length > 0 && platforms.length > 0) lines.push(`Platforms copied: ${platforms.join(", ")}.`);
  if (omitted.length > 0) lines.push(`Left out for their platform: ${count(omitted.length, "manifest")}.`);
  if (absent.length > 0) lines.push(`Not in the source, which holds only some platforms: ${count(absent.length, "manifest")}.`);
  if (replaced !== undefined) lines.push(`The index has a new digest, ${root!.digest}; signatures of ${replaced} do not cover it.`);
  else if (omitted.length + absent.length > 0 && root !== undefined) {
    lines.push(
      "The index is unchanged and keeps its digest.",
      "oras cp, oras restore, regctl image copy and skopeo copy --all cannot push an index with missing platforms; --rewrite-index makes one that they can.",
    );
  }
  return lines;
}
