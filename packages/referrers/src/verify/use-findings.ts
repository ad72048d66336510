import {
  DOCKER_REFERENCE_DIGEST,
  type Digest,
  type Layout,
  MAX_MANIFEST_BYTES,
  OCTET_STREAM,
  digestOf,
  isAlgorithm,
  manifestKind,
  sniffManifest,
  splitDigest,
} from "@ocilot/layout";
import { isLeftOut } from "../copy/sparse.js";
import type { FindingCode } from "./codes.js";
import type { Content } from "./content.js";
import { type Finding, finding } from "./finding.js";
import type { Inventory, Use } from "./uses.js";

/** What each descriptor says, against what is there. */
export async function useFindings(layout: Layout, inventory: Inventory, contents: ReadonlyMap<Digest, Content>): Promise<Finding[]> {
  const findings: Finding[] = [];
  /** One blob that is missing or damaged is one finding, however many descriptors name it. */
  const told = new Set<Digest>();
  for (const use of inventory.uses) {
    const { digest } = use.descriptor;
    const content = contents.get(digest) ?? { state: "missing" };
    if (content.state === "whole") findings.push(...(await wholeFindings(layout, use, content.size)));
    else if (!told.has(digest)) {
      const bad = contentFinding(use, content, inventory);
      findings.push(bad);
      // An entry or an index may still name what is only dangling or left out here.
      if (bad.severity === "error") told.add(digest);
    }
    const data = dataFinding(use);
    if (data !== undefined) findings.push(data);
  }
  const isOutdone = (f: Finding): boolean => f.code === "SUBJECT_DANGLING" && f.digest !== undefined && told.has(f.digest);
  return findings.filter((f) => !isOutdone(f));
}

/** What to say of a blob that is not there as it should be. */
export function contentFinding(use: Use, content: Exclude<Content, { state: "whole" }>, inventory: Inventory): Finding {
  const { descriptor, steps } = use;
  const { digest, mediaType, size } = descriptor;
  const say = (code: FindingCode, message: string): Finding => finding(code, { steps, digest, message });
  if (content.state === "missing") {
    if (steps.at(-1)?.kind === "subject") return say("SUBJECT_DANGLING", `the subject ${digest} is not in the layout`);
    if (isOmitted(use, inventory)) return say("SPARSE_PLATFORM", `${digest} was left out on purpose: the copy took other platforms`);
    const [url] = descriptor.urls ?? [];
    if (url !== undefined) return say("FOREIGN_LAYER", `${digest} is not in the layout; it is to be fetched from ${url}`);
    return say("BLOB_MISSING", `${digest} (${mediaType}, ${size} bytes) is not in the layout`);
  }
  if (content.state === "corrupt") return say("BLOB_CORRUPT", content.message);
  if (content.state === "unsupported") return say("ALGORITHM_UNSUPPORTED", content.message);
  return say("UNREADABLE", content.message);
}

/** Left out by a copy of some platforms; what BuildKit says about a platform goes with that platform. */
function isOmitted({ descriptor, roots, steps }: Use, { manifests }: Inventory): boolean {
  const described = descriptor.annotations?.[DOCKER_REFERENCE_DIGEST];
  if (described === undefined) return isLeftOut(descriptor, roots);
  const parent = steps.at(-2);
  const siblings = parent !== undefined && "digest" in parent ? (manifests.get(parent.digest)?.manifests ?? []) : [];
  return siblings.some((d) => d.digest === described && isLeftOut(d, roots));
}

/** The blob is what its digest says: what is wrong now is wrong with a descriptor, or with the document in it. */
async function wholeFindings(layout: Layout, use: Use, size: number): Promise<Finding[]> {
  const { descriptor: d, node, steps } = use;
  const isSubject = steps.at(-1)?.kind === "subject";
  const mismatch = (code: "SIZE_MISMATCH" | "MEDIA_TYPE_MISMATCH", message: string): Finding =>
    finding(isSubject ? "SUBJECT_MISMATCH" : code, { steps, digest: d.digest, message });
  const findings: Finding[] = [];
  if (size !== d.size) findings.push(mismatch("SIZE_MISMATCH", `${d.digest} has ${size} bytes, and ${whose(use)} says ${d.size}`));
  const isManifest = manifestKind(d.mediaType) !== undefined;
  if (!isManifest && use.slot === "blob") return findings;
  if (size > MAX_MANIFEST_BYTES && isManifest) {
    const message = `${d.digest} has ${size} bytes, and a manifest may have ${MAX_MANIFEST_BYTES}`;
    return [...findings, finding("UNREADABLE", { steps, digest: d.digest, message, fix: "" })];
  }
  if (isManifest && node.state !== "damaged") return findings;
  const actual = await kindOf(layout, d.digest, size);
  if (actual !== OCTET_STREAM && actual !== d.mediaType) {
    findings.push(mismatch("MEDIA_TYPE_MISMATCH", `${d.digest} is ${actual}, and ${whose(use)} says ${d.mediaType}`));
  } else if (node.state === "damaged" && size === d.size) {
    findings.push(
      finding("UNREADABLE", {
        steps,
        digest: d.digest,
        message: node.error.message,
        fix: "fetch it again, or ask whoever made it: its digest is right",
      }),
    );
  }
  return findings;
}

async function kindOf(layout: Layout, digest: Digest, size: number): Promise<string> {
  if (size === 0 || size > MAX_MANIFEST_BYTES) return OCTET_STREAM;
  const [bytes] = await layout.blobs.bytesMany([{ mediaType: OCTET_STREAM, digest, size }]);
  return bytes instanceof Uint8Array ? sniffManifest(bytes) : OCTET_STREAM;
}

/** What bears the descriptor. */
function whose({ steps }: Use): string {
  const last = steps.at(-1);
  if (last?.kind === "entry") return `index.json entry ${last.position}`;
  const parent = steps.at(-2);
  return parent !== undefined && "digest" in parent ? `the descriptor in ${parent.digest}` : "its descriptor";
}

/** @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#embedded-content */
function dataFinding({ descriptor: d, steps }: Use): Finding | undefined {
  if (typeof d.data !== "string") return undefined;
  const bytes = new Uint8Array(Buffer.from(d.data, "base64"));
  const { algorithm } = splitDigest(d.digest);
  if (bytes.length === d.size && (!isAlgorithm(algorithm) || digestOf(bytes, algorithm) === d.digest)) return undefined;
  return finding("DATA_MISMATCH", {
    steps,
    digest: d.digest,
    message: `the data that the descriptor of ${d.digest} embeds is not that blob`,
  });
}
