import type { Descriptor, Platform } from "./descriptor.js";
import { isRecord } from "./guards.js";
import { type JsonNode, type JsonObject, goJson, isGoPlain, sortedMembers } from "./go-json.js";

/** The order in which the Go libraries write members. */
export const DESCRIPTOR_ORDER: readonly string[] = [
  "mediaType",
  "digest",
  "size",
  "urls",
  "annotations",
  "data",
  "platform",
  "artifactType",
];

/**
 * Returns a descriptor as JSON members in the order of the Go libraries, annotations sorted, empty members left out.
 * @example
 * ```ts
 * import { descriptorNode, goJson, Layout } from "@ocilot/layout";
 *
 * const image = await (await Layout.open("./layout")).resolve("v1");
 * console.log(goJson(descriptorNode(image))); // {"mediaType":…,"digest":…,"size":…}
 * ```
 */
export function descriptorNode(d: Descriptor): JsonObject {
  const members: (readonly [string, JsonNode])[] = [
    ["mediaType", d.mediaType],
    ["digest", d.digest],
    ["size", d.size],
  ];
  // A parsed document may have null where the type says undefined.
  if (d.urls?.length) members.push(["urls", d.urls]);
  if (Object.keys(d.annotations ?? {}).length > 0) members.push(["annotations", sortedMembers(d.annotations!)]);
  if (d.data) members.push(["data", d.data]);
  if (d.platform) members.push(["platform", platformNode(d.platform)]);
  if (d.artifactType) members.push(["artifactType", d.artifactType]);
  return { members };
}

/**
 * Returns a descriptor as {@link descriptorNode} does, followed by {@link foreignMembers}.
 * @example
 * ```ts
 * import { goJson, Layout, wholeDescriptorNode } from "@ocilot/layout";
 *
 * const { entries } = await (await Layout.open("./layout")).index.read();
 * for (const { descriptor } of entries) console.log(goJson(wholeDescriptorNode(descriptor)));
 * ```
 */
export function wholeDescriptorNode(d: Descriptor): JsonObject {
  return { members: [...descriptorNode(d).members, ...foreignMembers(d).map(([key, value]) => [key, jsonNode(value)] as const)] };
}

/**
 * Returns the members of a descriptor that the specification does not describe.
 * @example
 * ```ts
 * import { foreignMembers, Layout } from "@ocilot/layout";
 *
 * const { entries } = await (await Layout.open("./layout")).index.read();
 * for (const { descriptor } of entries) console.log(foreignMembers(descriptor));
 * ```
 */
export function foreignMembers(d: Descriptor): readonly (readonly [string, unknown])[] {
  // Nearly all have none.
  for (const key in d) if (!DESCRIPTOR_ORDER.includes(key)) return Object.entries(d).filter(([other]) => !DESCRIPTOR_ORDER.includes(other));
  return NONE;
}

const NONE: readonly never[] = [];

/** Returns a value of `JSON.parse` as what {@link goJson} writes, members in the order that they have. */
export function jsonNode(value: unknown): JsonNode {
  if (Array.isArray(value)) return value.map(jsonNode);
  if (isRecord(value)) return { members: Object.entries(value).map(([key, item]) => [key, jsonNode(item)] as const) };
  return value as JsonNode;
}

function platformNode(p: Platform): JsonObject {
  const known: Record<string, JsonNode | undefined> = {
    architecture: p.architecture ?? "",
    os: p.os ?? "",
    "os.version": p["os.version"] || undefined,
    "os.features": p["os.features"]?.length ? p["os.features"] : undefined,
    variant: p.variant || undefined,
  };
  return { members: Object.entries(known).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])) };
}

/**
 * Returns the text of a descriptor with all its members, as Go writes it.
 * @internal Exported for the sibling packages, which write very many.
 */
export function descriptorText(d: Descriptor): string {
  return plainDescriptorText(d) ?? goJson(wholeDescriptorNode(d));
}

/** Returns the same as {@link descriptorText} if `JSON.stringify` writes exactly that, else undefined. */
export function plainDescriptorText(d: Descriptor): string | undefined {
  const text = isInOrder(d) ? JSON.stringify(d) : undefined;
  return text !== undefined && isGoPlain(text) ? text : undefined;
}

/**
 * Returns the text of a list of descriptors as Go writes it; by one call of `JSON.stringify` where that gives the same.
 * @example
 * ```ts
 * import { descriptorsText, Layout } from "@ocilot/layout";
 *
 * const { entries } = await (await Layout.open("./layout")).index.read();
 * console.log(descriptorsText(entries.map((entry) => entry.descriptor)));
 * ```
 */
export function descriptorsText(ds: readonly Descriptor[]): string {
  const text = ds.every(isInOrder) ? JSON.stringify(ds) : undefined;
  return text !== undefined && isGoPlain(text) ? text : goJson(ds.map(descriptorNode));
}

const PLAIN_ORDER: readonly string[] = ["mediaType", "digest", "size", "annotations", "artifactType"];

/** Returns true if JavaScript writes the members that {@link descriptorNode} writes, in its order. */
function isInOrder(d: Descriptor): boolean {
  let last = -1;
  for (const key in d) {
    const at = PLAIN_ORDER.indexOf(key);
    if (at <= last) return false;
    last = at;
  }
  if (d.annotations === null || d.artifactType === null || d.artifactType === "") return false;
  return d.annotations === undefined || isPlainMap(d.annotations);
}

/** Returns true for a map that is not empty and has its keys in the order of the Go libraries. */
function isPlainMap(map: Readonly<Record<string, string>>): boolean {
  let last = "";
  for (const key in map) {
    if (key <= last || !/^[ -~]+$/.test(key)) return false;
    last = key;
  }
  return last !== "";
}
