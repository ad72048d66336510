import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { Layout } from "@ocilot/layout";
import { collectGarbage, copyLayout } from "@ocilot/referrers";
import { LayoutBuilder, tempDir } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";

const NAME = "caf\u00e9";

/** Other names of a directory on file systems that compare without case or Unicode form. Here a link makes each lead to it. */
const ALIASES: readonly (readonly [string, string])[] = [
  ["in capital letters", NAME.toUpperCase()],
  ["in the other Unicode form", NAME.normalize("NFD")],
];

describe.each(ALIASES)("a layout under its name %s", (_, alias) => {
  async function layoutWithGarbage(): Promise<{ dir: string; other: string; garbage: string }> {
    const b = new LayoutBuilder();
    b.entry(b.image(), { tag: "v1" });
    const garbage = b.blob("garbage").digest.slice(7);
    const parent = tempDir();
    const dir = join(parent, NAME);
    await b.directory(dir);
    // A file system that takes both names for one has the alias already.
    if (!readdirSync(parent).includes(alias)) symlinkSync(NAME, join(parent, alias));
    return { dir, other: join(parent, alias), garbage };
  }

  it("copied into itself keeps every blob and entry, and gets the new tag", async () => {
    const { dir, other } = await layoutWithGarbage();
    const names = readdirSync(join(dir, "blobs/sha256")).toSorted();
    const [from, to] = [await Layout.open(dir, { sync: false }), await Layout.open(other, { sync: false })];
    expect(await copyLayout(from, to)).toMatchObject({ written: { blobs: 0 }, present: 3 });
    await copyLayout(from, to, { reference: "v1", tag: "v2" });
    expect(readdirSync(join(dir, "blobs/sha256")).toSorted()).toEqual(names);
    const { entries } = await (await Layout.open(dir)).index.read();
    expect(entries.map((e) => e.tag).toSorted()).toEqual(["v1", "v2"]);
  });

  it("loses its garbage to gc and nothing else", async () => {
    const { dir, other, garbage } = await layoutWithGarbage();
    const names = readdirSync(join(dir, "blobs/sha256"));
    const { removed } = await collectGarbage(await Layout.open(other, { sync: false }), { grace: 0 });
    expect(removed.map((r) => r.digest)).toEqual([`sha256:${garbage}`]);
    expect(readdirSync(join(dir, "blobs/sha256")).toSorted()).toEqual(names.filter((name) => name !== garbage).toSorted());
  });
});
