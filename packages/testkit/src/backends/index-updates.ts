import { type Descriptor, type Layout, OcilotError } from "@ocilot/layout";
import { expect, it } from "vitest";
import type { LayoutBuilder } from "../layout-builder.js";
import type { Subject } from "./content.js";
import { codeOf } from "./outcomes.js";

/** Tags and edits of `index.json`; `keepsEntries` is false where an entry is no more than a digest, and perhaps a tag. */
export function describeUpdates(current: () => Subject, { keepsEntries = true }: { readonly keepsEntries?: boolean }): void {
  it("tags what was stored; the snapshot that comes back is what is read", async () => {
    const { layout, content } = current();
    const bytes = content.builder.image();
    const stored = await store(layout, content.builder, bytes);
    const after = await layout.index.update((base) => [
      { op: "insert", before: base.entries.length, descriptor: { ...stored, annotations: { "org.opencontainers.image.ref.name": "new" } } },
    ]);
    expect((await layout.index.read()).digest).toBe(after.digest);
    expect(await layout.resolve("new")).toMatchObject({ digest: stored.digest });
    expect(await layout.resolve("v1")).toMatchObject({ digest: content.image.digest });
  });

  it("moves a tag and takes it away; the manifest stays", async () => {
    const { layout, content } = current();
    await layout.tag(content.sha512, ["v1", "second"]);
    expect(await layout.resolve("v1")).toMatchObject({ digest: content.sha512.digest });
    expect(await layout.resolve("second")).toMatchObject({ digest: content.sha512.digest });
    await layout.untag("v1");
    expect(await codeOf(layout.resolve("v1"))).toBe("REF_NOT_FOUND");
    expect(await codeOf(layout.untag("v1"))).toBe("REF_NOT_FOUND");
    expect(await layout.blobs.has(content.sha512.digest)).toBe(true);
    expect(await layout.blobs.has(content.image.digest)).toBe(true);
  });

  it("writes nothing where there is nothing to change, and nothing where the edit fails", async () => {
    const { layout } = current();
    const before = await layout.index.read();
    expect((await layout.index.update(() => [])).digest).toBe(before.digest);
    const failing = layout.index.update(() => {
      throw new OcilotError("ABORTED", "changed my mind", {});
    });
    expect(await codeOf(failing)).toBe("ABORTED");
    expect((await layout.index.read()).digest).toBe(before.digest);
    expect((await layout.index.update((base) => (expect(base.digest).toBe(before.digest), []))).digest).toBe(before.digest);
  });

  it("loses none of several updates at once", async () => {
    const { layout, content } = current();
    const names = Array.from({ length: 8 }, (_, i) => `t${i}`);
    await Promise.all(names.map(async (name) => await layout.tag(content.image, name)));
    const tags = (await layout.index.read()).entries.flatMap((e) => e.tag ?? []);
    expect(tags).toEqual(expect.arrayContaining(names));
  });

  if (keepsEntries) {
    it("keeps what it does not know", async () => {
      const { content, open } = current();
      content.builder.entry(content.sha512, { tag: "odd", members: { "x-unknown": { a: [1, 2] } } });
      content.builder.members["x-top"] = true;
      const layout = await open(content.builder);
      await layout.tag(content.image, "more");
      const { text } = await layout.index.read();
      expect(text).toContain('"x-unknown":{"a":[1,2]}');
      expect(text).toContain('"x-top":true');
    });
  }
}

async function store(layout: Layout, builder: LayoutBuilder, d: Descriptor): Promise<Descriptor> {
  const manifest = JSON.parse(new TextDecoder().decode(builder.blobs.get(d.digest))) as { config: Descriptor; layers: Descriptor[] };
  for (const blob of [manifest.config, ...manifest.layers, d]) await layout.blobs.put(builder.blobs.get(blob.digest)!, { expect: blob });
  return d;
}
