import { createHash, randomBytes } from "node:crypto";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type Descriptor, IMAGE_MANIFEST, EMPTY_JSON } from "@ocilot/layout/spec";
import { RegistrySession, type RegistrySessionOptions, type RepositoryClient, anonymous } from "@ocilot/registry";
import { closeServer, listen } from "@ocilot/testkit";
import { onTestFinished } from "vitest";

/** A request as `onRequest` tells of it. */
export interface Seen {
  readonly method: string;
  readonly address: string;
  readonly status: number;
}

/** A client that retries without waiting long, and what it sent. */
export function clientOf(
  where: string,
  options: RegistrySessionOptions = {},
): { client: RepositoryClient; session: RegistrySession; seen: Seen[] } {
  const seen: Seen[] = [];
  const session = new RegistrySession({
    credentials: anonymous,
    env: {},
    retryDelay: 2,
    onRequest: (request) => seen.push(request),
    ...options,
  });
  onTestFinished(() => session.close());
  return { client: session.repository(where), session, seen };
}

/** Whatever is given, closed when the test is over. */
export async function open<Resource extends { close(): Promise<void> }>(resource: Promise<Resource> | Resource): Promise<Resource> {
  const opened = await resource;
  onTestFinished(() => opened.close());
  return opened;
}

/** A server of a few lines; returns `host:port`. */
export async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  const host = await listen(server);
  onTestFinished(() => closeServer(server));
  return host;
}

/** The descriptor of bytes. */
export function describeBytes(bytes: Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): Descriptor {
  const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Descriptor["digest"];
  return { mediaType: "application/octet-stream", digest, size: bytes.length };
}

/** So many bytes that no two tests share. */
export function content(size: number): { bytes: Buffer; d: Descriptor } {
  const bytes = randomBytes(size);
  return { bytes, d: describeBytes(bytes) };
}

export const EMPTY: Buffer = Buffer.from("{}");

/** An image manifest over the empty blob, with more members. */
export function manifest(more: object = {}): Buffer {
  const config = { ...describeBytes(EMPTY), mediaType: EMPTY_JSON };
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [], ...more }));
}

/** All of a stream. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
