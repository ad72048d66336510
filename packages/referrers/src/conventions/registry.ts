import type { Convention } from "../convention.js";
import type { ConventionId } from "../edge.js";
import { buildkit } from "./buildkit.js";
import { containerd } from "./containerd.js";
import { cosignSave } from "./cosign-save.js";
import { cosignTags } from "./cosign-tags.js";
import { hauler } from "./hauler.js";
import { imageSpec } from "./image-spec.js";
import { olareg } from "./olareg.js";
import { oras } from "./oras.js";
import { regclient } from "./regclient.js";
import { unlisted } from "./unlisted.js";
import { UNIVERSAL_PARTS, universal } from "./universal.js";

/** Every convention. A new one is a file and a line here. */
export const CONVENTIONS: readonly Convention[] = [
  oras,
  containerd,
  regclient,
  olareg,
  imageSpec,
  buildkit,
  cosignTags,
  cosignSave,
  hauler,
  unlisted,
  universal,
];

/** The convention of that id, or undefined. */
export function findConvention(id: string): Convention | undefined {
  return CONVENTIONS.find((c) => c.id === id);
}

/** The conventions that state edges of their own, without those that are only made of others. */
export const READERS: readonly Convention[] = CONVENTIONS.filter((c) => c !== universal);

/** What a target is made of: itself, or its parts. */
export function partsOf(convention: Convention): readonly Convention[] {
  return convention === universal ? UNIVERSAL_PARTS : [convention];
}

/** What a layout without referrers gets. */
export const UNIVERSAL: Convention = universal;

/** The ids that a conversion can have as its target. */
export const TARGETS: readonly ConventionId[] = CONVENTIONS.filter((c) => c.traits.target).map((c) => c.id);
