import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Descriptor, Layout, blobPath } from "../src/index.js";
import { collect, descriptorOf, dirWith, errorOf, layoutWith, namesIn, tempDir, text, treeOf } from "./helpers.js";

const HELLO = text("hello");
const D = descriptorOf(HELLO);
const open = async (dir: string): Promise<Layout["blobs"]> => (await Layout.open(dir, { sync: false })).blobs;
const pathOf = (dir: string, d: Pick<Descriptor, "digest">): string => join(dir, blobPath(d.digest));

describe("links and other files in place of a blob", () => {
  test("a link inside the layout is followed", async () => {
    const dir = layoutWith();
    mkdirSync(join(dir, "store"));
    writeFileSync(join(dir, "store", "x"), HELLO);
    symlinkSync("../../store/x", pathOf(dir, D));
    expect(await (await open(dir)).bytes(D)).toHaveLength(5);
  });

  test("blobs/ or an algorithm's directory may be a link inside the layout", async () => {
    const dir = layoutWith(undefined, [HELLO]);
    renameSync(join(dir, "blobs"), join(dir, "store"));
    symlinkSync("store", join(dir, "blobs"));
    expect(await (await open(dir)).bytes(D)).toHaveLength(5);
  });

  test("the layout itself may be reached through a link", async () => {
    const link = join(tempDir(), "link");
    symlinkSync(layoutWith(undefined, [HELLO]), link);
    const blobs = await open(link);
    expect(await blobs.bytes(D)).toHaveLength(5);
    await blobs.put(text("b"));
  });

  test("a link out of the layout is refused, also to a place that only begins like it", async () => {
    const dir = layoutWith();
    const beside = `${dir}-beside`;
    writeFileSync(beside, HELLO);
    symlinkSync(beside, pathOf(dir, D));
    const blobs = await open(dir);
    try {
      for (const read of [blobs.bytes(D), blobs.open(D), blobs.has(D.digest)]) {
        const error = await errorOf(read);
        expect(error.code).toBe("LINK_OUTSIDE");
        expect(error.hint).toBeDefined();
      }
    } finally {
      rmSync(beside);
    }
  });

  test.each(["blobs", "blobs/sha256"])("%s as a link out of the layout: nothing is read, written, made or removed there", async (name) => {
    const outside = dirWith({ [`sha256/${D.digest.slice(7)}`]: HELLO, [D.digest.slice(7)]: HELLO });
    const dir = layoutWith();
    rmSync(join(dir, name), { recursive: true });
    symlinkSync(outside, join(dir, name));
    const blobs = await open(dir);
    const before = treeOf(outside);
    expect((await errorOf(blobs.bytes(D))).code).toBe("LINK_OUTSIDE");
    expect((await errorOf(blobs.put(text("new")))).code).toBe("LINK_OUTSIDE");
    expect((await errorOf(blobs.put(text("new"), { algorithm: name === "blobs" ? "sha512" : "sha256" }))).code).toBe("LINK_OUTSIDE");
    expect((await errorOf(blobs.delete(D.digest))).code).toBe("LINK_OUTSIDE");
    expect(await collect(blobs.list())).toEqual([]);
    expect(treeOf(outside)).toEqual(before);
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test.skipIf(process.platform === "win32")("a pipe is refused and not waited for", async () => {
    const dir = layoutWith();
    execFileSync("mkfifo", [pathOf(dir, D)]);
    const blobs = await open(dir);
    for (const read of [blobs.bytes(D), blobs.open(D), blobs.size(D.digest)]) expect((await errorOf(read)).code).toBe("LINK_OUTSIDE");
  });

  test("a directory is refused", async () => {
    const dir = layoutWith();
    mkdirSync(pathOf(dir, D));
    const blobs = await open(dir);
    expect((await errorOf(blobs.bytes(D))).message).toContain("not a regular file");
    expect((await errorOf(blobs.put(HELLO))).code).toBe("IO_ERROR");
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });
});
