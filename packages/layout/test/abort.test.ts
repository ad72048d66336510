import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Layout, type LayoutBackend, memoryBackend, openArchive, openWebArchive, writeArchive } from "../src/index.js";
import { openDirectory } from "../src/directory/directory-backend.js";
import { descriptorOf, errorOf } from "./helpers.js";

/** Larger than what a file or a stream hands over at once. */
const LARGE = new Uint8Array(8 << 20).fill(7);
const aborted = AbortSignal.abort();
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ocilot-abort-"));
  const layout = await Layout.create(join(directory, "layout"), { sync: false });
  const blob = await layout.blobs.put(LARGE, { mediaType: "text/plain" });
  await layout.index.update(() => [{ op: "insert", before: 0, descriptor: blob }]);
  execFileSync("tar", ["-cf", join(directory, "layout.tar"), "-C", join(directory, "layout"), "."]);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const d = descriptorOf(LARGE);
const BACKENDS: Record<string, () => Promise<Layout>> = {
  directory: async () => await Layout.open(join(directory, "layout")),
  archive: async () => await openArchive(join(directory, "layout.tar")),
  memory: async () => new Layout(memoryBackend(undefined, [[d.digest, LARGE]])),
  "tar in a Blob": async () => {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const { Writable } = await import("node:stream");
    const sink = new Writable({
      write(chunk: Uint8Array<ArrayBuffer>, _encoding, done) {
        parts.push(new Uint8Array(chunk));
        done();
      },
    });
    const marker = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');
    const index = new TextEncoder().encode('{"schemaVersion":2,"manifests":[]}');
    await writeArchive(sink, [
      { name: "oci-layout", size: marker.length, open: () => [marker] },
      { name: "index.json", size: index.length, open: () => [index] },
      { name: `blobs/sha256/${d.digest.slice(7)}`, size: LARGE.length, open: () => [LARGE] },
    ]);
    return await openWebArchive(new Blob(parts));
  },
};

describe.each(Object.entries(BACKENDS))("a signal that has fired, on a layout in: %s", (_, make) => {
  test("no blob is opened or read", async () => {
    const { blobs } = await make();
    expect((await errorOf(blobs.open(d, { signal: aborted }))).code).toBe("ABORTED");
    expect((await errorOf(blobs.bytes(d, { signal: aborted }))).code).toBe("ABORTED");
    expect((await blobs.bytes(d)).length).toBe(LARGE.length);
  });

  test("a reference is not resolved", async () => {
    const layout = await make();
    for (const ref of ["@aaaaaa", `@${d.digest}`, "v1"])
      expect((await errorOf(layout.resolve(ref, { signal: aborted }))).code).toBe("ABORTED");
  });
});

test.each(["directory", "archive", "tar in a Blob"])("an abort in the middle ends reading a blob in: %s", async (name) => {
  const controller = new AbortController();
  const { blobs } = await BACKENDS[name]!();
  const read = async (): Promise<number> => {
    let seen = 0;
    for await (const piece of await blobs.open(d, { signal: controller.signal })) {
      seen += piece.length;
      controller.abort();
    }
    return seen;
  };
  expect((await errorOf(read())).code).toBe("ABORTED");
});

test("a directory is neither opened nor made", async () => {
  expect((await errorOf(Layout.open(join(directory, "layout"), { signal: aborted }))).code).toBe("ABORTED");
  expect((await errorOf(Layout.create(join(directory, "new"), { signal: aborted }))).code).toBe("ABORTED");
  expect((await errorOf(async () => openDirectory(join(directory, "new"), { sync: false }) satisfies LayoutBackend)).code).toBe(
    "PATH_NOT_FOUND",
  );
});
