import { cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { type Descriptor, IMAGE_INDEX, IMAGE_MANIFEST, blobPath, digestOf } from "@ocilot/layout";
import { runCli } from "../src/cli.js";
import { SCHEMAS, schemaErrors } from "./json-schemas.js";

export const FIXTURES = fileURLToPath(new URL("../../../fixtures/", import.meta.url));
export const EMPTY_CONFIG = { mediaType: "application/vnd.oci.empty.v1+json", content: "{}" };

/** What a command line did. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  bytes: Buffer;
}

/** Runs a command line in this process. */
export async function run(...argv: string[]): Promise<Outcome> {
  return await runWith(new AbortController().signal, ...argv);
}

export async function runWith(signal: AbortSignal, ...argv: string[]): Promise<Outcome> {
  return await runIn({ signal }, ...argv);
}

/** The world that a command line runs in. */
export interface World {
  env?: Record<string, string>;
  stdin?: string;
  isTTY?: boolean;
  isStderrTTY?: boolean;
  signal?: AbortSignal;
}

export async function runIn({ env = {}, stdin, isTTY = false, isStderrTTY = false, signal }: World, ...argv: string[]): Promise<Outcome> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const input = Readable.from(stdin === undefined ? [] : [Buffer.from(stdin)]);
  const io = { stdin: input, stdout: sinkOf(out), stderr: Object.assign(sinkOf(err), { isTTY: isStderrTTY }), isTTY, env };
  const code = await runCli(argv, { io, signal: signal ?? new AbortController().signal });
  const bytes = Buffer.concat(out);
  const outcome = { code, stdout: bytes.toString("utf8"), stderr: Buffer.concat(err).toString("utf8"), bytes };
  if (argv.some((arg) => arg === "--json" || arg === "-j")) expectPublished(argv, outcome);
  return outcome;
}

/** Every JSON document that any test gets is of the schema that is published for it. */
function expectPublished(argv: readonly string[], { stdout, stderr }: Outcome): void {
  const command = argv.find((arg) => SCHEMAS.has(arg));
  if (command !== undefined && stdout.startsWith("{")) expect(schemaErrors(command, stdout), argv.join(" ")).toBeUndefined();
  for (const line of stderr.split("\n"))
    if (line.startsWith('{"')) expect(schemaErrors("error", line), `${argv.join(" ")}: ${line}`).toBeUndefined();
}

/** A stream that keeps what it is given. */
export function sinkOf(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done): void {
      chunks.push(chunk);
      done();
    },
  });
}

/** A new directory that goes away with the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "ocilot-cli-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A copy of `fixtures/<name>` that a test may write to. */
export function copyOf(name: string): string {
  const dir = join(tempDir(), "layout");
  cpSync(join(FIXTURES, name), dir, { recursive: true });
  return dir;
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

/** Builds a layout by hand, as hostile as a test wants it. */
export class LayoutBuilder {
  readonly dir: string = join(tempDir(), "layout");
  readonly entries: object[] = [];

  constructor() {
    mkdirSync(join(this.dir, "blobs/sha256"), { recursive: true });
    writeFileSync(join(this.dir, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  }

  blob(content: string | Buffer, mediaType = "application/octet-stream"): Descriptor {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes);
    const path = join(this.dir, blobPath(digest));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  manifest(fields: object, entry: object | undefined = {}): Descriptor {
    const config = this.blob(EMPTY_CONFIG.content, EMPTY_CONFIG.mediaType);
    const d = this.blob(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [], ...fields }), IMAGE_MANIFEST);
    if (entry !== undefined) this.entries.push({ ...d, ...entry });
    return d;
  }

  index(manifests: readonly object[], entry: object | undefined = {}, fields: object = {}): Descriptor {
    const d = this.blob(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests, ...fields }), IMAGE_INDEX);
    if (entry !== undefined) this.entries.push({ ...d, ...entry });
    return d;
  }

  tagged(name: string): object {
    return { annotations: { "org.opencontainers.image.ref.name": name } };
  }

  /** Writes `index.json` and returns the directory. */
  write(index: string = JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: this.entries })): string {
    writeFileSync(join(this.dir, "index.json"), index);
    return this.dir;
  }

  /** A referrer with one file for each title. */
  artifact(subject: Descriptor, type: string, titles: readonly (string | undefined)[]): Descriptor {
    const layers = titles.map((title, i) => ({
      ...this.blob(`content ${i}`, "text/plain"),
      ...(title !== undefined && { annotations: { "org.opencontainers.image.title": title } }),
    }));
    return this.manifest({ artifactType: type, layers, subject });
  }
}

/** A layout of one tagged image with one referrer of type `test/files` that has these files. */
export function layoutWithFiles(...titles: (string | undefined)[]): { dir: string; image: Descriptor; referrer: Descriptor } {
  const builder = new LayoutBuilder();
  const image = builder.manifest({ artifactType: "test/app" }, builder.tagged("v1"));
  const referrer = builder.artifact(image, "test/files", titles);
  return { dir: builder.write(), image, referrer };
}
