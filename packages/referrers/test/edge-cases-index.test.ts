import { type Digest, Layout, OLAREG_CONVERT } from "@ocilot/layout";
import { type ConventionId, convert, findTool, listReferrers, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder, aroundEntries, blobHashes, indexText, rawEntries, tempDir } from "@ocilot/testkit";
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SIX, errorOf } from "./helpers.js";

/** An image with two referrers that oras listed. */
function orasLayout(): LayoutBuilder {
  const builder = new LayoutBuilder();
  const image = builder.image();
  builder.entry(image, { tag: "v1" });
  builder.listed(builder.referrer(image)).listed(builder.referrer(image, { annotations: { a: "b" } }));
  return builder;
}

/** Writes `text` as the index.json of a layout that is otherwise fine, and tells what was there before. */
async function withIndex(builder: LayoutBuilder, text: string | Uint8Array): Promise<{ dir: string; layout: Layout }> {
  const dir = join(tempDir(), "layout");
  const layout = await builder.directory(dir);
  writeFileSync(join(dir, "index.json"), text);
  return { dir, layout };
}

describe("index.json as other tools leave it", () => {
  it("1 manifests null is an empty index: converting it adds no entry and makes no array of it", async () => {
    const { layout } = await withIndex(new LayoutBuilder(), '{"schemaVersion":2,"manifests":null}');
    for (const to of ["oras", "regclient", "containerd"] as const) expect((await convert(layout, { to })).changed).toBe(false);
    await convert(layout, { to: "olareg" });
    expect(await indexText(layout)).toBe(`{"schemaVersion":2,"manifests":null,"annotations":{"${OLAREG_CONVERT}":"true"}}`);
  });

  it.each(["schemaVersion", "mediaType"])("2 a missing %s stays missing", async (member) => {
    const builder = orasLayout();
    delete builder.members[member];
    const layout = builder.layout();
    await convert(layout, { to: "universal" });
    expect(JSON.parse(await indexText(layout))).not.toHaveProperty([member]);
  });

  it("3 a byte order mark: an error, and nothing is written", async () => {
    const builder = orasLayout();
    const { dir, layout } = await withIndex(builder, `\ufeff${builder.text()}`);
    await refusesAndKeeps(dir, layout, "LAYOUT_INVALID");
  });

  it("4 a truncated index: an error, and the layout is not started anew from empty", async () => {
    const builder = orasLayout();
    const { dir, layout } = await withIndex(builder, builder.text().slice(0, -40));
    await refusesAndKeeps(dir, layout, "LAYOUT_INVALID");
  });

  it.each([
    ["5 duplicate keys", (text: string) => text.replace('{"schemaVersion":2', '{"manifests":[],"schemaVersion":2')],
    ["6 trailing bytes", (text: string) => `${text}{"more":1}`],
  ])("%s: read, and every write refused", async (_, spoil) => {
    const builder = orasLayout();
    const { dir, layout } = await withIndex(builder, spoil(builder.text()));
    expect((await layout.index.read()).quirks).toHaveLength(1);
    expect((await readGraph(await openView(layout))).size).toBe(2);
    await refusesAndKeeps(dir, layout, "CONVERSION_REFUSED");
  });

  it("7 version 1.1.0: read with a warning, and every write refused", async () => {
    const dir = join(tempDir(), "layout");
    const builder = orasLayout();
    await builder.directory(dir);
    writeFileSync(join(dir, "oci-layout"), '{"imageLayoutVersion":"1.1.0"}');
    const layout = await Layout.open(dir);
    expect(layout.warnings).toHaveLength(1);
    expect((await readGraph(await openView(layout))).size).toBe(2);
    await refusesAndKeeps(dir, layout, "CONVERSION_REFUSED");
  });

  it("9 oci-layout with spaces, more members and a newline is not touched", async () => {
    const dir = join(tempDir(), "layout");
    await orasLayout().directory(dir);
    const marker = '{ "imageLayoutVersion" : "1.0.0", "x": 9007199254740993 }\n';
    writeFileSync(join(dir, "oci-layout"), marker);
    await convert(await Layout.open(dir, { sync: false }), { to: "universal" });
    expect(readFileSync(join(dir, "oci-layout"), "utf8")).toBe(marker);
  });

  it("10 unknown members of the index and of entries keep their bytes", async () => {
    const builder = orasLayout();
    builder.entry(builder.image(), { tag: "x", members: { "x-count": "9007199254740993123", 10: {}, 2: [] } });
    builder.tail["org.olareg.history"] = { v1: [{ time: "2026-01-01T00:00:00Z" }] };
    const layout = builder.layout();
    const [mine] = rawEntries(builder.text()).slice(-1);
    await convert(layout, { to: "universal" });
    expect(rawEntries(await indexText(layout))).toContain(mine);
    expect(aroundEntries(await indexText(layout)).behind).toContain(',"org.olareg.history":{"v1":[{"time":"2026-01-01T00:00:00Z"}]}');
  });

  it("11 a subject of index.json itself is kept and is no link", async () => {
    const builder = orasLayout();
    const subject = builder.image();
    builder.members["artifactType"] = "a/b";
    builder.tail["subject"] = subject;
    const layout = builder.layout();
    expect((await readGraph(await openView(layout))).subjects()).not.toContain(subject.digest);
    await convert(layout, { to: "regclient", only: true });
    expect(JSON.parse(await indexText(layout))).toMatchObject({ artifactType: "a/b", subject });
  });

  it("12 every manifest is opened once, however many subjects and conventions there are", async () => {
    const builder = new LayoutBuilder();
    for (let i = 0; i < 40; i++) {
      const image = builder.image();
      const referrers = [builder.referrer(image), builder.referrer(image)];
      builder.entry(image, { tag: `v${i}` }).listed(referrers[0]!);
      builder.entry(builder.list(referrers), { annotations: { "org.olareg.referrer.subject": image.digest } });
    }
    const layout = builder.layout();
    const opened = new Map<Digest, number>();
    const { bytesMany } = layout.blobs;
    layout.blobs.bytesMany = async (descriptors, options) => {
      for (const { digest } of descriptors) opened.set(digest, (opened.get(digest) ?? 0) + 1);
      return await bytesMany.call(layout.blobs, descriptors, options);
    };
    const view = await openView(layout);
    await readGraph(view);
    for (const tool of ["oras", "regctl", "regctl-slow", "olareg", "containerd"])
      for (const { descriptor } of view.entries) await findTool(tool)!.finds(view, descriptor.digest);
    expect(opened.size).toBe(40 * 4);
    expect([...opened.values()].filter((n) => n > 1)).toEqual([]);
  });

  it.each([
    ["3 spaces", "   ", ""],
    ["tabs and a newline", "\t", "\n"],
    ["compact with a newline", "", "\n"],
  ])("13 the style is kept: %s", async (_, indent, end) => {
    const builder = orasLayout();
    builder.indent = indent;
    builder.end = end;
    const layout = builder.layout();
    await convert(layout, { to: "universal" });
    const text = await indexText(layout);
    expect(text).toBe(JSON.stringify(JSON.parse(text), null, indent) + end);
  });

  it("14 modes are kept: an index of 0600 among blobs of 0444", async () => {
    const dir = join(tempDir(), "layout");
    const layout = await orasLayout().directory(dir);
    chmodSync(join(dir, "index.json"), 0o600);
    await convert(layout, { to: "universal" });
    expect(statSync(join(dir, "index.json")).mode & 0o777).toBe(0o600);
  });

  it("15 blobs/ missing: everything is absent, and nothing fails", async () => {
    const builder = orasLayout();
    builder.blobs.clear();
    const view = await openView(builder.layout());
    expect((await readGraph(view)).size).toBe(0);
    expect((await view.reach()).map((r) => r.node.state)).toEqual(["absent", "absent", "absent"]);
  });

  it("16 other programs' files stay and are not taken for blobs", async () => {
    const dir = join(tempDir(), "layout");
    const layout = await orasLayout().directory(dir);
    for (const name of ["ingest", "_uploads", ".uploads", ".umoci-x"]) mkdirSync(join(dir, name));
    for (const name of ["manifest.json", "index.json.123.tmp", "oci-put-blob1", "blobs/sha256/abc.tmp"])
      writeFileSync(join(dir, name), "x");
    const before = readdirSync(dir, { recursive: true }).length;
    const { plan } = await convert(layout, { to: "universal" });
    expect(readdirSync(dir, { recursive: true })).toHaveLength(before + plan.steps.filter((s) => s.op === "put").length);
  });

  it("17 a blob that links out of the layout is not followed", async () => {
    const dir = join(tempDir(), "layout");
    const layout = await orasLayout().directory(dir);
    const { digest } = (await layout.index.read()).entries[1]!.descriptor;
    const inside = join(dir, "blobs", "sha256", digest.slice(7));
    const outside = join(tempDir(), "elsewhere");
    renameSync(inside, outside);
    symlinkSync(outside, inside);
    const graph = await readGraph(await openView(layout));
    expect(graph.edges().map((e) => e.referrer.digest)).not.toContain(digest);
    expect(graph.size).toBe(1);
  });
});

async function refusesAndKeeps(dir: string, layout: Layout, code: string): Promise<void> {
  const before = { text: readFileSync(join(dir, "index.json")), names: readdirSync(dir).toSorted(), blobs: await blobHashes(layout) };
  for (const to of SIX as readonly ConventionId[]) {
    // There is nothing to write for oras, so there is nothing to refuse.
    if (code === "CONVERSION_REFUSED" && to === "oras") continue;
    expect(await errorOf(convert(layout, { to }))).toMatchObject({ code });
  }
  if (code === "LAYOUT_INVALID") {
    const subject = `sha256:${"0".repeat(64)}` as Digest;
    await expect(listReferrers(layout, subject)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code });
  }
  expect({ text: readFileSync(join(dir, "index.json")), names: readdirSync(dir).toSorted(), blobs: await blobHashes(layout) }).toEqual(
    before,
  );
}
