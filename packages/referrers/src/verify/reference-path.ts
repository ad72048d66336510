import type { Digest, IndexEntry, Platform } from "@ocilot/layout/spec";
import { formatPlatform } from "../platform/parse-platform.js";

/** One step on the path from `index.json` to what a finding is about. */
export type PathStep =
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "entry"; readonly position: number; readonly digest: Digest; readonly tag?: string }
  | { readonly kind: "child"; readonly index: number; readonly digest: Digest; readonly platform?: string }
  | { readonly kind: "config"; readonly digest: Digest }
  /** Named by a blob of a media type that ocilot does not know, or by one of Docker's files. */
  | { readonly kind: "named"; readonly digest: Digest }
  | { readonly kind: "layer"; readonly index: number; readonly digest: Digest }
  | { readonly kind: "subject"; readonly digest: Digest }
  | { readonly kind: "referrer"; readonly digest: Digest; readonly artifactType?: string };

/** Returns a path for people: `v1 → linux/amd64 → layer 3`. Layers and children count from 1. */
export function pathText(steps: readonly PathStep[]): string {
  return steps.map(stepText).join(" → ");
}

function stepText(step: PathStep): string {
  switch (step.kind) {
    case "file":
      return step.file;
    case "tag":
      return step.tag;
    case "entry":
      return step.tag ?? `entry ${step.position} (${short(step.digest)})`;
    case "child":
      return step.platform ?? `manifest ${step.index + 1}`;
    case "config":
      return "config";
    case "named":
      return `blob ${short(step.digest)}`;
    case "layer":
      return `layer ${step.index + 1}`;
    case "subject":
      return `subject ${short(step.digest)}`;
    case "referrer":
      return `referrer ${step.artifactType ?? short(step.digest)}`;
  }
}

/** Returns the first step of a path that begins at an entry. */
export function entryStep({ position, descriptor, tag }: IndexEntry): PathStep {
  return { kind: "entry", position, digest: descriptor.digest, ...(tag !== undefined && { tag }) };
}

/** Returns a platform as a step shows it; undefined for BuildKit's `unknown/unknown`. */
export function platformName(platform: Platform | undefined | null): string | undefined {
  if (!platform || platform.os === "unknown") return undefined;
  return formatPlatform(platform) || undefined;
}

/** Returns a shortened digest for people; findings hold the whole one beside the path. */
export function short(digest: Digest): string {
  const colon = digest.indexOf(":");
  return digest.slice(0, colon + 13);
}
