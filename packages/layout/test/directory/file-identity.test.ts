import { existsSync, linkSync, lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type BlobStore, type Digest, Layout, blobPath } from "../../src/index.js";
import { collect, descriptorOf, layoutWith, text } from "../helpers.js";

const HELLO = text("hello");
const WORLD = text("world");
const hello = descriptorOf(HELLO).digest;
const world = descriptorOf(WORLD).digest;
const hello512 = descriptorOf(HELLO, { algorithm: "sha512" }).digest;
/** The name that `hello` gets where the directories of sha256 and blake3 are one. */
const alias = hello.replace("sha256", "blake3") as Digest;

const open = async (dir: string): Promise<BlobStore> => (await Layout.open(dir, { sync: false })).blobs;
const filesOf = async (blobs: BlobStore): Promise<Map<Digest, string | undefined>> =>
  new Map((await collect(blobs.list())).map((b) => [b.digest, b.file]));

/** Ways in which one file gets the names of two digests. */
const ALIASES: readonly (readonly [name: string, other: Digest, make: (dir: string) => void])[] = [
  ["an algorithm directory that is a link", alias, (dir) => symlinkSync("sha256", join(dir, "blobs/blake3"))],
  [
    "a blob that is a link to another blob",
    hello512,
    (dir) => (mkdirSync(join(dir, "blobs/sha512")), symlinkSync(join("..", hello.replace(":", "/")), join(dir, blobPath(hello512)))),
  ],
  [
    "a blob that is a hard link to another blob",
    hello512,
    (dir) => (mkdirSync(join(dir, "blobs/sha512")), linkSync(join(dir, blobPath(hello)), join(dir, blobPath(hello512)))),
  ],
  [
    "a blobs directory that is a link, with a linked algorithm directory behind it",
    alias,
    (dir) => {
      renameSync(join(dir, "blobs"), join(dir, "store"));
      symlinkSync("store", join(dir, "blobs"));
      symlinkSync("sha256", join(dir, "store/blake3"));
    },
  ],
];

test.each(ALIASES)("%s has the identity of the file that it leads to", async (_name, other, make) => {
  const dir = layoutWith(undefined, [HELLO, WORLD]);
  make(dir);
  const blobs = await open(dir);
  const files = await filesOf(blobs);
  expect(files.get(other)).toBe(files.get(hello));
  expect(files.get(world)).not.toBe(files.get(hello));
  expect(await blobs.fileIdentity!(other)).toBe(files.get(hello));
});

test.each(ALIASES)("%s: what is to be kept is not deleted under another name", async (_name, other, make) => {
  for (const [kept, deleted] of [[hello, other] as const, [other, hello] as const]) {
    const dir = layoutWith(undefined, [HELLO, WORLD]);
    make(dir);
    const blobs = await open(dir);
    const keep = new Set([(await filesOf(blobs)).get(kept)!]);
    expect(await blobs.delete(deleted, { keep })).toBe(false);
    expect(await blobs.delete(world, { keep })).toBe(true);
    for (const digest of [kept, deleted]) expect(readFileSync(join(dir, blobPath(digest)), "utf8")).toBe("hello");
  }
});

test("without a list of what stays, a name in a linked algorithm directory is not deleted", async () => {
  const dir = layoutWith(undefined, [HELLO]);
  symlinkSync("sha256", join(dir, "blobs/blake3"));
  const blobs = await open(dir);
  expect(await blobs.delete(alias)).toBe(false);
  expect(await blobs.delete(hello)).toBe(false);
  expect(existsSync(join(dir, blobPath(hello)))).toBe(true);
});

test("a linked directory whose names are no digests of its algorithm is no alias", async () => {
  const dir = layoutWith(undefined, [HELLO]);
  symlinkSync("sha256", join(dir, "blobs/sha512"));
  const blobs = await open(dir);
  expect([...(await filesOf(blobs)).keys()]).toEqual([hello]);
  expect(await blobs.delete(hello)).toBe(true);
});

test("a blob that is a link is deleted as a link: the other name keeps its content", async () => {
  const dir = layoutWith(undefined, [HELLO]);
  mkdirSync(join(dir, "blobs/sha512"));
  symlinkSync(join("..", hello.replace(":", "/")), join(dir, blobPath(hello512)));
  const blobs = await open(dir);
  expect(await blobs.delete(hello512)).toBe(true);
  expect(await blobs.has(hello)).toBe(true);
});

test("delete tells whether a file is gone", async () => {
  const dir = layoutWith(undefined, [HELLO]);
  const blobs = await open(dir);
  expect(await blobs.fileIdentity!(world)).toBeUndefined();
  expect(await blobs.delete(world)).toBe(false);
  const { mtimeMs } = lstatSync(join(dir, blobPath(hello)));
  expect(await blobs.delete(hello, { before: mtimeMs })).toBe(false);
  expect(await blobs.delete(hello, { before: mtimeMs + 1 })).toBe(true);
  expect(await blobs.has(hello)).toBe(false);
  const memory = Layout.inMemory().blobs;
  const { digest } = await memory.put(HELLO);
  expect([await memory.delete(digest), await memory.delete(digest)]).toEqual([true, false]);
});

test("the time of a stored blob and now() come from one clock, and a blob stored again is young by it", async () => {
  const dir = layoutWith(undefined, [HELLO]);
  utimesSync(join(dir, blobPath(hello)), 1000, 1000);
  const blobs = await open(dir);
  const before = await blobs.now!();
  await blobs.put(HELLO);
  const [listed] = await collect(blobs.list());
  const after = await blobs.now!();
  expect(listed!.modified).toBeGreaterThanOrEqual(before - 20);
  expect(listed!.modified).toBeLessThanOrEqual(after + 20);
});
