import { TITLE } from "@ocilot/layout/spec";
import type { Statement, StatementFormat, UnwrapStep } from "./statement.js";

/** What formats are called at the end of a file name, before `.json` and the like. */
const NAMES: ReadonlyMap<StatementFormat, string> = new Map<StatementFormat, string>([
  ["spdx", "spdx"],
  ["cyclonedx", "cdx"],
  ["syft-json", "syft"],
  ["slsa-provenance", "slsa"],
  ["slsa-vsa", "vsa"],
  ["in-toto", "intoto"],
  ["sigstore-bundle", "sigstore"],
  ["cosign-simple-signing", "cosign"],
  ["notation-jws", "jws"],
  ["notation-cose", "cose"],
  ["trivy-json", "trivy"],
]);
const ENVELOPES: Record<UnwrapStep, string> = { "sigstore-bundle": "sigstore", dsse: "dsse", "in-toto": "intoto", data: "data" };

/** How a document is to be named. */
export interface DocumentNameOptions {
  /** As `linux/arm64`; becomes part of the name. */
  readonly platform?: string | undefined;
  /** The document is the layer as it is stored, with its envelope. */
  readonly raw?: boolean | undefined;
}

/**
 * A file name for a statement, by kind, platform and format, like `sbom.linux-arm64.spdx.json`: always a base name, and safe.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { documentName, openReferrers, openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * const edges = graph.of((await layout.resolve("v1")).digest);
 * for (const statements of (await openReferrers(view, edges, layout.blobs)).values())
 *   for (const statement of statements) console.log(documentName(statement, { platform: "linux/arm64" }));
 * ```
 */
export function documentName(statement: Statement, options: DocumentNameOptions = {}): string {
  const { kind, format, encoding, steps } = statement;
  const [envelope] = steps;
  const isEnvelope = options.raw === true && envelope !== undefined;
  const form = isEnvelope ? ENVELOPES[envelope] : format === undefined ? undefined : (NAMES.get(format) ?? format);
  const extension = isEnvelope || encoding === "json" ? "json" : encoding === "xml" ? "xml" : undefined;
  const isUnknown = extension === undefined && form === undefined;
  return [kind, options.platform, form, isUnknown ? titleExtension(statement) : extension].flatMap((part) => safe(part) ?? []).join(".");
}

/** What the file was called when it was attached tells more than nothing. */
function titleExtension({ layer }: Statement): string {
  return /\.([A-Za-z0-9]{1,8})$/.exec(layer?.annotations?.[TITLE] ?? "")?.[1] ?? "bin";
}

function safe(part: string | undefined): string | undefined {
  return (
    part
      ?.replaceAll(/[^A-Za-z0-9._-]+/g, "-")
      .replaceAll(/\.{2,}/g, ".")
      .replaceAll(/^[.-]+|[.-]+$/g, "")
      .slice(0, 64) || undefined
  );
}
