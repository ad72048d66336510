import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import zlib, { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Layout, blobPath, hasZstd, isArchive, openLayout, openArchive } from "../src/index.js";
import { D, HELLO, INDEX, archiveWith, base256, gnuLong, layoutMembers, pax, tar } from "./archives/tar-maker.js";
import { MARKER, collect, descriptorOf, dirWith, errorOf, layoutWith, tempDir, text } from "./helpers.js";

const FIXTURES = fileURLToPath(new URL("../../../fixtures/layouts/", import.meta.url));

/** Opens an archive, checks that it is the layout of the tests, and returns its warnings. */
async function check(path: string, options = {}): Promise<readonly string[]> {
  await using layout = await openArchive(path, options);
  expect((await layout.index.read()).text).toBe(INDEX);
  expect(layout.version).toBe("1.0.0");
  expect(Buffer.from(await layout.blobs.bytes(D))).toEqual(Buffer.from(HELLO));
  expect(await buffer(await layout.blobs.open(D))).toEqual(Buffer.from(HELLO));
  expect(await layout.blobs.bytesMany([D, D])).toHaveLength(2);
  expect(await layout.blobs.size(D.digest)).toBe(5);
  expect(await layout.blobs.has(D.digest)).toBe(true);
  expect(await collect(layout.blobs.list())).toEqual([{ digest: D.digest, size: 5, modified: 0 }]);
  return layout.warnings.map((w) => w.message);
}

describe("what is accepted", () => {
  const [marker, index, blob] = layoutMembers();
  const name = blobPath(D.digest);
  const long = `${"x/".repeat(60)}y`;
  const cases: Record<string, Buffer> = {
    "ocilot's own order": tar(layoutMembers()),
    "any other order": tar([blob!, index!, marker!]),
    "./ before every name": tar([{ name: "./", type: "5" }, ...layoutMembers().map((m) => ({ ...m, name: `./${m.name as string}` }))]),
    "directories, with and without a slash": tar([{ name: "blobs/", type: "5" }, { name: "blobs/sha256", type: "5" }, ...layoutMembers()]),
    "the format before ustar": tar(layoutMembers().map((m) => ({ ...m, magic: "v7" as const, type: "\0" }))),
    "GNU headers": tar(layoutMembers().map((m) => ({ ...m, magic: "gnu" as const }))),
    "contiguous files": tar(layoutMembers().map((m) => ({ ...m, type: "7" }))),
    "PAX names": tar([pax({ path: "oci-layout" }), { ...marker!, name: "1" }, pax({ path: `./${name}` }), { ...blob!, name: "2" }, index!]),
    "PAX sizes": tar([marker!, index!, pax({ size: "5", mtime: "1.5", uid: "99999999" }), { ...blob!, size: 0 }]),
    "a PAX record that is taken back": tar([marker!, index!, pax({ path: "", size: "" }), blob!]),
    "GNU long names": tar([marker!, index!, gnuLong(name), { ...blob!, name: name.slice(0, 50) }]),
    "sizes in base 256": tar([marker!, index!, { ...blob!, size: base256(5n) }]),
    "a name in two fields": tar([marker!, index!, { ...blob!, name: D.digest.slice(7), prefix: "blobs/sha256" }]),
    "a global PAX header": tar([pax({ comment: "0123abcd" }, "g"), ...layoutMembers()]),
    "duplicates that say the same": tar([...layoutMembers(), ...layoutMembers()]),
    "a hard link to a file before it": tar([marker!, index!, { name: "a", body: HELLO }, { name, type: "1", link: "./a" }]),
    "owners, times and modes of any kind": tar([pax({ uname: "root", mtime: "-5" }), ...layoutMembers()]),
    "padding up to the record size": Buffer.concat([tar(layoutMembers()), Buffer.alloc(7168)]),
  };

  test.each(Object.entries(cases))("%s", async (_, bytes) => {
    const warnings = await check(archiveWith(bytes));
    expect(warnings.filter((w) => !w.includes("not part of the layout"))).toEqual([]);
    await check(archiveWith(gzipSync(bytes), "x.bin"));
  });

  test("files that are no part of a layout are told of and not read", async () => {
    const foreign = [
      { name: "manifest.json", body: "no JSON" },
      { name: "repositories", body: "x" },
      { name: "ingest/1", body: "y" },
      gnuLong(long),
      { name: "z" },
    ];
    const warnings = await check(archiveWith(tar([...layoutMembers(), ...foreign])));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('2 files are not part of the layout and not read: "ingest/1"');
  });

  test("no end mark is accepted, and warned of", async () => {
    expect((await check(archiveWith(tar(layoutMembers(), new Uint8Array())))).join()).toContain("no end mark");
  });

  test("a gzip of several parts, as pigz and cat make them", async () => {
    const bytes = tar(layoutMembers());
    await check(archiveWith(Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))])));
  });

  test.each(["--format=pax", "--format=gnu", "--format=ustar", "--format=v7"])("what tar %s makes of a directory", async (format) => {
    const out = join(tempDir(), "x.tar");
    execFileSync("tar", [format, "-cf", out, "-C", layoutWith(INDEX, [HELLO]), "."]);
    expect(await check(out)).toEqual([]);
  });
});

test("a member over 8 GiB, of which nothing is read but the header, is passed over", async () => {
  // A sparse file: the content of the large member is a hole.
  const { openSync, writeSync, closeSync } = await import("node:fs");
  const path = join(tempDir(), "big.tar");
  const size = 9 * 2 ** 30;
  const fd = openSync(path, "w");
  const head = tar([{ name: `blobs/sha256/${"0".repeat(64)}`, size: base256(BigInt(size)) }], new Uint8Array());
  const paxHead = tar([pax({ size: String(size) }), { name: `blobs/sha256/${"1".repeat(64)}` }], new Uint8Array());
  writeSync(fd, head, 0, head.length, 0);
  writeSync(fd, paxHead, 0, paxHead.length, head.length + size);
  const end = tar(layoutMembers());
  writeSync(fd, end, 0, end.length, head.length + size + paxHead.length + size);
  closeSync(fd);
  await using layout = await openArchive(path);
  expect(await layout.blobs.size(`sha256:${"0".repeat(64)}` as typeof D.digest)).toBe(size);
  expect(await layout.blobs.size(`sha256:${"1".repeat(64)}` as typeof D.digest)).toBe(size);
  expect(await layout.blobs.bytes(D)).toHaveLength(5);
});

describe("compression", () => {
  const packed = (program: string): string => {
    const path = archiveWith(tar(layoutMembers()));
    writeFileSync(`${path}.z`, execFileSync(program, ["-c", path]));
    return `${path}.z`;
  };

  test.runIf(hasZstd())("zstd is read; what Node would leave out in silence is refused", async () => {
    const path = packed("zstd");
    expect(await check(path)).toEqual([]);
    const once = readFileSync(path);
    for (const bytes of [Buffer.concat([once, Buffer.from("more")]), once.subarray(0, -8)]) {
      expect((await errorOf(openArchive(archiveWith(bytes)))).code).toBe("ARCHIVE_INVALID");
    }
  });

  test.runIf(hasZstd())(
    "zstd in several frames is read whole by a Node that reads them (26), and refused by one that stops after the first",
    async () => {
      const path = archiveWith(tar(layoutMembers()));
      const bytes = readFileSync(path);
      const frames = [bytes.subarray(0, 700), bytes.subarray(700)].map((input) => execFileSync("zstd", ["-c"], { input }));
      const archive = archiveWith(Buffer.concat(frames));
      const stream = (zlib as unknown as { createZstdDecompress: () => zlib.Gunzip }).createZstdDecompress();
      stream.end(Buffer.concat(frames));
      const read = await buffer(stream);
      if (read.equals(bytes)) expect(await check(archive)).toEqual([]);
      else expect((await errorOf(openArchive(archive))).code).toBe("ARCHIVE_INVALID");
    },
  );

  test.runIf(hasZstd())("zstd that is cut off at any byte is refused", async () => {
    const whole = readFileSync(packed("zstd"));
    for (let end = 8; end < whole.length; end += 7) {
      expect((await errorOf(openArchive(archiveWith(whole.subarray(0, end))))).code, `${end} bytes`).toBe("ARCHIVE_INVALID");
    }
  });

  test.skipIf(hasZstd())("zstd without zstd in Node says what to do", async () => {
    const error = await errorOf(openArchive(archiveWith(Buffer.from("28b52ffd24000100", "hex"))));
    expect(error.code).toBe("UNSUPPORTED");
    expect(error.hint).toContain("Node 22.15");
  });

  test("xz and bzip2 say what to do", async () => {
    for (const [head, program] of [
      ["fd377a585a000004", "xz"],
      ["425a683931415926", "bzip2"],
    ] as const) {
      const error = await errorOf(openArchive(archiveWith(Buffer.from(head, "hex"))));
      expect(error.code).toBe("UNSUPPORTED");
      expect(error.message).toContain(`compressed with ${program}`);
      expect(error.hint).toContain(`${program} -d`);
    }
  });

  test("a pipe is read as a file is", async () => {
    const path = join(tempDir(), "fifo");
    execFileSync("mkfifo", [path]);
    const [warnings] = await Promise.all([
      check(path),
      import("node:fs/promises").then((fs) => fs.writeFile(path, gzipSync(tar(layoutMembers())))),
    ]);
    expect(warnings).toEqual([]);
  });

  test("an abort ends the unpacking", async () => {
    const abort = new AbortController();
    abort.abort();
    const bytes = gzipSync(Buffer.concat([tar(layoutMembers()), Buffer.alloc(1 << 24)]));
    expect((await errorOf(openArchive(archiveWith(bytes), { signal: abort.signal }))).code).toBe("ABORTED");
  });
});

describe("an archive cannot be written", () => {
  test("every write is refused with what to do", async () => {
    const path = archiveWith(tar(layoutMembers()));
    const before = readFileSync(path);
    await using layout = await openArchive(path);
    const writes = [layout.blobs.put(text("new")), layout.blobs.delete(D.digest), layout.index.update(() => []), layout.untag("v1")];
    for (const write of writes) {
      const error = await errorOf(write);
      expect(error).toMatchObject({ code: "WRITE_REFUSED", details: { reason: "archive" } });
      expect(error.hint).toContain("--output");
    }
    expect(readFileSync(path)).toEqual(before);
  });
});

describe("opening what is there", () => {
  test("a directory, an archive, and both by a prefix", async () => {
    const dir = layoutWith(INDEX, [HELLO]);
    const file = archiveWith(tar(layoutMembers()));
    for (const path of [dir, `oci:${dir}`, `ocidir://${dir}`, file, `oci-archive:${file}`, `docker-archive:${file}`]) {
      await using layout = await openLayout(path);
      expect((await layout.index.read()).text).toBe(INDEX);
    }
    expect((await errorOf(openLayout(`oci:${file}`))).code).toBe("NOT_A_LAYOUT");
    expect((await errorOf(openLayout(`oci-archive:${dir}`))).code).toBe("NOT_A_LAYOUT");
    expect((await errorOf(openLayout("/no/such"))).code).toBe("PATH_NOT_FOUND");
    expect((await errorOf(openLayout("oci-archive:/no/such"))).code).toBe("PATH_NOT_FOUND");
    expect((await errorOf(openLayout("/dev/null"))).code).toBe("NOT_A_LAYOUT");
  });

  test("a link to an archive is followed: somebody typed it", async () => {
    const path = archiveWith(tar(layoutMembers()));
    symlinkSync(path, `${path}.link`);
    await check(`${path}.link`);
    expect(isArchive(`${path}.link`)).toBe(true);
  });

  test("isArchive tells by the first bytes", () => {
    const dir = dirWith({ a: tar(layoutMembers()), b: gzipSync("x"), c: "no", d: "", "e/": "", f: Buffer.alloc(512, 1) });
    expect(["a", "b", "c", "d", "e", "f", "g"].map((name) => isArchive(join(dir, name)))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test("an archive without index.json is no layout", async () => {
    for (const members of [[], [{ name: "oci-layout", body: MARKER }]]) {
      expect((await errorOf(openArchive(archiveWith(tar(members))))).code).toBe("NOT_A_LAYOUT");
    }
  });

  test("an unknown layout version is read, with a warning", async () => {
    await using layout = await openArchive(
      archiveWith(tar([{ name: "oci-layout", body: '{"imageLayoutVersion":"2.0"}' }, ...layoutMembers().slice(1)])),
    );
    expect(layout.warnings.map((w) => w.message).join()).toContain("version 2.0 is unknown");
  });
});

test("closing waits for streams that are under way, and nothing is left open", async () => {
  const open = (): number => readdirSync("/proc/self/fd").length;
  const before = open();
  const body = Buffer.alloc(8 << 20, "x");
  const d = descriptorOf(body);
  const layout = await openArchive(archiveWith(tar([...layoutMembers(), { name: blobPath(d.digest), body }])));
  const stream = await layout.blobs.open(d);
  const givenUp = await layout.blobs.open(d);
  givenUp.destroy();
  await layout.close();
  await layout.close();
  expect(await buffer(stream)).toHaveLength(body.length);
  expect(open()).toBe(before);
  await expect(layout.blobs.bytes(D)).rejects.toThrow("is closed");
  await Layout.inMemory().close();
});

test.each(readdirSync(FIXTURES).filter((name) => name.endsWith(".tar")))("the fixture %s is read, every blob whole", async (name) => {
  await using layout = await openArchive(join(FIXTURES, name));
  const { entries } = await layout.index.read();
  expect(entries.length).toBeGreaterThan(0);
  for (const { descriptor } of entries) await layout.blobs.bytes(descriptor);
  for await (const { digest, size } of layout.blobs.list()) await layout.blobs.bytes({ mediaType: "x", digest, size });
  expect((await layout.resolve("v1")).size).toBeGreaterThan(0);
});
