import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  type ArchiveMember,
  type Descriptor,
  Layout,
  type MemberProgress,
  blobPath,
  compressionOf,
  digestOf,
  hasZstd,
  layoutMembers,
  writeArchive,
  openArchive,
} from "../src/index.js";
import { D, HELLO, INDEX } from "./archives/tar-maker.js";
import { chunks, collect, errorOf, layoutWith, tempDir } from "./helpers.js";

const members = async (): Promise<ArchiveMember[]> => await layoutMembers(await Layout.open(layoutWith(INDEX, [HELLO])));
const member = (name: string, body: string | Uint8Array): ArchiveMember => ({
  name,
  size: body.length,
  open: () => [Buffer.from(body as string)],
});
const fast = { sync: false };

describe("what is written", () => {
  test("oci-layout and index.json first, then the rest by name; no owner, time or mode of this machine", async () => {
    const path = join(tempDir(), "x.tar");
    await writeArchive(path, await members());
    const listing = execFileSync("tar", ["--numeric-owner", "-tvf", path], { env: { ...process.env, TZ: "UTC" }, encoding: "utf8" });
    expect(
      listing
        .trim()
        .split("\n")
        .map((line) => line.replace(/ +/g, " ")),
    ).toEqual([
      "-rw-r--r-- 0/0 30 1970-01-01 00:00 oci-layout",
      `-rw-r--r-- 0/0 ${INDEX.length} 1970-01-01 00:00 index.json`,
      "drwxr-xr-x 0/0 0 1970-01-01 00:00 blobs/",
      "drwxr-xr-x 0/0 0 1970-01-01 00:00 blobs/sha256/",
      `-rw-r--r-- 0/0 5 1970-01-01 00:00 blobs/sha256/${D.digest.slice(7)}`,
    ]);
    await using layout = await openArchive(path);
    expect(layout.warnings).toEqual([]);
    expect((await layout.index.read()).text).toBe(INDEX);
  });

  test("a name that fits into no header is kept, by us and by tar", async () => {
    const path = join(tempDir(), "x.tar");
    const d = { ...D, digest: digestOf(HELLO, "sha512") };
    const name = `blobs/sha512/${d.digest.slice(7)}`;
    await writeArchive(path, [...(await members()), member(name, "hello"), member("über/straße", "x")], fast);
    await using layout = await openArchive(path);
    expect(Buffer.from(await layout.blobs.bytes(d))).toEqual(Buffer.from(HELLO));
    expect(execFileSync("tar", ["-tf", path, "--quoting-style=literal"], { encoding: "utf8" }).split("\n")).toContain(name);
    expect(layout.warnings.map((w) => w.message).join()).toContain("über/straße");
  });

  test("members of every length around a block, and many of them", async () => {
    const path = join(tempDir(), "x.tar");
    const lengths = [0, 1, 511, 512, 513, 1023, 1024, 1 << 20, (1 << 20) + 1, ...Array.from({ length: 2000 }, (_, i) => i % 700)];
    await writeArchive(
      path,
      lengths.map((length, i) => member(`f${i}`, Buffer.alloc(length, "x"))),
      fast,
    );
    const dir = tempDir();
    execFileSync("tar", ["-xf", path, "-C", dir]);
    expect(lengths.map((_, i) => readFileSync(join(dir, `f${i}`)).length)).toEqual(lengths);
    expect(readFileSync(path).length % 512).toBe(0);
  });

  test("gzip says nothing of the machine, and both kinds unpack to the same", async () => {
    const dir = tempDir();
    for (const name of ["x.tar", "x.tar.gz", ...(hasZstd() ? ["x.tar.zst"] : [])])
      await writeArchive(join(dir, name), await members(), fast);
    const packed = readFileSync(join(dir, "x.tar.gz"));
    expect(packed.subarray(0, 10).toString("hex")).toBe("1f8b08000000000000ff");
    expect(gunzipSync(packed)).toEqual(readFileSync(join(dir, "x.tar")));
    if (hasZstd()) expect(execFileSync("zstd", ["-dc", join(dir, "x.tar.zst")])).toEqual(readFileSync(join(dir, "x.tar")));
  });

  test("the name tells the compression unless told otherwise", async () => {
    expect(["a.tar", "a.tar.gz", "a.TGZ", "a.tar.zst", "a.tzst", "gz"].map(compressionOf)).toEqual([
      "none",
      "gzip",
      "gzip",
      "zstd",
      "zstd",
      "none",
    ]);
    const path = join(tempDir(), "x.gz");
    await writeArchive(path, await members(), { compression: "none", ...fast });
    expect(readFileSync(path, "latin1")).toMatch(/^oci-layout/);
  });

  test.skipIf(hasZstd())("zstd without zstd in Node leaves no file", async () => {
    const dir = tempDir();
    expect(await errorOf(writeArchive(join(dir, "x.tar.zst"), await members()))).toMatchObject({ code: "UNSUPPORTED" });
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe("a file", () => {
  test("that is there is not touched, and a directory never replaced", async () => {
    const dir = tempDir();
    const path = join(dir, "x.tar");
    writeFileSync(path, "mine");
    const error = await errorOf(writeArchive(path, await members()));
    expect(error).toMatchObject({ code: "OUTPUT_EXISTS", details: { path } });
    expect(error.hint).toContain("--force");
    expect(readFileSync(path, "utf8")).toBe("mine");
    mkdirSync(join(dir, "d"));
    expect((await errorOf(writeArchive(join(dir, "d"), await members(), { force: true }))).code).toBe("OUTPUT_EXISTS");
    await writeArchive(path, await members(), { force: true });
    expect(readFileSync(path).length).toBeGreaterThan(1000);
    expect(readdirSync(dir)).toEqual(["d", "x.tar"]);
  });

  test("that comes there meanwhile is not replaced", async () => {
    const path = join(tempDir(), "x.tar");
    const late = { name: "z", size: 0, open: () => (writeFileSync(path, "mine"), []) };
    expect((await errorOf(writeArchive(path, [late]))).code).toBe("OUTPUT_EXISTS");
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  test.each(["x.tar", "x.tar.gz"])("%s bears its name only when it is whole; after a failure nothing is left", async (name) => {
    const dir = tempDir();
    const path = join(dir, name);
    const seen: string[][] = [];
    const broken = { name: "z", size: 9, open: async () => chunks(Buffer.alloc(4), new Error("torn")) };
    const watching = { name: "y", size: 0, open: () => (seen.push(readdirSync(dir)), []) };
    await expect(writeArchive(path, [watching, member("big", Buffer.alloc(3 << 20)), broken])).rejects.toThrow("torn");
    expect(seen).toHaveLength(1);
    expect(seen[0]!.every((n) => n.startsWith(".ocilot-"))).toBe(true);
    expect(readdirSync(dir)).toEqual([]);
  });

  test("a member that is not as long as it says leaves no file", async () => {
    const dir = tempDir();
    await expect(writeArchive(join(dir, "x"), [{ ...member("a", "xy"), size: 3 }])).rejects.toThrow("3 bytes were promised");
    expect(readdirSync(dir)).toEqual([]);
  });

  test("a stream that fails is an error, whenever it fails, and nothing that ends the process", async () => {
    for (const last of [1, 2]) {
      let writes = 0;
      const sink = new Writable({
        write: (_chunk, _encoding, done) =>
          void setImmediate(() =>
            done(++writes >= last ? Object.assign(new Error("full"), { code: "ENOSPC", errno: -28, syscall: "write" }) : null),
          ),
      });
      const error = await errorOf(writeArchive(sink, [member("big", Buffer.alloc(9 << 20)), member("more", Buffer.alloc(9 << 20))]));
      expect(error).toMatchObject({ code: "IO_ERROR" });
      // The event of the stream comes later than the error.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  test("an abort leaves none, and a directory that is not there is named", async () => {
    const dir = tempDir();
    const abort = new AbortController();
    const aborting = { name: "a", size: 4 << 20, open: () => (abort.abort(), [Buffer.alloc(4 << 20)]) };
    expect((await errorOf(writeArchive(join(dir, "x"), [aborting], { signal: abort.signal }))).code).toBe("ABORTED");
    expect(readdirSync(dir)).toEqual([]);
    expect(await errorOf(writeArchive(join(dir, "no", "x"), []))).toMatchObject({
      code: "PATH_NOT_FOUND",
      details: { path: join(dir, "no") },
    });
  });
});

describe("a file of large blobs", () => {
  /** Blobs of every length around a block and a piece, enough for threads to be started, and one with a name that fits into no header. */
  async function largeLayout(): Promise<{ layout: Layout; ds: Descriptor[] }> {
    const layout = await Layout.create(join(tempDir(), "large"), { sync: false });
    const ds: Descriptor[] = [];
    for (const size of [5, 1 << 20, (1 << 20) + 1, (9 << 20) + 511, 11 << 20, (12 << 20) + 513])
      ds.push(await layout.blobs.put(randomBytes(size)));
    ds.push(await layout.blobs.put(randomBytes(3 << 20), { algorithm: "sha512" }));
    return { layout, ds };
  }

  const streamed = async (layout: Layout): Promise<Buffer> => {
    const pass = new PassThrough();
    const [bytes] = await Promise.all([buffer(pass), writeArchive(pass, await layoutMembers(layout)).finally(() => pass.end())]);
    return bytes;
  };

  test("has the bytes of the stream, from a directory and from an archive, and tells of every byte", async () => {
    const { layout, ds } = await largeLayout();
    const expected = await streamed(layout);
    const [path, again] = [join(tempDir(), "x.tar"), join(tempDir(), "y.tar")];
    let bytes = 0;
    const whole: string[] = [];
    const onMember: MemberProgress = (event) => {
      bytes += event.bytes;
      if (event.isWhole) whole.push(event.member.name);
    };
    await writeArchive(path, await layoutMembers(layout), { onMember });
    expect(readFileSync(path).equals(expected)).toBe(true);
    const all = await layoutMembers(layout);
    expect(whole.toSorted()).toEqual(all.map((m) => m.name).toSorted());
    expect(bytes).toBe(all.reduce((sum, m) => sum + m.size, 0));
    await using archive = await openArchive(path);
    for (const d of ds) expect((await archive.blobs.bytes(d)).length).toBe(d.size);
    await writeArchive(again, await layoutMembers(archive), fast);
    expect(readFileSync(again).equals(expected)).toBe(true);
  });

  test("that lie in no file of their own has the same bytes too", async () => {
    const { layout } = await largeLayout();
    const path = join(tempDir(), "x.tar");
    const unplaced = (await layoutMembers(layout)).map((m) => (m.blob ? { ...m, blob: { ...m.blob, extent: async () => undefined } } : m));
    await writeArchive(path, unplaced, fast);
    expect(readFileSync(path).equals(await streamed(layout))).toBe(true);
  });

  test.each([0, 3, 5, 6])("is not made when the blob at %i is damaged", async (i) => {
    const { layout, ds } = await largeLayout();
    const dir = tempDir();
    const bytes = Buffer.from(await layout.blobs.bytes(ds[i]!));
    bytes[0]! ^= 1;
    const made = await layoutMembers(layout);
    writeFileSync(join(layout.location, blobPath(ds[i]!.digest)), bytes);
    expect(await errorOf(writeArchive(join(dir, "x.tar"), made))).toMatchObject({
      code: "BLOB_CORRUPT",
      details: { digest: ds[i]!.digest },
    });
    writeFileSync(join(layout.location, blobPath(ds[i]!.digest)), bytes.subarray(1));
    expect((await errorOf(writeArchive(join(dir, "x.tar"), made))).code).toBe("SIZE_MISMATCH");
    expect(readdirSync(dir)).toEqual([]);
  });

  test("is not made when it is interrupted, and what members throw is theirs", async () => {
    const { layout } = await largeLayout();
    const dir = tempDir();
    const abort = new AbortController();
    const options = { signal: abort.signal, onMember: () => abort.abort() };
    expect((await errorOf(writeArchive(join(dir, "x.tar"), await layoutMembers(layout), options))).code).toBe("ABORTED");
    const torn = Object.assign(new Error("torn"), { syscall: "read", code: "EIO" });
    const broken = (await layoutMembers(layout)).map((m) =>
      m.blob ? { ...m, blob: { ...m.blob, extent: () => Promise.reject(torn) } } : m,
    );
    await expect(writeArchive(join(dir, "x.tar"), broken)).rejects.toBe(torn);
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe("a stream", () => {
  test("gets the same bytes as a file, slowly read or not, and is not ended", async () => {
    const path = join(tempDir(), "x.tar");
    await writeArchive(path, await members(), fast);
    const pass = new PassThrough({ highWaterMark: 10 });
    const all = buffer(pass);
    await writeArchive(pass, await members());
    expect(pass.writableEnded).toBe(false);
    pass.end();
    expect(await all).toEqual(readFileSync(path));
  });

  test("that fails is an IO_ERROR or its own error, and blobs are let go of", async () => {
    let closed = 0;
    const body = async function* (): AsyncIterable<Uint8Array> {
      try {
        for (let i = 0; i < 64; i++) yield Buffer.alloc(1 << 20);
      } finally {
        closed++;
      }
    };
    const full = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error("pipe"), { syscall: "write", code: "EPIPE" })),
    });
    expect((await errorOf(writeArchive(full, [{ name: "a", size: 64 << 20, open: async () => body() }]))).code).toBe("IO_ERROR");
    expect(closed).toBe(1);
    expect(full.listenerCount("error")).toBe(0);
  });

  test("nothing is read ahead of what is taken", async () => {
    let opened = 0;
    const many = Array.from({ length: 100 }, (_, i) => ({ name: `m${i}`, size: 2 << 20, open: () => (opened++, [Buffer.alloc(2 << 20)]) }));
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => (opened > 3 ? done(new Error("enough")) : setImmediate(done)),
    });
    await expect(writeArchive(slow, many)).rejects.toThrow("enough");
    expect(opened).toBeLessThan(6);
  });
});

test("standard output and input are `-`, in a process of their own", async () => {
  const dir = layoutWith(INDEX, [HELLO]);
  const source = new URL("../dist/index.js", import.meta.url).href;
  const write = `import { Layout, layoutMembers, writeArchive } from ${JSON.stringify(source)};
    await writeArchive("-", await layoutMembers(await Layout.open(process.argv[1])));`;
  const read = `import { openLayout } from ${JSON.stringify(source)};
    const layout = await openLayout("-"); process.stdout.write((await layout.index.read()).text); await layout.close();`;
  const node = (code: string, args: readonly string[], input?: Uint8Array): Buffer =>
    execFileSync(process.execPath, ["--input-type=module", "-e", code, ...args], { ...(input && { input }), maxBuffer: 1 << 24 });
  const archive = node(write, [dir]);
  expect(node(read, [], archive).toString()).toBe(INDEX);
  expect((await collect((await Layout.open(dir)).blobs.list())).length).toBe(1);
});
