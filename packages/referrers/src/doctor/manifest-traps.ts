import { type Descriptor, type Digest, type Manifest, type OcilotError, isOcilotError, manifestKind } from "@ocilot/layout/spec";
import { unreadableMessage } from "../view/unreadable.js";
import type { Problem } from "../graph/edge.js";
import { findProblems } from "../verify/problems.js";
import { orasTool } from "../tools/oras.js";
import { embeddedContents } from "../view/embedded-content.js";
import { manifestOf } from "../view/layout-view.js";
import { type Examination, type Symptom, type TrapLocation, symptom } from "./examination.js";
import { type UnreadablePlace, unreadableManifests } from "./unreadable-manifests.js";

/** Traps of manifests that do not match their descriptors, are missing, or are of a type that a tool ignores. */
export async function manifestTraps(examination: Examination): Promise<Symptom[]> {
  const { view, graph } = examination;
  const reached = await view.reach();
  const listed = new Set(
    [...view.entries.map((e) => e.descriptor), ...reached.flatMap((r) => manifestOf(r.node)?.manifests ?? [])].map(keyOf),
  );
  const unreadable = new Map<Digest, UnreadablePlace>();
  const denied: TrapLocation[] = [];
  let deniedFix: string | undefined;
  for (const { node, position } of reached) {
    const { digest } = node.descriptor;
    if (node.state !== "damaged" || !listed.has(keyOf(node.descriptor))) continue;
    const place = { message: unreadableMessage(node), position, digest };
    if (!isOcilotError(node.error, "ACCESS_DENIED")) {
      const stated = view.entries[position]?.descriptor;
      const entry = stated !== undefined && keyOf(stated) === keyOf(node.descriptor) ? stated : undefined;
      // Entries come first: what they state wrongly can be corrected.
      if (!unreadable.has(digest)) unreadable.set(digest, { ...place, error: node.error, ...(entry && { entry }) });
    } else {
      denied.push(place);
      deniedFix ??= node.error.hint;
    }
  }
  for (const { digest, position, message } of await unknownToOras(examination))
    unreadable.set(digest, unreadable.get(digest) ?? { message, position, digest });
  const problems = await findProblems(view, graph);
  const docker = reached.filter(({ node }) => manifestKind(node.descriptor.mediaType)?.startsWith("docker"));
  return [
    ...(await unreadableManifests(examination, [...unreadable.values()])),
    // Rights are not damage: there is nothing to repair.
    ...symptom("FILES_PRIVATE", denied, deniedFix),
    // Each is fixed by commands of its own.
    ...problems.filter((p) => p.code === "SUBJECT_MISMATCH").flatMap((p) => symptom("SUBJECT_MISMATCH", [placeOf(p)], p.fix)),
    ...problems.filter((p) => p.code === "MANIFEST_LARGE").flatMap((p) => symptom("MANIFEST_LARGE", [placeOf(p)], p.fix)),
    ...symptom("SPARSE", await missingContent(examination, listed)),
    ...symptom(
      "DOCKER_TYPES",
      docker.map(({ node: { descriptor }, position }) => {
        return { message: `${descriptor.digest} is ${descriptor.mediaType}`, position, digest: descriptor.digest };
      }),
    ),
  ];
}

function placeOf({ message, position, digest }: Problem): TrapLocation {
  return { message, ...(position !== undefined && { position }), ...(digest !== undefined && { digest }) };
}

/** Manifests under digest algorithms that oras does not support; they may be whole. */
async function unknownToOras({ view }: Examination): Promise<{ digest: Digest; position: number; message: string }[]> {
  const traps = (await orasTool.traps(view)).filter((t) => t.message.endsWith("does not know the digest algorithm"));
  const messages = new Map(traps.map(({ message }) => [message.slice(0, message.indexOf(": ")), message]));
  return (await view.reach()).flatMap(({ node: { descriptor }, position }) => {
    const message = messages.get(descriptor.digest);
    return message === undefined ? [] : [{ digest: descriptor.digest, position, message }];
  });
}

/** Listed manifests and content of manifests that are missing. Subjects are a trap of their own. */
async function missingContent({ view }: Examination, listed: ReadonlySet<string>): Promise<TrapLocation[]> {
  const places = new Map<Digest, TrapLocation>();
  const seen = new Set<Digest>();
  const reached = await view.reach();
  const embedded = embeddedContents(reached.flatMap(({ node }) => partsOf(manifestOf(node))));
  for (const { node, position, within } of reached) {
    const { digest } = node.descriptor;
    const by = within === undefined ? `index.json entry ${position}` : within;
    if (node.state === "absent" && listed.has(keyOf(node.descriptor)))
      places.set(digest, { message: `${digest}, which ${by} lists, is not in the layout`, position, digest });
    const manifest = manifestOf(node);
    if (manifest === undefined || seen.has(digest)) continue;
    seen.add(digest);
    for (const blob of partsOf(manifest)) {
      if (places.has(blob.digest) || blob.urls?.length || embedded.has(blob.digest) || (await view.has(blob.digest))) continue;
      places.set(blob.digest, { message: `${blob.digest}, a part of ${digest}, is not in the layout`, position, digest: blob.digest });
    }
  }
  return [...places.values()];
}

function partsOf(manifest: Manifest | undefined): Descriptor[] {
  return [...(manifest?.config ? [manifest.config] : []), ...(manifest?.layers ?? [])];
}

function keyOf(d: Descriptor): string {
  return `${d.digest} ${d.size} ${d.mediaType}`;
}

/** Returns the symptom of an `index.json` that cannot be read. */
export function unreadableIndex(error: OcilotError): Symptom {
  return { code: "INDEX_UNSAFE", places: [{ message: error.message }], fix: "cp OTHER/index.json LAYOUT/index.json" };
}
