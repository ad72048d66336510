import {
  appendFileSync,
  cpSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { DOCKER_MANIFEST, type Digest, IMAGE_INDEX, IMAGE_MANIFEST, Layout, blobPath } from "@ocilot/layout";
import { repairLayout, verifyLayout } from "@ocilot/referrers";
import { FIXTURES, LayoutBuilder, fixtureNames, tempDir } from "@ocilot/testkit";

/** Two copies of a fixture: one to damage, one to take from. */
async function pair(name: string): Promise<{ dir: string; layout: Layout; source: Layout }> {
  const [dir, other] = ["layout", "source"].map((n) => join(tempDir(), n)) as [string, string];
  for (const target of [dir, other]) cpSync(join(FIXTURES, name), target, { recursive: true });
  return { dir, layout: await Layout.open(dir, { sync: false }), source: await Layout.open(other, { sync: false }) };
}

const treeOf = (dir: string): Record<string, string> =>
  Object.fromEntries(
    (readdirSync(dir, { recursive: true }) as string[])
      .filter((f) => statSync(join(dir, f)).isFile())
      .toSorted()
      .map((f) => [f, readFileSync(join(dir, f)).toString("base64")]),
  );

const blobsOf = (dir: string): string[] => Object.keys(treeOf(dir)).filter((f) => f.startsWith("blobs/"));

describe("repairLayout", () => {
  it("mends any damage to the blobs of any fixture, from a whole copy, byte for byte", async () => {
    for (const name of fixtureNames("layouts")) {
      const { dir, layout, source } = await pair(`layouts/${name}`);
      // What is in order already, so that only the blobs are different afterwards.
      for (const each of [layout, source]) await repairLayout(each);
      const whole = treeOf(dir);
      const unreferenced = new Set(
        (await verifyLayout(layout)).findings.flatMap((f) => (f.code === "UNREFERENCED_BLOB" ? blobPath(f.digest!) : [])),
      );
      const damaged = blobsOf(dir).filter((f) => !unreferenced.has(f));
      for (const [i, file] of damaged.entries()) {
        const path = join(dir, file);
        if (i % 3 === 0) rmSync(path);
        else if (i % 3 === 1) appendFileSync(path, "x");
        else truncateSync(path, Math.max(0, statSync(path).size - 1));
      }
      const plan = await repairLayout(layout, { from: [source], dryRun: true });
      const result = await repairLayout(layout, { from: [source] });
      expect([name, result.left, result.steps.length]).toEqual([name, [], damaged.length]);
      expect(plan.steps).toEqual(result.steps);
      expect(treeOf(dir)).toEqual(whole);
      expect((await repairLayout(layout, { from: [source] })).steps).toEqual([]);
    }
  });

  it.each([...fixtureNames("layouts")])("%s: corrects the sizes in index.json, and then what those entries lead to", async (name) => {
    const { dir, layout, source } = await pair(`layouts/${name}`);
    for (const each of [layout, source]) await repairLayout(each);
    const whole = treeOf(dir);
    const path = join(dir, "index.json");
    const wrong = readFileSync(path, "utf8").replaceAll(/"size":(\s*)(\d+)/g, (_, space, size) => `"size":${space}${Number(size) + 1}`);
    writeFileSync(path, wrong);
    const plan = await repairLayout(layout, { dryRun: true });
    const { entries } = await layout.index.read();
    expect(plan.steps.flatMap((s) => (s.op === "size" ? s.position : [])).toSorted((a, b) => a - b)).toEqual(
      entries.map((e) => e.position),
    );
    expect(readFileSync(path, "utf8")).toBe(wrong);
    const { steps, left } = await repairLayout(layout);
    expect([steps.filter((s) => s.op === "size").length, left]).toEqual([entries.length, []]);
    expect(treeOf(dir)).toEqual(whole);
    expect((await repairLayout(layout)).steps).toEqual([]);
  });

  it("leaves a size that another program has corrected meanwhile, and one within a manifest, which is as its author made it", async () => {
    const { dir, layout } = await pair("layouts/oras");
    const path = join(dir, "index.json");
    const right = readFileSync(path, "utf8");
    writeFileSync(path, right.replace(/"size":(\d+)/, '"size":1'));
    const { update } = layout.index;
    vi.spyOn(layout.index, "update").mockImplementation(async (edit, options) => {
      writeFileSync(path, right);
      return await update.call(layout.index, edit, options);
    });
    await repairLayout(layout);
    expect(readFileSync(path, "utf8")).toBe(right);
    const b = new LayoutBuilder();
    const config = b.blob("{}", "application/vnd.oci.image.config.v1+json");
    const inside = b.entry(b.image({ members: { config: { ...config, size: 7 } } }), { tag: "v1" }).layout();
    const { steps, left } = await repairLayout(inside);
    const found = left.find((f) => f.code === "SIZE_MISMATCH");
    expect([steps, found?.fix]).toEqual([[], expect.stringContaining("make the manifest that states it again")]);
  });

  it("corrects the media type and the size of entries where the manifest states its type itself, and leaves what could only be guessed", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const index = b.imageIndex([b.image()]);
    const silent = b.image({ members: { mediaType: undefined } });
    const mixed = b.image({ members: { manifests: [] } });
    b.entry({ ...index, mediaType: IMAGE_MANIFEST }, { tag: "v1" });
    b.entry({ ...image, mediaType: IMAGE_INDEX, size: image.size + 5 }, { tag: "v2" });
    b.entry({ ...silent, mediaType: IMAGE_INDEX }, { tag: "v3" });
    b.entry({ ...mixed, mediaType: DOCKER_MANIFEST }, { tag: "v4" });
    b.listed(b.referrer(image));
    const dir = join(tempDir(), "layout");
    const layout = await b.directory(dir);
    const fixes = (await verifyLayout(layout)).findings.map((f) => [f.code, f.position, f.fix]);
    expect(fixes).toEqual([
      ["MEDIA_TYPE_MISMATCH", 0, `ocilot repair ${dir}`],
      ["SIZE_MISMATCH", 1, `ocilot repair ${dir}`],
      ["MEDIA_TYPE_MISMATCH", 1, `ocilot repair ${dir}`],
      ["MEDIA_TYPE_MISMATCH", 2, "ocilot copy SOURCE NEW"],
      ["MEDIA_TYPE_MISMATCH", 3, "ocilot copy SOURCE NEW"],
    ]);
    const { steps, left } = await repairLayout(layout);
    expect(steps.map((s) => ("position" in s ? [s.op, s.position] : []))).toEqual([
      ["media-type", 0],
      ["size", 1],
      ["media-type", 1],
    ]);
    expect(left.map((f) => [f.code, f.position])).toEqual([
      ["MEDIA_TYPE_MISMATCH", 2],
      ["MEDIA_TYPE_MISMATCH", 3],
    ]);
    const { entries } = await layout.index.read();
    expect(entries.map(({ descriptor: { mediaType, size } }) => [mediaType, size]).slice(0, 3)).toEqual([
      [IMAGE_INDEX, index.size],
      [IMAGE_MANIFEST, image.size],
      [IMAGE_INDEX, silent.size],
    ]);
    expect(entries[1]!.tag).toBe("v2");
  });

  it("writes nothing with dryRun, and nothing to a layout that is in order", async () => {
    const { dir, layout, source } = await pair("layouts/oras");
    expect((await repairLayout(layout, { from: [source] })).steps).toEqual([]);
    rmSync(join(dir, blobsOf(dir)[0]!));
    const before = treeOf(dir);
    const plan = await repairLayout(layout, { from: [source], dryRun: true });
    expect(plan.steps.map((s) => s.op)).toEqual(["fetch"]);
    expect(treeOf(dir)).toEqual(before);
  });

  it("leaves a damaged blob where nobody has it whole, and says so", async () => {
    const { dir, layout, source } = await pair("layouts/oras");
    const [file] = blobsOf(dir);
    for (const at of [dir, source.location]) appendFileSync(join(at, file!), "x");
    const before = treeOf(dir);
    const { steps, left } = await repairLayout(layout, { from: [source] });
    expect(steps).toEqual([]);
    expect(left.map((f) => f.code)).toEqual(["BLOB_CORRUPT"]);
    expect(treeOf(dir)).toEqual(before);
  });

  it("takes each blob from the first that has it whole", async () => {
    const { dir, layout, source } = await pair("layouts/oras");
    const { layout: third } = await pair("layouts/oras");
    const [first, second] = blobsOf(dir);
    for (const file of [first!, second!]) rmSync(join(dir, file));
    appendFileSync(join(source.location, first!), "x");
    const { steps } = await repairLayout(layout, { from: [source, third] });
    const from = Object.fromEntries(steps.flatMap((s) => (s.op === "fetch" ? [[blobPath(s.digest), s.from]] : [])));
    expect(from).toEqual({ [first!]: third.location, [second!]: source.location });
  });

  it("lists what nothing lists: the bundles of cosign save", async () => {
    const { layout } = await pair("layouts/cosign-save-bundle");
    expect((await verifyLayout(layout)).findings.map((f) => f.code)).toEqual(["REFERRER_UNLISTED"]);
    const { steps, left } = await repairLayout(layout);
    expect([steps.map((s) => s.op), left]).toEqual([["records"], []]);
    expect((await verifyLayout(layout)).findings.filter((f) => f.severity !== "info")).toEqual([]);
  });

  it("brings the records of two conventions up to date", async () => {
    for (const name of ["layouts/oras-then-regclient", "layouts/regclient-then-oras", "edge/inexact-fallback-list"]) {
      const { layout } = await pair(name);
      const { steps, left } = await repairLayout(layout);
      expect([name, steps.map((s) => s.op), left]).toEqual([name, ["records"], []]);
      expect((await verifyLayout(layout)).findings.filter((f) => f.code === "RECORD_STALE")).toEqual([]);
    }
  });

  it("removes what a dead ocilot left, and nothing of anybody else", async () => {
    const { dir, layout } = await pair("layouts/oras");
    const mine = ".ocilot-tmp-00000000-999999-000000000000";
    for (const name of [mine, "oci-put-blob123", "notes.txt"]) {
      writeFileSync(join(dir, name), "");
      utimesSync(join(dir, name), 1, 1);
    }
    const { steps, left } = await repairLayout(layout);
    expect(steps).toEqual([{ op: "remove", file: mine }]);
    expect(left.map((f) => f.path)).toEqual(["oci-put-blob123"]);
    expect([mine, "oci-put-blob123", "notes.txt"].map((n) => existsSync(join(dir, n)))).toEqual([false, true, true]);
  });

  it.each([
    ["truncated", (b: Buffer) => b.subarray(0, 40)],
    ["with a byte order mark", (b: Buffer) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), b])],
  ])("refuses an index.json that is %s, and says what to do", async (_, damage) => {
    const { dir, layout, source } = await pair("layouts/oras");
    const path = join(dir, "index.json");
    writeFileSync(path, damage(readFileSync(path)));
    utimesSync(path, 1, 1);
    const before = treeOf(dir);
    await expect(repairLayout(layout, { from: [source] })).rejects.toMatchObject({
      code: "LAYOUT_INVALID",
      hint: expect.stringContaining(`cp ${source.location}/index.json ${dir}/index.json`),
    });
    expect(treeOf(dir)).toEqual(before);
  });

  it("follows a manifest that it fetches to what else is missing", async () => {
    const { dir, layout, source } = await pair("layouts/oras");
    for (const file of blobsOf(dir)) rmSync(join(dir, file));
    const { steps, left } = await repairLayout(layout, { from: [source] });
    expect(left).toEqual([]);
    expect(steps.length).toBe(blobsOf(source.location).length);
    expect((await verifyLayout(layout)).findings).toEqual((await verifyLayout(source)).findings);
  });

  it("goes on where the first try was cut short", async () => {
    const { dir, layout, source } = await pair("layouts/oras");
    for (const file of blobsOf(dir)) rmSync(join(dir, file));
    const abort = new AbortController();
    const half = repairLayout(layout, {
      from: [source],
      signal: abort.signal,
      onProgress: ({ phase, done }) => phase === "repair" && done === 4 && abort.abort(),
    });
    await expect(half).rejects.toMatchObject({ code: "ABORTED" });
    expect((await repairLayout(layout, { from: [source] })).left).toEqual([]);
    const digests = blobsOf(dir).map((f) => f.slice(6).replace("/", ":") as Digest);
    expect(digests.length).toBe(blobsOf(source.location).length);
  });
});
