import { expect, test } from "vitest";
import { base256, layoutMembers, pax, refusal, tar } from "./tar-maker.js";

const SIZES: [string, Uint8Array | string][] = [
  ["-1 in base 256", base256(-1n)],
  ["-2^40 in base 256", base256(-(2n ** 40n))],
  ["2^63 in base 256", base256(2n ** 63n)],
  ["2^80 in base 256", base256(2n ** 80n)],
  ["2^53 in base 256", base256(2n ** 53n)],
  ["a minus sign in octal", "-0000000001\0"],
  ["no number", "zzzzzzzzzzz\0"],
  ["a marker of no encoding", Buffer.from([0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])],
];

test.each(SIZES)("a size of %s is refused", async (_, size) => {
  expect((await refusal(tar([...layoutMembers(), { name: "x", size }]))).code).toBe("ARCHIVE_INVALID");
  // As the size of an extended header, too.
  expect((await refusal(tar([...layoutMembers(), { name: "x", type: "x", size }]))).code).toBe("ARCHIVE_INVALID");
});

test.each(["-1", "1e3", "0x10", " 5", "99999999999999999999", "9007199254740992", "five"])("a PAX size of %j is refused", async (size) => {
  expect((await refusal(tar([...layoutMembers(), pax({ size }), { name: "x", body: "hello" }]))).code).toBe("ARCHIVE_INVALID");
});

test("an extended header larger than any program writes is refused before it is read", async () => {
  expect(await refusal(tar([...layoutMembers(), { name: "x", type: "x", size: 2 ** 30 }]))).toMatchObject({ code: "LIMIT_EXCEEDED" });
});

test("content of what has none is refused: programs disagree where the next member begins", async () => {
  for (const type of ["1", "2", "5"]) {
    const members = [{ name: "x", type, link: "oci-layout", body: "y".repeat(512) }, ...layoutMembers()];
    expect((await refusal(tar(members))).code).toBe("ARCHIVE_INVALID");
  }
});
