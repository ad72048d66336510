import type { Descriptor } from "@ocilot/layout/spec";
import { manifestOf } from "../view.js";
import type { Closure } from "./closure.js";
import { formatPlatform } from "./platform.js";

/** On a tag's entry: the platforms of its index that a copy took, comma-separated; the others are absent on purpose. */
export const SPARSE_PLATFORMS = "io.ocilot.platforms";

/** The value of {@link SPARSE_PLATFORMS} for a root, or undefined where nothing of it was left out. */
export function keptPlatforms(root: Descriptor, closure: Closure): string | undefined {
  const children = manifestOf(closure.manifests.get(root.digest))?.manifests ?? [];
  const omitted = new Set(closure.omitted.map((d) => d.digest));
  if (!children.some((d) => omitted.has(d.digest))) return undefined;
  const kept = children.filter((d) => !omitted.has(d.digest) && d.platform !== undefined && d.platform.os !== "unknown");
  return [...new Set(kept.map((d) => formatPlatform(d.platform)))].toSorted().join(",");
}

/** Tells whether an earlier copy left out a child of one of these roots on purpose. */
export function isLeftOut(child: Descriptor, roots: readonly Descriptor[]): boolean {
  if (child.platform === undefined) return false;
  return roots.some((r) => {
    const kept = r.annotations?.[SPARSE_PLATFORMS];
    return kept !== undefined && !kept.split(",").includes(formatPlatform(child.platform));
  });
}
