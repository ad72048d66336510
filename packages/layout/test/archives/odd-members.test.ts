import { expect, test } from "vitest";
import { layoutMembers, pax, refusal, tar } from "./tar-maker.js";

test.each(["S", "M", "V", "D", "Z"])("a member of type %s, sparse or of several volumes, is refused", async (type) => {
  expect((await refusal(tar([...layoutMembers(), { name: "x", type, body: "y" }]))).code).toBe("ARCHIVE_INVALID");
});

test("so is a sparse file in PAX", async () => {
  const sparse = pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "index.json", "GNU.sparse.realsize": "99" });
  expect((await refusal(tar([...layoutMembers(), sparse, { name: "x", body: "y" }]))).code).toBe("ARCHIVE_INVALID");
});

test.each(["path", "linkpath", "size"])("a global header that gives every member one %s is refused", async (key) => {
  expect((await refusal(tar([pax({ [key]: "5" }, "g"), ...layoutMembers()]))).code).toBe("ARCHIVE_INVALID");
});
