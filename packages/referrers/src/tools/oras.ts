import { type Descriptor, type Digest, type OcilotError, isOcilotError, splitDigest } from "@ocilot/layout/spec";
import type { ReaderTool, Trap } from "./reader-tool.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/**
 * `oras discover layout@digest`. oras opens everything that entries lead to and gives up on the first manifest that is
 * not what its descriptor says; a missing one it passes over. It resolves only digests that `index.json` lists, and
 * wants `subject` to equal the listed descriptor in media type, digest and size.
 */
export const orasTool: ReaderTool = {
  id: "oras",
  title: "oras 1.3.3 (oras-go 2.6)",

  async finds(view, subject) {
    const entry = entryOf(view, subject);
    if (entry === undefined || (await this.traps(view)).length > 0) return [];
    const found = (await indexOf(view)).get(`${entry.mediaType} ${subject} ${entry.size}`);
    return [...(found ?? [])];
  },

  traps(view) {
    let found = traps.get(view);
    if (found === undefined) traps.set(view, (found = findTraps(view)));
    return found;
  },
};

const REGISTERED = new Set(["sha256", "sha384", "sha512"]);
const traps = new WeakMap<LayoutView, Promise<readonly Trap[]>>();

async function findTraps(view: LayoutView): Promise<readonly Trap[]> {
  const found: Trap[] = [];
  for (const { node } of await view.reach()) {
    const { digest, mediaType } = node.descriptor;
    if (node.state === "blob" || mediaType.includes("cncf.oras")) continue;
    if (!REGISTERED.has(splitDigest(digest).algorithm))
      found.push({ severity: "blocks", message: `${digest}: oras does not know the digest algorithm` });
    else if (node.state === "damaged" && isFatal(node.error)) found.push({ severity: "blocks", message: node.error.message });
  }
  return found;
}

/** oras has no size limit, and takes the media type from the descriptor without comparing it. */
function isFatal(error: OcilotError): boolean {
  if (error.code === "LIMIT_EXCEEDED") return false;
  return !(isOcilotError(error, "DOCUMENT_INVALID") && error.details.path === "$.mediaType");
}

const entries = new WeakMap<LayoutView, Map<Digest, Descriptor>>();

/** The first entry of that digest. */
function entryOf(view: LayoutView, digest: Digest): Descriptor | undefined {
  let byDigest = entries.get(view);
  if (byDigest === undefined) {
    byDigest = new Map(view.entries.toReversed().map((e) => [e.descriptor.digest, e.descriptor]));
    entries.set(view, byDigest);
  }
  return byDigest.get(digest);
}

const indexes = new WeakMap<LayoutView, Map<string, Set<Digest>>>();

async function indexOf(view: LayoutView): Promise<Map<string, Set<Digest>>> {
  const made = indexes.get(view);
  if (made !== undefined) return made;
  const index = new Map<string, Set<Digest>>();
  /** By the object that many manifests share, so that its key is put together once. */
  const known = new Map<Descriptor, Set<Digest>>();
  for (const { node } of await view.reach()) {
    const manifest = manifestOf(node);
    if (manifest?.subject === undefined || manifest.kind === "oras-artifact") continue;
    const { subject } = manifest;
    let found = known.get(subject);
    if (found === undefined) {
      const key = `${subject.mediaType} ${subject.digest} ${subject.size}`;
      found = index.get(key) ?? new Set();
      index.set(key, found);
      known.set(subject, found);
    }
    found.add(node.descriptor.digest);
  }
  indexes.set(view, index);
  return index;
}
