import type { Digest, IndexEntry, Platform } from "@ocilot/layout/spec";
import { formatPlatform } from "../copy/platform.js";

/** One step on the way from `index.json` to what a finding is about. */
export type PathStep =
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "entry"; readonly position: number; readonly digest: Digest; readonly tag?: string }
  | { readonly kind: "child"; readonly index: number; readonly digest: Digest; readonly platform?: string }
  | { readonly kind: "config"; readonly digest: Digest }
  | { readonly kind: "layer"; readonly index: number; readonly digest: Digest }
  | { readonly kind: "subject"; readonly digest: Digest }
  | { readonly kind: "referrer"; readonly digest: Digest; readonly artifactType?: string };

/** A path for people: `v1 → linux/amd64 → layer 3`. Layers and children count from 1, as people do. */
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
    case "layer":
      return `layer ${step.index + 1}`;
    case "subject":
      return `subject ${short(step.digest)}`;
    case "referrer":
      return `referrer ${step.artifactType ?? short(step.digest)}`;
  }
}

/** The first step of a path that begins at an entry. */
export function entryStep({ position, descriptor, tag }: IndexEntry): PathStep {
  return { kind: "entry", position, digest: descriptor.digest, ...(tag !== undefined && { tag }) };
}

/** A platform as a step shows it; BuildKit's `unknown/unknown` says nothing. */
export function platformName(platform: Platform | undefined | null): string | undefined {
  if (!platform || platform.os === "unknown") return undefined;
  return formatPlatform(platform) || undefined;
}

/** A digest cut short for people; the whole one stands beside the path. */
export function short(digest: Digest): string {
  const colon = digest.indexOf(":");
  return digest.slice(0, colon + 13);
}
