import { type Digest, type Layout, decodeText, isOcilotError, parseJson } from "@ocilot/layout";
import { type Statement, edgeKey, extractDocument } from "@ocilot/referrers";
import type { EvidenceModel, ManifestModel, SbomModel } from "./layout-model.js";
import type { OpenedLayout } from "./read-layout.js";
import { sbomPackages } from "./sbom-packages.js";

/** Larger SBOMs are not searched. */
const MAX_SBOM_BYTES = 32 << 20;
/** Packages of all SBOMs together; what is beyond is counted. */
const MAX_TOTAL = 200_000;

/** A statement of the model with what is needed to open it. */
export interface Placed {
  readonly image: ManifestModel & { readonly tags: readonly string[] };
  readonly manifest: ManifestModel;
  readonly evidence: EvidenceModel;
  readonly statement: Statement;
  /** Its position among those of its referrer. */
  readonly position: number;
}

/**
 * Returns every statement of a model, with those of referrers of referrers.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { placedStatements, readLayout } from "@ocilot/server";
 *
 * const layout = await Layout.open("./layout");
 * const opened = await readLayout(layout, { name: "app" });
 * for (const { image, statement } of placedStatements(opened)) console.log(image.tags, statement.kind);
 * ```
 */
export function placedStatements(layout: Pick<OpenedLayout, "model" | "statements">): Placed[] {
  const { model, statements } = layout;
  const found: Placed[] = [];
  for (const image of model.images) for (const manifest of [image, ...image.platforms]) collect(image, manifest, manifest.evidence);
  return found;

  function collect(image: Placed["image"], manifest: ManifestModel, list: readonly EvidenceModel[]): void {
    for (const evidence of list) {
      const opened = statements.get(edgeKey({ subject: evidence.subject, referrer: evidence })) ?? [];
      for (const [position, statement] of opened.entries()) found.push({ image, manifest, evidence, statement, position });
      collect(image, manifest, evidence.referrers);
    }
  }
}

/**
 * Returns the packages of every SBOM in SPDX or CycloneDX. What cannot be searched says why.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { readLayout, readPackages } from "@ocilot/server";
 *
 * const layout = await Layout.open("./layout");
 * for (const { format, packages } of await readPackages(layout, await readLayout(layout, { name: "app" }))) console.log(format, packages.length);
 * ```
 */
export async function readPackages(layout: Layout, opened: OpenedLayout, signal?: AbortSignal): Promise<SbomModel[]> {
  const sboms: SbomModel[] = [];
  const known = new Map<string, Pick<SbomModel, "packages" | "leftOut" | "problem">>();
  let total = 0;
  for (const { image, manifest, evidence, statement } of placedStatements(opened)) {
    if (statement.kind !== "sbom") continue;
    signal?.throwIfAborted();
    const key: Digest | undefined = statement.layer?.digest;
    const read = (key !== undefined && known.get(key)) || (await packagesIn(layout, statement));
    if (key !== undefined) known.set(key, read);
    const room = Math.max(0, MAX_TOTAL - total);
    const packages = read.packages.slice(0, room);
    total += packages.length;
    sboms.push({
      image: image.digest,
      tags: image.tags,
      ...(manifest.platform !== undefined && { platform: manifest.platform }),
      subject: evidence.subject,
      referrer: evidence.digest,
      format: statement.format ?? "unknown format",
      ...read,
      packages,
      leftOut: read.leftOut + read.packages.length - packages.length,
    });
  }
  return sboms;
}

async function packagesIn(layout: Layout, statement: Statement): Promise<Pick<SbomModel, "packages" | "leftOut" | "problem">> {
  const { layer } = statement;
  const not = (problem: string): Pick<SbomModel, "packages" | "leftOut" | "problem"> => ({ packages: [], leftOut: 0, problem });
  if (layer === undefined) return not("it has no content");
  if (layer.size > MAX_SBOM_BYTES) return not(`it is larger than ${MAX_SBOM_BYTES} bytes`);
  try {
    const { content } = await extractDocument(statement, layout.blobs);
    const bytes = content instanceof Uint8Array ? content : await layout.blobs.bytes(layer, { maxBytes: MAX_SBOM_BYTES });
    if (!/^\s*\{/.test(decodeText(bytes.subarray(0, 64)).replace(/^\u{feff}/u, ""))) return not("it is not JSON");
    return sbomPackages(parseJson(bytes, layer.digest)) ?? not("its format cannot be searched");
  } catch (error) {
    if (!isOcilotError(error)) throw error;
    return not(error.message);
  }
}
