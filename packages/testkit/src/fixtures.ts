import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DOCKER_FILES, type Digest, type DockerFile, Layout, isDigest, memoryBackend } from "@ocilot/layout";
import { onTestFinished } from "vitest";

/** The folder `fixtures` of the repository. `src` and `dist` of the testkit are at the same depth. */
export const FIXTURES: string = fileURLToPath(new URL("../../../fixtures", import.meta.url));

/** The S-edges of a layout: subject → referrers. */
export type Truth = Readonly<Record<string, readonly Digest[]>>;

/** The names of the layouts in `fixtures/layouts`, `fixtures/edge` or `fixtures/cases`. */
export function fixtureNames(group: "layouts" | "edge" | "cases"): string[] {
  const root = join(FIXTURES, group);
  return readdirSync(root)
    .filter((name) => statSync(join(root, name)).isDirectory())
    .toSorted();
}

/** The expected S-edges of each layout in `fixtures/layouts`, from `edges.json`. */
export function fixtureTruths(): Readonly<Record<string, Truth>> {
  return JSON.parse(readFileSync(join(FIXTURES, "layouts", "edges.json"), "utf8")) as Record<string, Truth>;
}

/** The parts of a layout directory. */
export interface LayoutParts {
  readonly text: string;
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
  /** Docker's files beside `index.json`. */
  readonly documents: ReadonlyMap<DockerFile, Uint8Array>;
}

const parts = new Map<string, LayoutParts>();

/** The parts of a fixture; `name` is its path below `fixtures`. */
export function fixtureParts(name: string): LayoutParts {
  let known = parts.get(name);
  if (known === undefined) parts.set(name, (known = readParts(join(FIXTURES, name))));
  return known;
}

/** A fixture in memory; each call gives a new copy. */
export function fixtureLayout(name: string): Layout {
  const { text, blobs, documents } = fixtureParts(name);
  const layout = new Layout(memoryBackend(text, blobs));
  for (const [file, bytes] of documents) void layout.putDockerDocument(file, bytes);
  return layout;
}

/** Reads `index.json`, Docker's files and every blob of a layout directory. */
export function readParts(path: string): LayoutParts {
  const blobs = new Map<Digest, Uint8Array>();
  for (const algorithm of existsSync(join(path, "blobs")) ? readdirSync(join(path, "blobs")) : []) {
    for (const name of readdirSync(join(path, "blobs", algorithm))) {
      const digest = `${algorithm}:${name}`;
      if (isDigest(digest)) blobs.set(digest, new Uint8Array(readFileSync(join(path, "blobs", algorithm, name))));
    }
  }
  const documents = new Map<DockerFile, Uint8Array>();
  for (const file of DOCKER_FILES) {
    if (existsSync(join(path, file))) documents.set(file, new Uint8Array(readFileSync(join(path, file))));
  }
  return { text: readFileSync(join(path, "index.json"), "utf8"), blobs, documents };
}

/** A new directory that is removed when the test ends. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "ocilot-test-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The hash of every blob of a layout by its file name, computed without ocilot. */
export async function blobHashes(layout: Layout): Promise<Map<Digest, string>> {
  const hashes = new Map<Digest, string>();
  for await (const { digest, size } of layout.blobs.list()) {
    const stream = layout.location === "memory" ? undefined : readFileSync(join(layout.location, "blobs", ...digest.split(":")));
    const bytes = stream ?? (await anyBytes(layout, digest, size));
    hashes.set(digest, createHash("sha256").update(bytes).digest("hex"));
  }
  return hashes;
}

/** Blobs whose content does not match their name are compared by size alone: the store refuses to read them. */
async function anyBytes(layout: Layout, digest: Digest, size: number): Promise<Uint8Array> {
  const [bytes] = await layout.blobs.bytesMany([{ mediaType: "application/octet-stream", digest, size }]);
  return bytes instanceof Uint8Array ? bytes : new TextEncoder().encode(`unreadable, ${size} bytes`);
}
