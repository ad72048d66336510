import { type Descriptor, type Digest, type Layout, OcilotError } from "@ocilot/layout";
import {
  type BlobPeek,
  type Classification,
  type OpenStatementsOptions,
  type Statement,
  classifyManifest,
  extractDocument,
  manifestOf,
  openStatements,
  openView,
  peekInto,
  readGraph,
} from "@ocilot/referrers";

/** One referrer with what its manifest says and what its content says. */
export interface Opened {
  readonly subject: Digest;
  readonly classifications: readonly Classification[];
  readonly statements: readonly Statement[];
}

/** Every referrer of a layout, opened. */
export async function openAll(layout: Layout, options: OpenStatementsOptions = {}): Promise<Opened[]> {
  const view = await openView(layout, { scan: true });
  const edges = (await readGraph(view)).edges();
  const nodes = await view.nodes(edges.map((e) => e.referrer));
  const opened: Opened[] = [];
  for (const [i, edge] of edges.entries()) {
    const manifest = manifestOf(nodes[i]);
    if (manifest === undefined) continue;
    opened.push({
      subject: edge.subject,
      classifications: classifyManifest(manifest),
      statements: await openStatements(manifest, peekInto(layout.blobs), { subject: edge.subject, ...options }),
    });
  }
  return opened;
}

/** The text of the document of a statement, and its name. */
export async function textOf(statement: Statement, layout: Layout, raw = false): Promise<{ name: string; text: string }> {
  const { name, content } = await extractDocument(statement, layout.blobs, { raw });
  const parts: Uint8Array[] = content instanceof Uint8Array ? [content] : [];
  if (!(content instanceof Uint8Array)) for await (const part of content) parts.push(part);
  return { name, text: Buffer.concat(parts).toString() };
}

/** Blobs by digest, of which it counts what was read. */
export class CountingBlobs implements BlobPeek {
  readonly #blobs: ReadonlyMap<string, Uint8Array>;
  read = 0;

  constructor(blobs: ReadonlyMap<string, Uint8Array>) {
    this.#blobs = blobs;
  }

  async bytes(d: Descriptor, maxBytes: number): Promise<Uint8Array | OcilotError> {
    const bytes = this.#blobs.get(d.digest);
    if (bytes === undefined) return new OcilotError("BLOB_NOT_FOUND", `${d.digest} is not there`, { digest: d.digest });
    if (bytes.length > maxBytes)
      return new OcilotError("LIMIT_EXCEEDED", "too large", { what: "blob", limit: maxBytes, found: bytes.length });
    this.read += bytes.length;
    return bytes;
  }

  async head(d: Descriptor, maxBytes: number): Promise<Uint8Array | OcilotError> {
    const bytes = await this.bytes(d, Number.MAX_SAFE_INTEGER);
    if (bytes instanceof OcilotError) return bytes;
    this.read -= Math.max(0, bytes.length - maxBytes);
    return bytes.subarray(0, maxBytes);
  }
}
