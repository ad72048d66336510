import { type Descriptor, OcilotError } from "@ocilot/layout/spec";
import { type DocumentNameOptions, documentName } from "./document-name.js";
import { MAX_ENVELOPE_BYTES } from "./open-layers.js";
import { readContent } from "./read-content.js";
import type { Statement } from "./statement.js";
import type { BlobContents } from "./wrapping.js";

/** How a document is taken out of its envelope and named. */
export interface ExtractOptions extends DocumentNameOptions {
  /** Envelopes above this size in bytes are not opened; 32 MiB unless given. A plain document may have any size. */
  readonly maxBytes?: number | undefined;
}

/** The document of a statement. */
export interface ExtractedDocument {
  /** A safe base name by kind, platform and format. */
  readonly name: string;
  /** Verified as it is read: a stream fails at its end where the digest is not right. */
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
}

/**
 * The document that a statement is, out of whatever it is wrapped in, or with `raw` the layer as it is stored. Of a signature
 * it is always the layer: there is no document in it. A predicate comes out byte for byte as it was signed.
 * @throws OcilotError `BLOB_NOT_FOUND` and what reading the layer throws; `LIMIT_EXCEEDED` for an envelope that is too large;
 * `DOCUMENT_INVALID` for one that cannot be opened
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { Layout } from "@ocilot/layout";
 * import { extractDocument, openReferrers, openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const view = await openView(layout);
 * const edges = (await readGraph(view)).of(image.digest);
 * const [statement] = [...(await openReferrers(view, edges, layout.blobs)).values()].flat();
 * if (statement !== undefined) {
 *   const { name, content } = await extractDocument(statement, layout.blobs);
 *   await writeFile(name, content);
 * }
 * ```
 */
export async function extractDocument(statement: Statement, blobs: BlobContents, options: ExtractOptions = {}): Promise<ExtractedDocument> {
  const { layer, steps, kind } = statement;
  const { maxBytes = MAX_ENVELOPE_BYTES } = options;
  if (layer === undefined)
    throw new OcilotError("DOCUMENT_INVALID", `the ${kind} has no content: its manifest has no layer`, {
      document: kind,
      path: "$.layers",
      reason: "is empty",
    });
  const isLayer = options.raw === true || kind === "signature" || (steps.length === 0 && !isUnopened(statement));
  if (isLayer) return { name: documentName(statement, { ...options, raw: true }), content: await blobs.open(layer) };
  if (layer.size > maxBytes) throw tooLarge(statement, layer, maxBytes);
  const bytes = await blobs.bytes(layer, { maxBytes });
  const document = readContent(bytes, statement, undefined)?.document;
  if (document === undefined) throw unopened(statement, layer.digest);
  return { name: documentName(statement, options), content: typeof document === "string" ? new TextEncoder().encode(document) : document };
}

/** It is an envelope that {@link openStatements} has not opened, and not a document. */
function isUnopened({ notes }: Statement): boolean {
  return notes.some((n) => n.code === "MALFORMED" || n.code === "TOO_LARGE");
}

const RAW = "--raw writes the blob as it is stored.";

function tooLarge({ kind }: Statement, { digest, size }: Descriptor, limit: number): OcilotError<"LIMIT_EXCEEDED"> {
  const message = `the ${kind} in ${digest} is in an envelope of ${size} bytes; envelopes are opened up to ${limit}`;
  return new OcilotError("LIMIT_EXCEEDED", message, { what: "envelope size", limit, found: size }, { hint: RAW });
}

function unopened({ kind, notes }: Statement, digest: string): OcilotError<"DOCUMENT_INVALID"> {
  const reason = notes[0]?.message ?? "it holds no document";
  return new OcilotError(
    "DOCUMENT_INVALID",
    `the ${kind} in ${digest} cannot be unwrapped: ${reason}`,
    { document: digest, path: "$", reason },
    { hint: RAW },
  );
}
