import type { Convention } from "./convention.js";
import type { ConventionId } from "../graph/edge.js";
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

const added = new WeakMap<object, readonly Convention[]>();

/**
 * Adds conventions that are not built in to a layout and returns it. Everything that is done with this layout object then reads
 * them, keeps their referrers, brings them up to date, and takes them as targets. Their ids have a namespace:
 * `example.org/links`.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { type Convention, findConvention, withConventions } from "@ocilot/referrers";
 *
 * const links: Convention = {
 *   ...findConvention("image-spec")!,
 *   id: "example.org/links",
 * };
 * const layout = withConventions(await Layout.open("./layout"), [links]);
 * console.log(layout.location);
 * ```
 */
export function withConventions<T extends object>(layout: T, conventions: readonly Convention[]): T {
  added.set(layout, [...(added.get(layout) ?? []), ...conventions]);
  return layout;
}

/** Returns the conventions of a layout: the built-in ones and those that {@link withConventions} added. */
export function conventionsFor(layout: object): readonly Convention[] {
  const more = added.get(layout);
  return more === undefined ? CONVENTIONS : [...CONVENTIONS, ...more];
}

/**
 * The built-in convention of that id, or undefined.
 * @example
 * ```ts
 * import { findConvention } from "@ocilot/referrers";
 *
 * console.log(findConvention("regclient")?.id);
 * ```
 */
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
