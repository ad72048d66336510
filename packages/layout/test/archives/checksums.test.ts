import { expect, test } from "vitest";
import { layoutMembers, refusal, tar } from "./tar-maker.js";

test("a header whose checksum is wrong is refused, and says where it stands", async () => {
  const error = await refusal(tar([...layoutMembers(), { name: "x", body: "y", checksum: 1 }]));
  expect(error).toMatchObject({ code: "ARCHIVE_INVALID", details: { offset: 3072 } });
  expect(error.message).toContain("checksum");
});

test("so is the very first, where the format can still be told; anything else is no archive", async () => {
  expect((await refusal(tar([{ name: "oci-layout", checksum: 1 }]))).code).toBe("ARCHIVE_INVALID");
  expect((await refusal(Buffer.alloc(4096, "x"))).code).toBe("NOT_A_LAYOUT");
  expect((await refusal(Buffer.from("PK\x03\x04"))).code).toBe("NOT_A_LAYOUT");
  expect((await refusal(Buffer.alloc(0))).code).toBe("NOT_A_LAYOUT");
});

test("a lone block of zeros between members is refused: some programs stop there, others read on", async () => {
  const hidden = tar([{ name: "index.json", body: "{}" }]);
  expect((await refusal(Buffer.concat([tar(layoutMembers(), Buffer.alloc(512)), hidden]))).code).toBe("ARCHIVE_INVALID");
});
