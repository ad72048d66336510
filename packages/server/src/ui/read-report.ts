import { type Layout, isOcilotError, shellWord } from "@ocilot/layout";
import { extractDocument } from "@ocilot/referrers";
import type { DiagnosisModel, ImageModel } from "./layout-model.js";
import { type CheckOptions, readDiagnosis, readVerification } from "./read-checks.js";
import { type OpenedLayout, readLayout } from "./read-layout.js";
import { placedStatements, readPackages } from "./read-packages.js";
import type { EmbeddedDocument, ReportData } from "./render-page.js";

/** Larger documents are not put into a report. */
const MAX_DOCUMENT_BYTES = 4 << 20;
/** Bytes of all documents of a report. */
const MAX_DOCUMENTS_BYTES = 32 << 20;
/** A tag that stands in a command as it is. */
const PLAIN_TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** How a report is made. */
export interface ReportOptions extends Omit<CheckOptions, "path"> {
  /** The reference that names the layout in commands. */
  readonly name: string;
  readonly version: string;
  readonly time: Date;
  /** Which tools find what; unless given, of a layout that keeps entries it is what {@link readDiagnosis} returns, and of others nothing. */
  readonly diagnose?: () => Promise<DiagnosisModel>;
  /** Verify the content, and put the findings into the report. */
  readonly verify: boolean;
}

/**
 * Returns everything that a report of a layout shows. Documents are in it up to 4 MiB each and 32 MiB together.
 * @throws OcilotError what reading `index.json` throws, `ABORTED`
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { readReport, renderReport } from "@ocilot/server";
 *
 * const layout = await Layout.open("./layout");
 * const data = await readReport(layout, { name: "layout", version: "1", time: new Date(), verify: true });
 * console.log(renderReport(data).length);
 * ```
 */
export async function readReport(layout: Layout, options: ReportOptions): Promise<ReportData> {
  const { name, version, time, verify, diagnose, ...check } = options;
  const { signal } = check;
  const opened = await readLayout(layout, { name, signal });
  return {
    model: opened.model,
    sboms: await readPackages(layout, opened, signal),
    documents: await documentsOf(layout, opened, signal),
    diagnosis: diagnose !== undefined ? await diagnose() : layout.keepsEntries ? await readDiagnosis(layout, { signal }) : undefined,
    verification: verify ? await readVerification(layout, check) : undefined,
    commands: Object.fromEntries(opened.model.images.map((image) => [image.digest, commandsOf(name, image)])),
    made: { version, time: time.toISOString() },
  };
}

async function documentsOf(
  layout: Layout,
  opened: OpenedLayout,
  signal: AbortSignal | undefined,
): Promise<Record<string, EmbeddedDocument>> {
  const documents: Record<string, EmbeddedDocument> = {};
  let total = 0;
  for (const { evidence, statement, position, manifest } of placedStatements(opened)) {
    signal?.throwIfAborted();
    const { layer } = statement;
    const key = `${evidence.subject} ${evidence.digest} ${position}`;
    if (layer === undefined || layer.size > MAX_DOCUMENT_BYTES || total + layer.size > MAX_DOCUMENTS_BYTES || key in documents) continue;
    try {
      const { name, content } = await extractDocument(statement, layout.blobs, { platform: manifest.platform });
      const bytes = content instanceof Uint8Array ? content : await layout.blobs.bytes(layer, { maxBytes: MAX_DOCUMENT_BYTES });
      total += bytes.length;
      documents[key] = { name, base64: Buffer.from(bytes).toString("base64") };
    } catch (error) {
      // The report shows why by the notes of the statement and what verify finds.
      if (!isOcilotError(error) || error.code === "ABORTED") throw error;
    }
  }
  return documents;
}

function commandsOf(name: string, image: ImageModel): ReportData["commands"][string] {
  // Without a manifest there is nothing that a registry or another layout could name.
  if (image.file !== undefined) return [];
  const tag = image.tags.find((t) => PLAIN_TAG.test(t));
  const reference = shellWord(tag === undefined ? `${name}@${image.digest}` : `${name}:${tag}`);
  const hasSbom = [image, ...image.platforms].some((m) => m.evidence.some((e) => e.statements.some((s) => s.kind === "sbom")));
  return [
    { label: "Copy with all evidence", text: `ocilot copy ${reference} docker://registry.example/app:${tag ?? "latest"}` },
    { label: "List the evidence", text: `ocilot referrers ${reference} --recursive` },
    ...(hasSbom
      ? [{ label: "Write the SBOMs to files", text: `ocilot extract ${reference} --kind sbom --all-platforms --output sbom` }]
      : []),
  ];
}
