import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, Layout } from "@ocilot/layout";
import { TOOLS, collectGarbage, copyLayout, doctor, openView, readGraph, verifyLayout } from "@ocilot/referrers";
import { LayoutBuilder, tempDir } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";

/** An image with one referrer that oras listed, and an image that is in no record. */
function signed(): { b: LayoutBuilder; image: Descriptor; other: Descriptor } {
  const b = new LayoutBuilder();
  const image = b.image();
  b.entry(image, { tag: "v1" }).listed(b.referrer(image));
  return { b, image, other: b.image() };
}

async function withIndex(b: LayoutBuilder, text: string): Promise<Layout> {
  const dir = join(tempDir(), "layout");
  await b.directory(dir);
  writeFileSync(join(dir, "index.json"), text);
  return await Layout.open(dir, { sync: false });
}

const found = async (layout: Layout): Promise<Record<string, number>> =>
  Object.fromEntries((await doctor(layout)).tools.map((t) => [t.id, t.found]));

/** Forms in which tools in Go read the same entries as in the right one; seen with oras 1.3.3, skopeo, umoci and cosign. */
const SPELLINGS: readonly (readonly [string, (text: string) => string])[] = [
  ["Manifests", (text) => text.replace('"manifests"', '"Manifests"')],
  ["a long s in manifests", (text) => text.replace('"manifests"', '"manife\u017fts"')],
  ["Digest and mediatype in entries", (text) => text.replaceAll('"digest"', '"Digest"').replaceAll('"mediaType"', '"mediatype"')],
  ["Annotations in entries", (text) => text.replaceAll('"annotations"', '"Annotations"')],
  ["an empty list of the same name before", (text) => text.replace("{", '{"manifests":[],')],
  ["an empty list in other letters before", (text) => text.replace("{", '{"MANIFESTS":[],')],
];

describe.each(SPELLINGS)("index.json with %s", (_, spell) => {
  it("every model finds what it finds in the right form, and doctor says that tools differ", async () => {
    const { b } = signed();
    const layout = await withIndex(b, spell(b.text()));
    expect(await found(layout)).toEqual(await found(b.layout()));
    expect((await doctor(layout)).traps[0]).toMatchObject({ code: "INDEX_UNSAFE" });
    expect((await found(layout))["oras"]).toBe(1);
  });

  it("copy takes the image, its tag and its referrer", async () => {
    const { b, image } = signed();
    const target = await Layout.create(join(tempDir(), "new"), { sync: false });
    const result = await copyLayout(await withIndex(b, spell(b.text())), target);
    expect(result).toMatchObject({ manifests: 2, referrers: 1, replacedEntries: [] });
    expect((await target.index.read()).entries.map((e) => e.tag)).toEqual(["v1", undefined]);
    expect((await readGraph(await openView(target))).of(image.digest)).toHaveLength(1);
  });

  it("gc removes nothing and verify advises no gc", async () => {
    const { b } = signed();
    const layout = await withIndex(b, spell(b.text()));
    await expect(collectGarbage(layout, { grace: 0 })).rejects.toMatchObject({ code: "WRITE_REFUSED" });
    const { findings } = await verifyLayout(layout);
    expect(findings.map((f) => f.code)).toContain("INDEX_QUIRK");
    expect(findings.filter((f) => f.fix?.startsWith("ocilot gc"))).toEqual([]);
  });
});

describe("a list that a later one replaces", () => {
  it("is what no tool reads: the copy names what it leaves out, and gc keeps it", async () => {
    const { b, image, other } = signed();
    const last = JSON.stringify({ ...other, annotations: { "org.opencontainers.image.ref.name": "last" } });
    const layout = await withIndex(b, `${b.text().slice(0, -1)},"MANIFESTS":[${last}]}`);
    expect((await layout.index.read()).entries.map((e) => [e.descriptor.digest, e.tag])).toEqual([[other.digest, "last"]]);
    const target = await Layout.create(join(tempDir(), "new"), { sync: false });
    const { replacedEntries, manifests } = await copyLayout(layout, target);
    expect(manifests).toBe(1);
    expect(replacedEntries).toHaveLength(2);
    expect(replacedEntries).toContain(image.digest);
    await expect(collectGarbage(layout, { grace: 0 })).rejects.toMatchObject({ code: "WRITE_REFUSED" });
    const fixes = (await verifyLayout(layout)).findings.filter((f) => f.code === "UNREFERENCED_BLOB").map((f) => f.fix);
    expect(fixes.length).toBeGreaterThan(0);
    expect(new Set(fixes)).toEqual(new Set([`ocilot copy --all ${layout.location} NEW`]));
  });
});

it("bytes after the document block the programs that want it to be the only value, and no other", async () => {
  const { b } = signed();
  const layout = await withIndex(b, `${b.text()}{"more":1}`);
  const { tools } = await doctor(layout);
  const blocked = tools.filter((t) => t.blocked.length > 0).map((t) => t.id);
  expect(blocked.toSorted()).toEqual(["buildx", "containerd", "cosign", "zot"]);
  expect(tools.map((t) => t.id)).toEqual(TOOLS.map((t) => t.id));
  expect(tools.find((t) => t.id === "oras")?.found).toBe(1);
});

/** Forms of a referrer's manifest in which tools in Go find its subject. */
const REFERRERS: readonly (readonly [string, (text: string) => string])[] = [
  ["Subject", (text) => text.replace('"subject"', '"Subject"')],
  ["Digest in its subject", (text) => text.replace(/("subject":\s*\{[^}]*)"digest"/, '$1"Digest"')],
  ["a subject that occurs twice", (text) => text.replace("{", '{"subject":null,')],
];

describe.each(REFERRERS)("a referrer with %s", (_, spell) => {
  function misspelled(isListed = true): { b: LayoutBuilder; image: Descriptor; referrer: Descriptor } {
    const b = new LayoutBuilder();
    const image = b.image();
    const plain = b.referrer(image);
    const text = spell(new TextDecoder().decode(b.blobs.get(plain.digest)));
    const referrer = { ...plain, ...b.blob(text, plain.mediaType) };
    b.entry(image, { tag: "v1" });
    if (isListed) b.listed(referrer);
    b.forget(plain);
    return { b, image, referrer };
  }

  it("is found by the models of the tools that read manifests, and blocks none", async () => {
    const { b, image, referrer } = misspelled();
    const view = await openView(b.layout());
    for (const id of ["oras", "regctl-slow", "buildx", "zot"] as const) {
      const tool = TOOLS.find((t) => t.id === id)!;
      expect([id, await tool.finds(view, image.digest)]).toEqual([id, [referrer.digest]]);
      expect([id, await tool.traps(view)]).toEqual([id, []]);
    }
  });

  it("is not collected where no record lists it", async () => {
    const { b, referrer } = misspelled(false);
    const layout = await b.directory(join(tempDir(), "layout"));
    await expect(collectGarbage(layout, { grace: 0 })).rejects.toMatchObject({ message: expect.stringContaining("nothing is collected") });
    expect(await layout.blobs.has(referrer.digest)).toBe(true);
  });

  it("is no referrer for ocilot: gc removes nothing, copy and verify name it", async () => {
    const { b, referrer } = misspelled();
    const dir = join(tempDir(), "layout");
    const layout = await b.directory(dir);
    await expect(collectGarbage(layout, { grace: 0 })).rejects.toMatchObject({ code: expect.stringMatching(/INVALID$/) });
    await expect(copyLayout(layout, Layout.inMemory())).rejects.toMatchObject({ code: expect.stringMatching(/INVALID$/) });
    const { findings } = await verifyLayout(layout);
    expect(findings.filter((f) => f.digest === referrer.digest && f.severity === "error").map((f) => f.code)).toContain("UNREADABLE");
    expect(findings.filter((f) => f.fix?.startsWith("ocilot gc"))).toEqual([]);
  });
});
