import type { Descriptor, Digest, Manifest, OcilotError } from "@ocilot/layout/spec";
import type { Classification, Statement, StatementKind, WrappingId } from "./statement.js";

/** What is needed of the blobs of a layout: `Layout.blobs` is one. */
export interface BlobContents {
  /** The whole content, verified. */
  bytes(descriptor: Descriptor, options?: { maxBytes?: number }): Promise<Uint8Array>;
  /** A stream of the content, which fails at its end where the digest is not right. */
  open(descriptor: Descriptor): Promise<AsyncIterable<Uint8Array>>;
}

/** Reads blobs while statements are opened, never more bytes than requested. */
export interface BlobPeek {
  /** The whole content, verified, or why it cannot be had; over `maxBytes` it is `LIMIT_EXCEEDED`. */
  bytes(descriptor: Descriptor, maxBytes: number): Promise<Uint8Array | OcilotError>;
  /** The first bytes, at most `maxBytes`, not verified; or why they cannot be had. */
  head(descriptor: Descriptor, maxBytes: number): Promise<Uint8Array | OcilotError>;
}

/** Limits for opening statements, and what they are attached to. */
export interface OpenStatementsOptions {
  /** What the referrer is attached to: a statement that names other digests only gets a note. */
  readonly subject?: Digest;
  /** Envelopes above this size in bytes are not opened; 32 MiB unless given. */
  readonly maxBytes?: number;
}

/** One way of putting statements into a manifest. It reads; it never verifies a signature. */
export interface Wrapping {
  readonly id: WrappingId;
  /** In a table: what it looks like. */
  readonly title: string;
  /** The kinds that real tools put into it, and which tools. */
  readonly made: readonly { readonly kind: StatementKind; readonly by: string }[];
  /**
   * Tells whether a manifest has this form, by its kind, its artifact type and the media types of config and layers; the first of the
   * registry that does is taken.
   */
  matches(manifest: Manifest): boolean;
  /** What the manifest alone tells; at least one. */
  classify(manifest: Manifest): readonly Classification[];
  /** What the content tells, one for each classification. */
  open(manifest: Manifest, blobs: BlobPeek, options: OpenStatementsOptions): Promise<readonly Statement[]>;
}
