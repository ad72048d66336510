import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { openArchive } from "../../src/index.js";
import { tempDir } from "../helpers.js";
import { D, HELLO, archiveWith, layoutMembers, refusal, tar } from "./tar-maker.js";

/** zarf in 2026: a symbolic link was made, and the member after it written through it. */
test("a symbolic link that a later member lies below is refused, wherever it leads", async () => {
  const outside = tempDir();
  for (const link of [outside, "../../..", "elsewhere", "/"]) {
    for (const name of ["blobs", "blobs/sha256", "./blobs/"]) {
      const error = await refusal(tar([{ name, type: "2", link: link.slice(0, 100) }, ...layoutMembers()]));
      expect(error.code).toBe("LINK_OUTSIDE");
    }
  }
  expect(readdirSync(outside)).toEqual([]);
});

test("a symbolic link out of the archive, to a directory or to nothing is refused", async () => {
  for (const link of ["/etc/passwd", "../x", "a/../../x", "nothing", "blobs", "."]) {
    expect((await refusal(tar([...layoutMembers(), { name: "x", type: "2", link }]))).code).toBe("LINK_OUTSIDE");
  }
});

test("one that leads to a file of the archive is read as that file; it starts from its own directory", async () => {
  const [marker, index, blob] = layoutMembers();
  const members = [
    { name: "real/one", body: HELLO },
    { name: blob!.name, type: "2", link: "../../real/two" },
    { name: "real/two", type: "2", link: "./one" },
    marker!,
    index!,
  ];
  const layout = await openArchive(archiveWith(tar(members)));
  expect(Buffer.from(await layout.blobs.bytes(D))).toEqual(Buffer.from(HELLO));
  await layout.close();
});
