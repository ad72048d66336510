import { DOCKER_REFERENCE_DIGEST, type Descriptor, type Digest } from "@ocilot/layout/spec";
import { manifestOf } from "../view.js";
import type { Closure } from "./closure.js";
import { formatPlatform } from "./platform.js";

/** On a tag's entry: the platforms of its index that a copy took, comma-separated; the others are absent on purpose. */
export const SPARSE_PLATFORMS = "io.ocilot.platforms";

/** The platforms of an image index, and which of them a copy takes. */
export interface PlatformShare {
  readonly children: readonly { readonly digest: Digest; readonly platform: string }[];
  readonly kept: readonly string[];
}

/** What a copy takes of the platforms of a root; undefined where it has none. */
export function platformShare(root: Descriptor, closure: Closure): PlatformShare | undefined {
  const children = descendants(root, closure)
    .filter((d) => d.platform !== undefined && d.platform.os !== "unknown")
    .map((d) => ({ digest: d.digest, platform: formatPlatform(d.platform) }));
  if (children.length === 0) return undefined;
  const out = new Set([...closure.omitted.map((d) => d.digest), ...leftOut(closure, [root])]);
  return { children, kept: [...new Set(children.filter((c) => !out.has(c.digest)).map((c) => c.platform))] };
}

/** The value of {@link SPARSE_PLATFORMS} for such a share, or undefined where nothing was left out. */
export function sparseNote({ children }: PlatformShare, kept: ReadonlySet<string>): string | undefined {
  if (children.every((c) => kept.has(c.platform))) return undefined;
  return [...kept].toSorted().join(",");
}

/** The children that earlier copies of these roots left out on purpose, and what BuildKit put beside them. */
export function leftOut(closure: Closure, roots: readonly Descriptor[]): Set<Digest> {
  const out = new Set<Digest>();
  for (const root of roots) {
    if (root.annotations?.[SPARSE_PLATFORMS] === undefined) continue;
    const children = descendants(root, closure);
    for (const d of children) if (d.platform?.os !== "unknown" && isLeftOut(d, [root])) out.add(d.digest);
    for (const d of children) {
      const described = d.annotations?.[DOCKER_REFERENCE_DIGEST];
      if (described !== undefined && out.has(described as Digest)) out.add(d.digest);
    }
  }
  return out;
}

/** Tells whether an earlier copy left out a child of one of these roots on purpose. */
export function isLeftOut(child: Descriptor, roots: readonly Descriptor[]): boolean {
  if (child.platform === undefined) return false;
  return roots.some((r) => {
    const kept = r.annotations?.[SPARSE_PLATFORMS];
    return kept !== undefined && !kept.split(",").includes(formatPlatform(child.platform));
  });
}

/** All children of an index, of indexes in it, and so on. */
function descendants(root: Descriptor, { manifests }: Closure): Descriptor[] {
  const found: Descriptor[] = [];
  const seen = new Set<Digest>([root.digest]);
  for (let level: readonly Descriptor[] = [root]; level.length > 0;) {
    const children = level.flatMap((d) => manifestOf(manifests.get(d.digest))?.manifests ?? []);
    found.push(...children);
    level = children.filter((d) => !seen.has(d.digest) && seen.add(d.digest));
  }
  return found;
}
