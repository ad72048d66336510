import type { Descriptor, Platform } from "./descriptor.js";
import { isRecord } from "./guards.js";
import { type JsonNode, type JsonObject, goJson, isGoPlain, sortedMembers } from "./go-json.js";

/** The member order of the Go libraries. */
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

/** A descriptor in the Go libraries' member order, annotations sorted, empty ones left out. */
export function descriptorNode(d: Descriptor): JsonObject {
  const members: (readonly [string, JsonNode])[] = [
    ["mediaType", d.mediaType],
    ["digest", d.digest],
    ["size", d.size],
  ];
  // What came out of a document may hold null where the type says undefined.
  if (d.urls?.length) members.push(["urls", d.urls]);
  if (Object.keys(d.annotations ?? {}).length > 0) members.push(["annotations", sortedMembers(d.annotations!)]);
  if (d.data) members.push(["data", d.data]);
  if (d.platform) members.push(["platform", platformNode(d.platform)]);
  if (d.artifactType) members.push(["artifactType", d.artifactType]);
  return { members };
}

/** As {@link descriptorNode}, with the members that ocilot does not know behind those that it does. */
export function wholeDescriptorNode(d: Descriptor): JsonObject {
  const foreign = Object.entries(d).filter(([key]) => !DESCRIPTOR_ORDER.includes(key));
  return { members: [...descriptorNode(d).members, ...foreign.map(([key, value]) => [key, jsonNode(value)] as const)] };
}

function jsonNode(value: unknown): JsonNode {
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

/** What `goJson` makes of {@link wholeDescriptorNode}; the many that hold nothing odd take a shorter way. */
export function descriptorText(d: Descriptor): string {
  const { mediaType, digest, size, annotations, artifactType } = d;
  if (Object.keys(d).every((key) => PLAIN_MEMBERS.has(key)) && (!annotations || isPlainMap(annotations))) {
    const plain: Record<string, unknown> = { mediaType, digest, size };
    if (annotations && Object.keys(annotations).length > 0) plain["annotations"] = annotations;
    if (artifactType) plain["artifactType"] = artifactType;
    const text = JSON.stringify(plain);
    if (isGoPlain(text)) return text;
  }
  return goJson(wholeDescriptorNode(d));
}

const PLAIN_MEMBERS: ReadonlySet<string> = new Set(["mediaType", "digest", "size", "annotations", "artifactType"]);

/** Keys that JavaScript keeps in the order of the Go libraries. */
function isPlainMap(map: Readonly<Record<string, string>>): boolean {
  let last = "";
  for (const key of Object.keys(map)) {
    if (key <= last || !/^[ -~]+$/.test(key)) return false;
    last = key;
  }
  return true;
}
