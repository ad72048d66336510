import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { Layout, blobPath, cloneLayout } from "../../src/index.js";
import { collect, descriptorOf, errorOf, layoutWith, namesIn, tempDir, text } from "../helpers.js";

const HELLO = text("hello");
const D = descriptorOf(HELLO);

/** A layout as Bazel makes it: each blob is a relative link into another directory. */
function linked(content: string = "hello"): string {
  const dir = layoutWith(JSON.stringify({ manifests: [D] }), [HELLO]);
  const store = join(tempDir(), "store");
  mkdirSync(store);
  renameSync(join(dir, blobPath(D.digest)), join(store, "content"));
  writeFileSync(join(store, "content"), content);
  symlinkSync(join(store, "content"), join(dir, blobPath(D.digest)));
  return dir;
}

test("a blob that is a link out of the layout is refused: the message says link, the hint names the flag", async () => {
  const { blobs } = await Layout.open(linked());
  for (const error of [await errorOf(blobs.bytes(D)), await errorOf(blobs.open(D)), await errorOf(blobs.size(D.digest))]) {
    expect(error).toMatchObject({ code: "LINK_OUTSIDE", hint: expect.stringContaining("--follow-links") });
    expect(error.message).toContain(D.digest);
    expect(error.message).toContain("is a link that leads out of the layout");
    expect(`${error.message} ${error.hint}`).not.toMatch(/missing|corrupt|repair/);
  }
});

test("followLinks reads such content, checked as any other", async () => {
  const { blobs } = await Layout.open(linked(), { followLinks: true });
  expect(Buffer.from(await blobs.bytes(D))).toEqual(Buffer.from(HELLO));
  expect(await buffer(await blobs.open(D))).toEqual(Buffer.from(HELLO));
  expect(await blobs.size(D.digest)).toBe(5);
  expect((await collect(blobs.list())).map((b) => b.digest)).toEqual([D.digest]);
  const wrong = (await Layout.open(linked("jello"), { followLinks: true })).blobs;
  expect((await errorOf(wrong.bytes(D))).code).toBe("BLOB_CORRUPT");
});

test.skipIf(process.platform === "win32")("circles, pipes, directories and links to nowhere are refused all the same", async () => {
  const cases: readonly (readonly [string, (path: string) => void])[] = [
    ["LINK_OUTSIDE", (path) => symlinkSync("x", path.replace(/[^/]+$/, "x"))],
    ["LINK_OUTSIDE", (path) => execFileSync("mkfifo", [path.replace(/[^/]+$/, "x")])],
    ["LINK_OUTSIDE", (path) => mkdirSync(path.replace(/[^/]+$/, "x"))],
    ["BLOB_NOT_FOUND", () => undefined],
  ];
  for (const [code, make] of cases) {
    const dir = layoutWith(undefined, [HELLO]);
    const path = join(dir, blobPath(D.digest));
    rmSync(path);
    symlinkSync("x", path);
    make(path);
    expect((await errorOf((await Layout.open(dir, { followLinks: true })).blobs.bytes(D))).code).toBe(code);
  }
});

test("nothing is written or deleted behind a directory that leads out, whatever may be read there", async () => {
  const dir = layoutWith(undefined, [HELLO]);
  const store = join(tempDir(), "store");
  renameSync(join(dir, "blobs/sha256"), store);
  symlinkSync(store, join(dir, "blobs/sha256"));
  const { blobs } = await Layout.open(dir, { followLinks: true, sync: false });
  expect(Buffer.from(await blobs.bytes(D))).toEqual(Buffer.from(HELLO));
  expect((await errorOf(blobs.delete(D.digest))).code).toBe("LINK_OUTSIDE");
  expect((await errorOf(blobs.put(text("new")))).code).toBe("LINK_OUTSIDE");
  expect(namesIn(store)).toEqual([D.digest.slice(7)]);
});

test("behind a blobs directory that leads out, no directory is made", async () => {
  const dir = layoutWith();
  const store = tempDir();
  rmSync(join(dir, "blobs"), { recursive: true });
  symlinkSync(store, join(dir, "blobs"));
  const { blobs } = await Layout.open(dir, { sync: false });
  expect((await errorOf(blobs.put(text("new"), { algorithm: "sha512" }))).code).toBe("LINK_OUTSIDE");
  expect(namesIn(store)).toEqual([]);
});

test("a clone copies such content out only with followLinks, and directories behind links never", async () => {
  const dir = linked();
  const target = join(tempDir(), "t");
  expect(await errorOf(cloneLayout(dir, target))).toMatchObject({ code: "LINK_OUTSIDE", hint: expect.stringContaining("--follow-links") });
  await cloneLayout(dir, target, { followLinks: true, sync: false });
  expect(readFileSync(join(target, blobPath(D.digest)), "utf8")).toBe("hello");
  expect(Buffer.from(await (await Layout.open(target)).blobs.bytes(D))).toEqual(Buffer.from(HELLO));
  symlinkSync("/etc", join(dir, "etc"));
  expect((await errorOf(cloneLayout(dir, join(tempDir(), "u"), { followLinks: true }))).code).toBe("LINK_OUTSIDE");
});
