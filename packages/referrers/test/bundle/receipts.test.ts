import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Layout, openArchive } from "@ocilot/layout";
import { type Receipt, compareReceipts } from "@ocilot/referrers";
import { FIXTURES, LayoutBuilder, fixtureNames } from "@ocilot/testkit";
import { bring, bundleInto, plan, receiptOf, tempDir } from "./helpers.js";

/** A copy without the config of its image: there is nothing whole to bundle. */
const INCOMPLETE = "edge/docker-types-after-umoci-gc";

const names = [
  ...["layouts", "edge"].flatMap((group) => fixtureNames(group as "layouts" | "edge").map((name) => `${group}/${name}`)),
  ...readdirSync(join(FIXTURES, "layouts"))
    .filter((name) => name.endsWith(".tar"))
    .map((name) => `layouts/${name}`),
].filter((name) => name !== INCOMPLETE);

async function openFixture(name: string): Promise<Layout> {
  const path = join(FIXTURES, name);
  return name.endsWith(".tar") ? await openArchive(path) : await Layout.open(path);
}

const differences = (before: Receipt, now: Receipt): string[] =>
  compareReceipts(before, now, "x")
    .filter((f) => f.code !== "RECEIPT_ADDED")
    .map((f) => f.message);

describe("the receipt of a bundle", () => {
  test.each(names)("lists what its source and its destination hold: %s", async (name) => {
    const dir = tempDir();
    const source = await openFixture(name);
    const { receipt } = await plan(source);
    const files = await bundleInto(dir, source);
    const { damaged } = await bring(files, join(dir, "far"));
    const there = await receiptOf(await Layout.open(join(dir, "far")));
    const here = await receiptOf(source);
    await source.close();
    expect(damaged).toEqual([]);
    expect(differences(receipt, here)).toEqual([]);
    expect(differences(receipt, there)).toEqual([]);
    expect(there.roots).toEqual(receipt.roots);
  });

  test("a platform that is bundled by its digest is a root, and not lost where the whole image is", async () => {
    const dir = tempDir();
    const b = new LayoutBuilder();
    const platform = b.image();
    b.entry(b.imageIndex([platform, b.image()]), { tag: "v1" });
    const some = [{ layout: b.layout(), references: [`@${platform.digest}`] }];
    const { receipt } = await plan(some);
    expect(receipt.roots).toEqual([{ digest: platform.digest }]);
    const far = join(dir, "far");
    await bring(await bundleInto(dir, some), far);
    expect((await receiptOf(await Layout.open(far))).roots).toEqual(receipt.roots);
    await bring(await bundleInto(dir, b.layout(), { name: "all.tar" }), far);
    const both = await receiptOf(await Layout.open(far));
    expect(both.roots.map((r) => r.tag)).toEqual(["v1"]);
    expect(differences(receipt, both)).toEqual([]);
  });

  test("an image without a tag is lost when only its referrers are listed", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const referrer = b.referrer(image);
    const before = await receiptOf(b.entry(image).listed(referrer).layout());
    b.entries.shift();
    expect(differences(before, await receiptOf(b.layout()))).toEqual([`the image ${image.digest} is no longer listed`]);
  });

  test("a name of cosign for a referrer with a subject is no root, neither in a bundle nor in a layout", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" });
    b.entry(b.referrer(image), { tag: `${image.digest.replace(":", "-")}.sig` });
    const { receipt } = await plan(b.layout());
    expect(receipt.roots).toEqual((await receiptOf(b.layout())).roots);
  });
});
