import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, lstatSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type Algorithm, type Descriptor, type Digest, OcilotError, blobPath, digestOf } from "../src/index.js";

export const MARKER = '{"imageLayoutVersion":"1.0.0"}';
export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
/** Larger than any pid the kernel gives out, so that no process has it. */
export const DEAD_PID = 2 ** 22 + 12_345;

/** A new directory that goes away with the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "ocilot-layout-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes files under a new directory; a key that ends in `/` is a directory. */
export function dirWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = tempDir();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(name.endsWith("/") ? join(dir, name) : dirname(join(dir, name)), { recursive: true });
    if (!name.endsWith("/")) writeFileSync(join(dir, name), content);
  }
  return dir;
}

/** A layout with the given text of `index.json`, and blobs under their right names. */
export function layoutWith(index = '{"schemaVersion":2,"manifests":[]}', blobs: readonly Uint8Array[] = []): string {
  const named = blobs.map((bytes) => [blobPath(digestOf(bytes)), bytes] as const);
  return dirWith({ "oci-layout": MARKER, "index.json": index, "blobs/sha256/": "", ...Object.fromEntries(named) });
}

export function descriptorOf(bytes: Uint8Array, more: Partial<Descriptor> & { algorithm?: Algorithm } = {}): Descriptor {
  const { algorithm = "sha256", ...rest } = more;
  return { mediaType: MANIFEST_TYPE, digest: digestOf(bytes, algorithm), size: bytes.length, ...rest };
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** A digest that is told apart by its number. */
export function digestNo(n: number): Digest {
  return `sha256:${n.toString(16).padStart(64, "0")}` as Digest;
}

/** What a call throws or a promise rejects with; fails if neither happens. */
export async function errorOf(action: Promise<unknown> | (() => unknown)): Promise<OcilotError> {
  try {
    await (typeof action === "function" ? action() : action);
  } catch (error) {
    if (error instanceof OcilotError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Every name below a directory with its kind, mode, time and content, to tell whether anything was touched. */
export function treeOf(dir: string): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of ["", ...(readdirSync(dir, { recursive: true }) as string[]).toSorted()]) {
    const path = join(dir, name);
    const s = lstatSync(path);
    const content = s.isFile() ? readFileSync(path).toString("base64") : s.isSymbolicLink() ? readlinkSync(path) : "";
    tree[name] = [s.mode, s.ino, s.mtimeMs, s.ctimeMs, content].join(" ");
  }
  return tree;
}

/** The names in a layout's root. */
export function namesIn(dir: string): string[] {
  return readdirSync(dir).toSorted();
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A source that gives these chunks, or fails where one is an error. */
export async function* chunks(...parts: (Uint8Array | Error)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield part;
  }
}
