import { expect, test } from "vitest";
import { decodeHeader, decodePax, encodeHeader, encodePax } from "../../src/archive/tar-header.js";

const MEMBER = { name: "blobs/sha256/x", mode: 0o644, uid: 0, gid: 0, size: 5, mtime: new Date(0), type: "file" } as const;

test("what is encoded is decoded again, one block for a name that fits", () => {
  const block = encodeHeader(MEMBER)!;
  expect(block).toHaveLength(512);
  expect(decodeHeader(block)).toMatchObject({ name: MEMBER.name, size: 5, type: "file" });
});

test("a name that does not fit has no header, and is carried by a PAX record", () => {
  const name = `${"n".repeat(300)}é`;
  expect(encodeHeader({ ...MEMBER, name })).toBeNull();
  expect(decodePax(encodePax(name))).toEqual({ path: name });
});

test("a block of zeros is no header, and a wrong checksum an error", () => {
  expect(decodeHeader(new Uint8Array(512))).toBeNull();
  expect(() => decodeHeader(encodeHeader(MEMBER)!.with(0, 0x21))).toThrow();
});
