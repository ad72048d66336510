import { type Digest, type Layout, MAX_MANIFEST_BYTES, OCTET_STREAM, manifestKind, sniffManifest } from "@ocilot/layout";
import { ownMediaType } from "../view/own-media-type.js";
import { embeddedContent } from "../view/embedded-content.js";
import { FINDINGS, type FindingCode } from "./finding-codes.js";
import type { Content } from "./blob-content.js";
import { type Finding, finding } from "./finding.js";
import type { Inventory } from "./blob-uses.js";
import type { Use } from "./use.js";
import { attachAgain } from "./attach-again.js";
import { type PathStep, platformName } from "./reference-path.js";

/** Copied again, a manifest that its author made with a wrong descriptor comes with the same bytes. */
const MAKE_AGAIN = "make the manifest that states it again, with the tool that made it: a copy of it has the same bytes";

/** Returns where descriptors and content disagree. */
export async function useFindings(layout: Layout, inventory: Inventory, contents: ReadonlyMap<Digest, Content>): Promise<Finding[]> {
  const findings: Finding[] = [];
  /** One blob that is missing or corrupt is one finding, however many descriptors name it. */
  const told = new Set<Digest>();
  for (const use of inventory.uses) {
    const { digest } = use.descriptor;
    const content = contents.get(digest) ?? { state: "missing" };
    if (content.state === "whole") {
      if (!isPlainlyRight(use, content.size)) findings.push(...(await wholeFindings(layout, use, content.size, inventory)));
    } else if (!told.has(digest)) {
      const bad = contentFinding(use, content, inventory);
      findings.push(bad);
      // An entry or an index may still name what is only dangling or left out here.
      if (bad.severity === "error" || bad.code === "BLOB_EMBEDDED") told.add(digest);
    }
    const data = dataFinding(use);
    if (data !== undefined) findings.push(data);
  }
  const isOutdone = (f: Finding): boolean => f.code === "SUBJECT_DANGLING" && f.digest !== undefined && told.has(f.digest);
  return findings.filter((f) => !isOutdone(f));
}

/** Returns the finding for a blob that is missing, corrupt or cannot be read. */
export function contentFinding(use: Use, content: Exclude<Content, { state: "whole" }>, inventory: Inventory): Finding {
  const { descriptor, steps } = use;
  const { digest, mediaType, size } = descriptor;
  const say = (code: FindingCode, message: string, fix?: string): Finding =>
    finding(code, { steps, digest, message, ...(fix !== undefined && { fix }) });
  switch (content.state) {
    case "corrupt":
      return say("BLOB_CORRUPT", content.message);
    case "unsupported":
      return say("ALGORITHM_UNSUPPORTED", content.message);
    case "denied":
      return say("ACCESS_DENIED", content.message, content.fix);
    case "unreadable":
      return say("UNREADABLE", content.message, content.fix);
    case "missing":
  }
  if (steps.at(-1)?.kind === "subject") return say("SUBJECT_DANGLING", `the subject ${digest} is not in the layout`);
  if (inventory.omitted.has(digest))
    return say("SPARSE_PLATFORM", `${digest}${platformText(use)} is not in the layout; other platforms of the image are`);
  const [url] = descriptor.urls ?? [];
  if (url !== undefined) return say("FOREIGN_LAYER", `${digest} is not distributed with the image: tools download it from ${url}`);
  if (inventory.embedded.has(digest)) return say("BLOB_EMBEDDED", `${digest} is not in the layout; a descriptor of it embeds the content`);
  const what = steps[0]?.kind === "file" ? "" : ` (${mediaType}, ${size} bytes)`;
  return say("BLOB_MISSING", `${digest}${what} is not in the layout`);
}

function platformText({ descriptor }: Use): string {
  const platform = platformName(descriptor.platform);
  return platform === undefined ? "" : ` (${platform})`;
}

/** What {@link wholeFindings} has nothing to say of: most of very many. */
function isPlainlyRight({ descriptor: d, node, slot }: Use, size: number): boolean {
  if (size !== d.size) return false;
  return manifestKind(d.mediaType) === undefined ? slot === "blob" : size <= MAX_MANIFEST_BYTES && node.state !== "damaged";
}

/** The blob has its digest: what is wrong now is wrong with a descriptor, or with the document in it. */
async function wholeFindings(layout: Layout, use: Use, size: number, { manifests }: Inventory): Promise<Finding[]> {
  const { descriptor: d, node, steps } = use;
  const isSubject = steps.at(-1)?.kind === "subject";
  const isEntry = steps.length === 1;
  const mismatch = (code: "SIZE_MISMATCH" | "MEDIA_TYPE_MISMATCH", message: string, fix?: string): Finding =>
    finding(isSubject ? "SUBJECT_MISMATCH" : code, {
      steps,
      digest: d.digest,
      message,
      fix: isEntry ? fix : isSubject ? attachAgainFix(steps, d.digest, manifests) : MAKE_AGAIN,
    });
  const findings: Finding[] = [];
  if (size !== d.size) findings.push(mismatch("SIZE_MISMATCH", `${d.digest} has ${size} bytes; ${whose(use)} states ${d.size}`));
  const isManifest = manifestKind(d.mediaType) !== undefined;
  if (!isManifest && use.slot === "blob") return findings;
  if (size > MAX_MANIFEST_BYTES && isManifest) {
    const message = `${d.digest} has ${size} bytes; the limit for a manifest is ${MAX_MANIFEST_BYTES}`;
    return [...findings, finding("UNREADABLE", { steps, digest: d.digest, message, fix: "" })];
  }
  if (isManifest && node.state !== "damaged") return findings;
  const actual = await entryKind(layout, d.digest, size);
  if (actual !== OCTET_STREAM && actual !== d.mediaType) {
    const isSure = isEntry && (await ownMediaType(layout, d.digest, size)) !== undefined;
    const fix = isSure ? FINDINGS.SIZE_MISMATCH.fix : undefined;
    findings.push(mismatch("MEDIA_TYPE_MISMATCH", `${d.digest} is ${actual}; ${whose(use)} states ${d.mediaType}`, fix));
  } else if (node.state === "damaged" && size === d.size) {
    findings.push(
      finding("UNREADABLE", {
        steps,
        digest: d.digest,
        message: node.error.message,
        fix: "report it to the author of the manifest: its digest is right",
      }),
    );
  }
  return findings;
}

/** The referrer is what the path to its subject comes from. */
function attachAgainFix(steps: readonly PathStep[], subject: Digest, manifests: Inventory["manifests"]): string | undefined {
  const last = steps.at(-2);
  return last === undefined || !("digest" in last) ? undefined : attachAgain(last.digest, subject, manifests.get(last.digest));
}

async function entryKind(layout: Layout, digest: Digest, size: number): Promise<string> {
  if (size === 0 || size > MAX_MANIFEST_BYTES) return OCTET_STREAM;
  const [bytes] = await layout.blobs.bytesMany([{ mediaType: OCTET_STREAM, digest, size }]);
  return bytes instanceof Uint8Array ? sniffManifest(bytes) : OCTET_STREAM;
}

/** Returns what contains the descriptor. */
function whose({ steps }: Use): string {
  const last = steps.at(-1);
  if (last?.kind === "entry") return `index.json entry ${last.position}`;
  const parent = steps.at(-2);
  return parent !== undefined && "digest" in parent ? `the descriptor in ${parent.digest}` : "its descriptor";
}

function dataFinding({ descriptor: d, steps }: Use): Finding | undefined {
  if (typeof d.data !== "string" || embeddedContent(d) !== undefined) return undefined;
  return finding("DATA_MISMATCH", {
    steps,
    digest: d.digest,
    message: `the data that the descriptor of ${d.digest} embeds is not that blob`,
    ...(steps.length > 1 && { fix: MAKE_AGAIN }),
  });
}
