import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, readdirSync, readlinkSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Descriptor, Layout, blobPath } from "../src/index.js";
import { ReadMemory, holdsBytes, linkTarget, openInside, readExactly, readInside } from "../src/filesystem/safe-open.js";
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

describe("readInside", () => {
  test("reads a file up to the limit, and refuses a larger one before it is read", async () => {
    const root = dirWith({ five: "hello" });
    const rule = { root, followLinks: false };
    expect(readInside(rule, join(root, "five"), 5)).toMatchObject({ bytes: Buffer.from("hello") });
    const error = await errorOf(() => readInside(rule, join(root, "five"), 4));
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 4, found: 5 } });
  });

  test.runIf(process.platform === "linux")("leaves no file open, whatever comes of it", async () => {
    const root = dirWith({ five: "hello", "dir/": "" });
    const rule = { root, followLinks: false };
    const count = (): number =>
      readdirSync("/proc/self/fd")
        .map((fd) => linkOf(fd))
        .filter((path) => path.startsWith(root)).length;
    readInside(rule, join(root, "five"), 5);
    await errorOf(() => readInside(rule, join(root, "five"), 4));
    await errorOf(() => openInside(rule, join(root, "dir")));
    for (const size of [4, 5, 6]) readExactly(join(root, "five"), size);
    for (const bytes of ["hello", "Hello", "hell"]) holdsBytes(rule, join(root, "five"), text(bytes));
    expect(count()).toBe(0);
    const { fd, size } = openInside(rule, join(root, "five"));
    expect([count(), size]).toEqual([1, 5]);
    closeSync(fd);
  });

  test("a circle of links is refused as that; a missing file is a file-system error as it is", async () => {
    const root = realpathSync(tempDir());
    symlinkSync("b", join(root, "a"));
    symlinkSync("a", join(root, "b"));
    const error = await errorOf(() => readInside({ root, followLinks: false }, join(root, "a"), 5));
    expect(error.code).toBe("LINK_OUTSIDE");
    expect(error.message).toContain("in a circle");
    expect(error.hint).toBeDefined();
    symlinkSync("gone", join(root, "c"));
    for (const name of ["c", "none"])
      expect(() => readInside({ root, followLinks: true }, join(root, name), 5)).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });
});

describe("readExactly", () => {
  test("gives the bytes of a file of that size only, up to 64 KiB, and the caller may keep them", () => {
    const most = "m".repeat(64 * 1024);
    const dir = dirWith({ five: "hello", most, more: `${most}m`, none: "" });
    const bytes = readExactly(join(dir, "five"), 5)!;
    expect(readExactly(join(dir, "most"), most.length)).toEqual(Buffer.from(most));
    expect(Buffer.from(bytes).toString()).toBe("hello");
    expect(readExactly(join(dir, "more"), most.length + 1)).toBeUndefined();
    expect(readExactly(join(dir, "none"), 0)).toHaveLength(0);
    for (const size of [0, 4, 6]) expect(readExactly(join(dir, "five"), size)).toBeUndefined();
    expect(readExactly(join(dir, "absent"), 5)).toBeUndefined();
  });

  test("reads into the same memory again and again, and new memory only where none is given", () => {
    const most = "m".repeat(64 * 1024);
    const dir = dirWith({ five: "hello", other: "world", most, none: "" });
    const memory = new ReadMemory();
    const first = readExactly(join(dir, "five"), 5, memory)!;
    expect(Buffer.from(first).toString()).toBe("hello");
    const second = readExactly(join(dir, "other"), 5, memory)!;
    expect(second).toBe(first);
    expect(Buffer.from(first).toString()).toBe("world");
    expect(readExactly(join(dir, "most"), most.length, memory)).toEqual(Buffer.from(most));
    expect(readExactly(join(dir, "none"), 0, memory)).toHaveLength(0);
    expect(readExactly(join(dir, "five"), 4, memory)).toBeUndefined();
    expect(readExactly(join(dir, "five"), 5)!.buffer).not.toBe(first.buffer);
  });

  test("never a link, a pipe or a directory", () => {
    const dir = dirWith({ five: "hello", "sub/": "" });
    symlinkSync("five", join(dir, "link"));
    expect(readExactly(join(dir, "link"), 5)).toBeUndefined();
    expect(readExactly(join(dir, "sub"), 5)).toBeUndefined();
    if (process.platform === "win32") return;
    execFileSync("mkfifo", [join(dir, "pipe")]);
    expect(readExactly(join(dir, "pipe"), 0)).toBeUndefined();
  });
});

describe("linkTarget", () => {
  test("is a real path inside the root, the root itself included, or anywhere with followLinks", async () => {
    const root = realpathSync(dirWith({ "in/file": "x" }));
    const beside = `${root}-beside`;
    writeFileSync(beside, "x");
    try {
      symlinkSync("in/file", join(root, "inside"));
      symlinkSync(".", join(root, "self"));
      symlinkSync(beside, join(root, "outside"));
      const rule = { root, followLinks: false };
      expect(linkTarget(rule, join(root, "inside"))).toBe(join(root, "in/file"));
      expect(linkTarget(rule, join(root, "self"))).toBe(root);
      expect((await errorOf(() => linkTarget(rule, join(root, "outside")))).code).toBe("LINK_OUTSIDE");
      expect(linkTarget({ root, followLinks: true }, join(root, "outside"))).toBe(beside);
      expect(linkTarget({ root: "/", followLinks: false }, join(root, "outside"))).toBe(beside);
    } finally {
      rmSync(beside);
    }
  });
});

/** Where an open file leads; empty for one that was closed meanwhile. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

describe("holdsBytes", () => {
  const PIECE = 128 * 1024;
  const holds = (bytes: Buffer, wanted: Buffer): boolean => {
    const root = realpathSync(dirWith({ file: bytes }));
    return holdsBytes({ root, followLinks: false }, join(root, "file"), wanted);
  };
  const filled = (length: number): Buffer => Buffer.alloc(length, "abc");

  test.each([0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 5])(
    "%i bytes that are the same, and every way to differ",
    (length) => {
      const bytes = filled(length);
      expect(holds(bytes, filled(length))).toBe(true);
      expect(holds(bytes, filled(length + 1))).toBe(false);
      expect(holds(filled(length + 1), bytes)).toBe(false);
      for (const at of [0, length >> 1, PIECE - 1, PIECE, length - 1]) {
        if (at < 0 || at >= length) continue;
        const other = filled(length);
        other[at]! ^= 1;
        expect(holds(bytes, other), `byte ${at}`).toBe(false);
      }
    },
  );

  test("a link out of the layout is refused", () => {
    const root = realpathSync(dirWith({ inside: text("x") }));
    symlinkSync(realpathSync(dirWith({ file: text("x") })), join(root, "link"));
    expect(() => holdsBytes({ root, followLinks: false }, join(root, "link"), text("x"))).toThrow(/leads out of the layout/);
  });
});
