import { expect, test } from "vitest";
import { layoutMembers, refusal, tar } from "./tar-maker.js";

test.each([
  ["3", "character device"],
  ["4", "block device"],
  ["6", "pipe"],
])("type %s, a %s, is refused wherever it stands", async (type, word) => {
  for (const name of ["dev", "index.json", "blobs/sha256/x"]) {
    const error = await refusal(tar([{ name, type }, ...layoutMembers()]));
    expect(error).toMatchObject({ code: "ARCHIVE_INVALID", details: { member: name, offset: 0 } });
    expect(error.message).toContain(word);
  }
});
