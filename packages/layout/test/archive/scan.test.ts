import { afterEach, describe, expect, test, vi } from "vitest";
import { ArchiveFile } from "../../src/archive/archive-file.js";
import { type Member, type ScanOptions, scanMembers } from "../../src/archive/scan.js";
import { Pace } from "../../src/filesystem/pace.js";
import { type RawMember, archiveWith, gnuLong, pax, tar } from "../archives/tar-maker.js";
import { errorOf } from "../helpers.js";

afterEach(() => vi.restoreAllMocks());

type Scan = { members: Member[]; hasEnd: boolean };

async function scanBytes(bytes: Uint8Array, options: Partial<ScanOptions> = {}): Promise<Scan> {
  const file = ArchiveFile.open(archiveWith(bytes));
  try {
    return await scanMembers(file, { maxMembers: 1000, ...options });
  } finally {
    file.close();
  }
}

const scan = async (...members: RawMember[]): Promise<Member[]> => (await scanBytes(tar(members))).members;
const names = async (...members: RawMember[]): Promise<string[]> => (await scan(...members)).map((m) => m.name);
const A: RawMember = { name: "a", body: "a" };
const B: RawMember = { name: "b", body: "b" };
const LINK: RawMember = { name: "l", type: "2", link: "a" };

describe("an extended header", () => {
  test("describes the next member and no other", async () => {
    for (const header of [gnuLong("long"), pax({ path: "long" })]) {
      expect(await names(header, A, B)).toEqual(["long", "b"]);
      expect(await names(A, header, { name: "d/", type: "5" }, B)).toEqual(["a", "b"]);
    }
    for (const header of [gnuLong("b", "K"), pax({ linkpath: "b" })])
      expect((await scan(header, LINK, { ...LINK, name: "m" })).map((m) => m.target)).toEqual(["b", "a"]);
    expect((await scan(pax({ size: "3" }), { ...A, body: "abc", size: 0 }, B)).map((m) => m.size)).toEqual([3, 1]);
  });

  test("may come in twos and in any order; PAX counts more than GNU, and an empty value less than the header", async () => {
    const both = await scan(gnuLong("b", "K"), gnuLong("long"), LINK);
    expect(both).toMatchObject([{ name: "long", target: "b", kind: "symlink" }]);
    expect(await names(pax({ path: "pax" }), gnuLong("gnu"), A)).toEqual(["pax"]);
    expect(await names(gnuLong("gnu"), pax({ path: "pax" }), A)).toEqual(["pax"]);
    expect(await names(pax({ path: "", size: "" }), A)).toEqual(["a"]);
  });

  test("that describes nothing is refused; a global one may end an archive", async () => {
    for (const header of [gnuLong("x"), gnuLong("x", "K"), pax({ path: "x" })])
      expect(await errorOf(scan(A, header))).toMatchObject({
        code: "ARCHIVE_INVALID",
        message: expect.stringContaining("ends after an extended header") as string,
      });
    expect(await names(A, pax({ comment: "x" }, "g"))).toEqual(["a"]);
  });

  test("may have a megabyte", async () => {
    const long = (bytes: number): RawMember => ({ ...gnuLong(""), body: Buffer.concat([Buffer.from("n"), Buffer.alloc(bytes - 1)]) });
    expect(await names(long(1 << 20), A)).toEqual(["n"]);
    expect(await errorOf(scan(long((1 << 20) + 1), A))).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 1 << 20 } });
  });

  test("that is cut short is refused", async () => {
    const whole = tar([{ ...gnuLong("x"), body: "n".repeat(600) }]);
    expect((await errorOf(scanBytes(whole.subarray(0, 512 + 599)))).message).toContain("cut short within an extended header");
  });

  test.each(["-1", "1e3", "0x10", " 5", "1.5", "999999999999999999999", "9007199254740992"])("the size %j is none", async (size) => {
    expect((await errorOf(scan(pax({ size }), A))).code).toBe("ARCHIVE_INVALID");
  });
});

describe("limits", () => {
  test("of members: so many are read, and not one more; headers that describe others count", async () => {
    expect((await scanBytes(tar([A, B]), { maxMembers: 2 })).members).toHaveLength(2);
    for (const members of [
      [A, B, LINK],
      [gnuLong("x"), A, B],
    ])
      expect(await errorOf(scanBytes(tar(members), { maxMembers: 2 }))).toMatchObject({
        code: "LIMIT_EXCEEDED",
        details: { what: "members", limit: 2, found: 3 },
      });
  });

  test("of all names together, where links lead included", async () => {
    const members = [A, { ...LINK, link: "abcde" }, B];
    expect((await scanBytes(tar(members), { maxNameBytes: 8 })).members).toHaveLength(3);
    expect(await errorOf(scanBytes(tar(members), { maxNameBytes: 7 }))).toMatchObject({
      code: "LIMIT_EXCEEDED",
      details: { limit: 7, found: 8 },
    });
  });
});

describe("the end", () => {
  test("is two blocks of zeros, whatever follows; without them it says so", async () => {
    const zeros = (blocks: number): Buffer => Buffer.alloc(512 * blocks);
    expect(await scanBytes(tar([A], zeros(2)))).toMatchObject({ hasEnd: true, members: [{ name: "a", offset: 512, size: 1 }] });
    expect((await scanBytes(tar([A], Buffer.concat([zeros(2), Buffer.from("anything")])))).hasEnd).toBe(true);
    expect((await scanBytes(tar([A], zeros(1)))).hasEnd).toBe(true);
    expect(await scanBytes(tar([A], zeros(0)))).toMatchObject({ hasEnd: false, members: [{ name: "a" }] });
    expect((await errorOf(scanBytes(Buffer.concat([tar([A], zeros(1)), tar([B])])))).message).toContain("single block of zeros");
  });

  test("may not come within a header or within content, but for the padding of the last member", async () => {
    const bytes = tar([A, { name: "b", body: "b".repeat(600) }], Buffer.alloc(0));
    expect((await scanBytes(bytes.subarray(0, 1024 + 512 + 600))).members.map((m) => m.size)).toEqual([1, 600]);
    for (const [length, why] of [
      [1024 + 512 + 599, "is cut short: the header says 600 bytes, the file has 599"],
      [1024 + 511, "is cut short within a header"],
      [1024 + 1, "is cut short within a header"],
    ] as const)
      expect((await errorOf(scanBytes(bytes.subarray(0, length)))).message).toContain(why);
  });
});

test("content is found where it is, whatever its size and however many headers one read gives", async () => {
  const sizes = [0, 1, 511, 512, 513, 65_535, 65_536, 65_537, 200_000, 3, ...Array.from({ length: 300 }, (_, i) => i)];
  const bodies = sizes.map((size, i) => Buffer.alloc(size, 65 + (i % 26)));
  const bytes = tar(bodies.map((body, i) => ({ name: `f${i}`, body })));
  const { members, hasEnd } = await scanBytes(bytes);
  expect(hasEnd).toBe(true);
  expect(members.map((m) => [m.name, bytes.subarray(m.offset, m.offset + m.size).equals(bodies[Number(m.name.slice(1))]!)])).toEqual(
    bodies.map((_, i) => [`f${i}`, true]),
  );
});

describe("kinds of members", () => {
  test("files and links are members, directories are not", async () => {
    const found = await scan(A, { ...A, name: "c", type: "7" }, { name: "h", type: "1", link: "a" }, LINK, { name: "d/", type: "5" });
    expect(found.map((m) => [m.name, m.kind, m.target, m.size])).toEqual([
      ["a", "file", undefined, 1],
      ["c", "file", undefined, 1],
      ["h", "link", "a", 0],
      ["l", "symlink", "a", 0],
    ]);
    expect(await names({ name: "./", type: "5" }, A)).toEqual(["a"]);
  });

  test.each(["1", "2", "5"])(
    "a member of type %s with content is refused: some programs skip it and some read it as headers",
    async (type) => {
      expect((await errorOf(scan({ name: "x", type, link: "a", body: "x" }, A))).message).toContain("with 1 bytes of content");
      expect((await errorOf(scan(pax({ size: "512" }), { name: "x", type, link: "a" }, A))).code).toBe("ARCHIVE_INVALID");
    },
  );

  test.each([
    ["3", "character device"],
    ["4", "block device"],
    ["6", "pipe"],
  ])("type %s is called a %s and refused", async (type, word) => {
    expect((await errorOf(scan({ name: "x", type }))).message).toContain(`is a ${word}`);
  });

  test("a link or a file without a name is refused", async () => {
    for (const member of [
      { ...LINK, name: "./" },
      { ...A, name: "." },
    ])
      expect((await errorOf(scan(member))).code).toBe("UNSAFE_NAME");
  });
});

describe("a single block of zeros is found out wherever the next block has to be read from", () => {
  const zeros = Buffer.alloc(512);
  const refused = { code: "ARCHIVE_INVALID", message: expect.stringContaining("single block of zeros") as string };

  test("behind a member so large that only its header was read", async () => {
    const large = tar([{ name: "large", body: new Uint8Array(200_000) }], zeros);
    expect(await errorOf(scanBytes(Buffer.concat([large, tar([A])])))).toMatchObject(refused);
    expect((await scanBytes(Buffer.concat([large, zeros]))).hasEnd).toBe(true);
  });

  test("as the last block of what is read at once", async () => {
    const many = tar(
      Array.from({ length: 127 }, (_, i): RawMember => ({ name: `f${i}` })),
      zeros,
    );
    expect(many.length).toBe(1 << 16);
    expect(await errorOf(scanBytes(Buffer.concat([many, tar([A])])))).toMatchObject(refused);
    expect((await scanBytes(Buffer.concat([many, zeros]))).members).toHaveLength(127);
  });
});

test("every header asks whether other work is due, and gives it a turn", async () => {
  const isDue = vi.spyOn(Pace.prototype, "isDue", "get").mockReturnValue(true);
  const rest = vi.spyOn(Pace.prototype, "rest");
  expect(await names(A, pax({ path: "long" }), B)).toEqual(["a", "long"]);
  // Three headers, and the end.
  expect([isDue.mock.calls.length, rest.mock.calls.length]).toEqual([4, 4]);
  isDue.mockReturnValue(false);
  await names(A, B);
  expect([isDue.mock.calls.length, rest.mock.calls.length]).toEqual([7, 4]);
});

test("a link without a target is told as one, and a global header may be the last thing of a file", async () => {
  expect(await scan({ name: "l", type: "2" })).toMatchObject([{ name: "l", kind: "symlink", target: "" }]);
  const last = pax({ comment: "c".repeat(499) }, "g");
  expect(last.body).toHaveLength(512);
  expect(await scanBytes(tar([A, last], new Uint8Array()))).toMatchObject({ members: [{ name: "a" }], hasEnd: false });
});
