import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "../helpers.js";
import { gnuLong, layoutMembers, pax, refusal, tar } from "./tar-maker.js";

/** oras-go in 2026: a hard link was made to wherever its name led, so that a later member wrote there. */
test("a hard link that leads out of the archive is refused, and the file it means stays as it is", async () => {
  const secret = join(tempDir(), "secret");
  writeFileSync(secret, "secret");
  for (const link of [secret, "../secret", "a/../../secret", "/etc/passwd", "..\\secret", ""]) {
    const members = [...layoutMembers(), { name: "leak", type: "1", link: link.slice(0, 100) }, { name: "leak", body: "overwritten" }];
    expect((await refusal(tar(members))).code).toBe("LINK_OUTSIDE");
    if (link === "") continue;
    for (const long of [pax({ linkpath: link }), gnuLong(link, "K")]) {
      expect((await refusal(tar([...layoutMembers(), long, { name: "leak", type: "1", link: "x" }]))).code).toBe("LINK_OUTSIDE");
    }
  }
});

test("a hard link to a blob's name cannot make it another blob", async () => {
  const [marker, index, blob] = layoutMembers();
  const evil = { name: "evil", body: "jello" };
  const members = [marker!, index!, evil, { name: blob!.name, type: "1", link: "evil" }];
  expect((await refusal(tar(members))).code).toBe("BLOB_CORRUPT");
});
