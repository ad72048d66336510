import { type Descriptor, type Digest, type OcilotError, manifestKind } from "@ocilot/layout/spec";
import { damageOf } from "../damage.js";
import type { Problem } from "../edge.js";
import { findProblems } from "../problems.js";
import { orasTool } from "../tools/oras.js";
import { manifestOf } from "../view.js";
import { type Examination, type Symptom, type TrapPlace, symptom } from "./examination.js";

/** Traps of manifests that are not what is said of them, are not there, or are of a type that a tool passes over. */
export async function manifestTraps(examination: Examination): Promise<Symptom[]> {
  const { view, graph } = examination;
  const reached = await view.reach();
  const listed = new Set(
    [...view.entries.map((e) => e.descriptor), ...reached.flatMap((r) => manifestOf(r.node)?.manifests ?? [])].map(keyOf),
  );
  const unreadable = new Map<Digest, TrapPlace>();
  for (const { node, position } of reached) {
    const { digest } = node.descriptor;
    if (node.state === "damaged" && listed.has(keyOf(node.descriptor)))
      unreadable.set(digest, { message: damageOf(node), position, digest });
  }
  for (const { digest, position, message } of await unknownToOras(examination))
    unreadable.set(digest, unreadable.get(digest) ?? { message, position, digest });
  const problems = await findProblems(view, graph);
  const docker = reached.filter(({ node }) => manifestKind(node.descriptor.mediaType)?.startsWith("docker"));
  return [
    ...symptom("MANIFEST_UNREADABLE", [...unreadable.values()]),
    ...symptom("SUBJECT_MISMATCH", problems.filter((p) => p.code === "SUBJECT_MISMATCH").map(placeOf)),
    ...symptom("SPARSE", await missingContent(examination, listed)),
    ...symptom(
      "DOCKER_TYPES",
      docker.map(({ node: { descriptor }, position }) => {
        return { message: `${descriptor.digest} is ${descriptor.mediaType}`, position, digest: descriptor.digest };
      }),
    ),
  ];
}

function placeOf({ message, position, digest }: Problem): TrapPlace {
  return { message, ...(position !== undefined && { position }), ...(digest !== undefined && { digest }) };
}

/** Digest algorithms that oras does not have: those blobs may be whole. */
async function unknownToOras({ view }: Examination): Promise<{ digest: Digest; position: number; message: string }[]> {
  const traps = (await orasTool.traps(view)).filter((t) => t.message.endsWith("does not know the digest algorithm"));
  const messages = new Map(traps.map(({ message }) => [message.slice(0, message.indexOf(": ")), message]));
  return (await view.reach()).flatMap(({ node: { descriptor }, position }) => {
    const message = messages.get(descriptor.digest);
    return message === undefined ? [] : [{ digest: descriptor.digest, position, message }];
  });
}

/** Manifests that something lists, and the contents of manifests, that are not there. Subjects are a trap of their own. */
async function missingContent({ view }: Examination, listed: ReadonlySet<string>): Promise<TrapPlace[]> {
  const places = new Map<Digest, TrapPlace>();
  const seen = new Set<Digest>();
  for (const { node, position, within } of await view.reach()) {
    const { digest } = node.descriptor;
    const by = within === undefined ? `index.json entry ${position}` : within;
    if (node.state === "absent" && listed.has(keyOf(node.descriptor)))
      places.set(digest, { message: `${digest}, which ${by} lists, is not in the layout`, position, digest });
    const manifest = manifestOf(node);
    if (manifest === undefined || seen.has(digest)) continue;
    seen.add(digest);
    for (const blob of [...(manifest.config ? [manifest.config] : []), ...manifest.layers]) {
      if (places.has(blob.digest) || blob.urls?.length || (await view.has(blob.digest))) continue;
      places.set(blob.digest, { message: `${blob.digest}, a part of ${digest}, is not in the layout`, position, digest: blob.digest });
    }
  }
  return [...places.values()];
}

function keyOf(d: Descriptor): string {
  return `${d.digest} ${d.size} ${d.mediaType}`;
}

/** What is wrong with an `index.json` from which nothing can be read. */
export function unreadableIndex(error: OcilotError): Symptom {
  return { code: "INDEX_UNSAFE", places: [{ message: error.message }], fix: "cp OTHER/index.json LAYOUT/index.json" };
}
