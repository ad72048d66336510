import { existsSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, type Digest, Layout, OcilotError, blobPath, memoryBackend } from "@ocilot/layout";
import { collectGarbage, verifyLayout } from "@ocilot/referrers";
import { LayoutBuilder, copyLayout, fixtureLayout, tempDir, FIXTURES } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { errorOf } from "./helpers.js";

async function blobsIn(layout: Layout): Promise<string[]> {
  const found: string[] = [];
  for await (const { digest } of layout.blobs.list()) found.push(digest);
  return found.toSorted();
}

/** One image in use, and one blob that is not. */
async function onDisk(change: (b: LayoutBuilder, image: Descriptor) => void = () => undefined) {
  const builder = new LayoutBuilder();
  const image = builder.image();
  builder.entry(image, { tag: "v1" });
  const garbage = builder.blob("garbage");
  change(builder, image);
  const dir = join(tempDir(), "layout");
  return { layout: await builder.directory(dir), builder, image, garbage, dir };
}

describe("a blob stays whose file holds another one that is in use", () => {
  const ways: Record<string, (dir: string, used: Digest, unused: Digest) => void> = {
    "a directory of algorithms that is a link": (dir) => symlinkSync("sha256", join(dir, "blobs/blake3")),
    "a directory of algorithms moved away and linked under two names": (dir) => {
      renameSync(join(dir, "blobs/sha256"), join(dir, "blobs/SHA"));
      symlinkSync("SHA", join(dir, "blobs/sha256"));
      symlinkSync("sha256", join(dir, "blobs/blake3"));
    },
    "an unused name that is a link to it": (dir, used, unused) => symlinkSync(`../../${blobPath(used)}`, join(dir, blobPath(unused))),
    "an unused name that is a link through a link": (dir, used, unused) => {
      symlinkSync(`sha256/${used.slice(7)}`, join(dir, "blobs/via"));
      symlinkSync("../via", join(dir, blobPath(unused)));
    },
    "a name in use that is a link to an unused one": (dir, used, unused) => {
      renameSync(join(dir, blobPath(used)), join(dir, blobPath(unused)));
      symlinkSync(unused.slice(7), join(dir, blobPath(used)));
    },
    "an unused hard link": (dir, used, unused) => linkSync(join(dir, blobPath(used)), join(dir, blobPath(unused))),
  };
  test.each(Object.entries(ways))("%s", async (_, make) => {
    const { layout, image, garbage, dir } = await onDisk();
    const unused = `sha256:${"0".repeat(64)}` as Digest;
    make(dir, image.digest, unused);
    const { removed } = await collectGarbage(layout, { grace: 0 });
    expect(removed.map((r) => r.digest)).not.toContain(image.digest);
    const again = await Layout.open(dir);
    expect(await again.blobs.bytes(image)).toHaveLength(image.size);
    const { findings } = await verifyLayout(again);
    expect(findings.filter((f) => f.severity === "error" || f.code === "UNREFERENCED_BLOB")).toEqual([]);
    expect(await again.blobs.has(garbage.digest)).toBe(false);
  });
});

test("a detached manifest stays whose name has become one of a blob in use since the collection was planned", async () => {
  let detached: Descriptor;
  const { layout, image, dir } = await onDisk((b, d) => b.annotate({ "io.ocilot.detached": (detached = b.referrer(d)).digest }));
  const read = layout.index.read.bind(layout.index);
  let reads = 0;
  layout.index.read = async () => {
    // The first is that of the plan, the second one comes right before the removal.
    if (++reads === 2) {
      rmSync(join(dir, blobPath(detached.digest)));
      linkSync(join(dir, blobPath(image.digest)), join(dir, blobPath(detached.digest)));
    }
    return await read();
  };
  const { spared } = await collectGarbage(layout, { grace: 0 });
  expect(spared.map((b) => b.digest)).toContain(detached!.digest);
  expect(existsSync(join(dir, blobPath(detached!.digest)))).toBe(true);
});

describe("Docker's files beside index.json", () => {
  test.each([
    ["cases/docker-save-null-manifests", []],
    ["cases/docker-save-two-by-digest", []],
    // The manifest of the absent platform would name these; no file does.
    ["cases/docker-save-one-platform", ["1b21fde4", "616f327c", "67f45950", "97a46be2"]],
  ])("%s: only what no file names is removed", async (name, gone) => {
    const layout = fixtureLayout(name);
    const before = await blobsIn(layout);
    for (const pruneDangling of [false, true]) await collectGarbage(layout, { grace: 0, pruneDangling });
    const after = await blobsIn(layout);
    expect(before.filter((d) => !after.includes(d)).map((d) => d.slice(7, 15))).toEqual(gone);
  });

  test("keep what they name also where they are not what Docker writes", async () => {
    for (const text of [`{"Config": "blobs/sha256/HEX"`, `{"any": ["sha256:HEX"]}`, `[{"Config": 3, "Layers": ["./blobs/sha256/HEX"]}]`]) {
      const { layout, garbage } = await onDisk();
      const bytes = new TextEncoder().encode(text.replace("HEX", garbage.digest.slice(7)));
      await layout.putDockerDocument("manifest.json", bytes);
      expect((await collectGarbage(layout, { grace: 0 })).removed).toEqual([]);
    }
  });

  test("a file that cannot be read stops a collection", async () => {
    const { layout, dir, garbage } = await onDisk();
    mkdirSync(join(dir, "manifest.json"));
    expect(await errorOf(collectGarbage(layout, { grace: 0 }))).toBeInstanceOf(OcilotError);
    expect(await layout.blobs.has(garbage.digest)).toBe(true);
  });

  test("a referrer of an image that they alone list stays", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const config = (JSON.parse(new TextDecoder().decode(builder.blobs.get(image.digest))) as { config: Descriptor }).config;
    const sbom = builder.referrer(image);
    const layout = builder.layout();
    const before = await blobsIn(layout);
    const manifest = JSON.stringify([{ Config: blobPath(config.digest), RepoTags: null, Layers: [] }]);
    await layout.putDockerDocument("manifest.json", new TextEncoder().encode(manifest));
    const { removed, unlisted } = await collectGarbage(layout, { grace: 0 });
    expect([removed, unlisted]).toEqual([[], [sbom.digest]]);
    expect(await blobsIn(layout)).toEqual(before);
  });
});

describe("what ocilot cannot follow keeps what it names", () => {
  const TYPES = ["application/vnd.acme.manifest.v1+json", "application/octet-stream", "application/json", ""].map(
    (t) => t || "application/vnd.OCI.image.manifest.v1+json; charset=utf-8",
  );
  type Place = (b: LayoutBuilder, d: Descriptor, image: Descriptor) => void;
  const places: Record<string, Place> = {
    "an entry": (b, d) => void b.entry(d),
    "a tagged entry": (b, d) => void b.entry(d, { tag: "v2" }),
    "a child": (b, d) => void b.entry(b.imageIndex([b.imageIndex([d])])),
    "a line of a referrers list": (b, d, image) =>
      void b.entry(b.list([{ ...d }], { exact: false }), { tag: image.digest.replace(":", "-") }),
    "a config": (b, d) => void b.entry(b.image({ members: { config: d } })),
    "a layer": (b, d) => void b.entry(b.image({ members: { layers: [d] } })),
    "a layer of a referrer that nothing lists": (b, d, image) => void b.referrer(image, { members: { layers: [d] } }),
    "what another such blob names": (b, d) =>
      void b.entry(b.document({ deep: { er: [`${d.digest}`] } }, "application/vnd.acme.other+json"), { tag: "v2" }),
  };
  test.each(Object.entries(places).flatMap(([where, place]) => TYPES.map((type) => [where, type, place] as const)))(
    "%s of type %s",
    async (_, type, place) => {
      const builder = new LayoutBuilder();
      const image = builder.image();
      builder.entry(image, { tag: "v1" });
      const inner = builder.image();
      const [blob, escaped] = [builder.blob("named"), builder.blob("named with escapes")];
      const text = `{"digest":"${inner.digest}","more":[{"blobSum":"${blob.digest}"}],"x":"sha256\\u003a${escaped.digest.slice(7)}"}`;
      const unknown = builder.blob(text, type);
      const needed = [...builder.blobs.keys()];
      place(builder, unknown, image);
      const layout = builder.layout();
      const garbage = await layout.blobs.put(new TextEncoder().encode("garbage"));
      const { removed } = await collectGarbage(layout, { grace: 0 });
      expect(removed.map((r) => r.digest)).toContain(garbage.digest);
      expect(await blobsIn(layout)).toEqual(expect.arrayContaining(needed));
    },
  );

  test("a manifest under any media type keeps its config and layers, and its referrers", async () => {
    for (const type of TYPES) {
      const builder = new LayoutBuilder();
      const image = builder.image();
      const sbom = builder.referrer(image);
      builder.entry({ ...image, mediaType: type }, { tag: "v1" });
      const layout = builder.layout();
      await layout.blobs.put(new TextEncoder().encode("garbage"));
      expect((await collectGarbage(layout, { grace: 0 })).removed).toHaveLength(1);
      expect(await layout.blobs.has(sbom.digest)).toBe(true);
    }
  });

  test("one that is corrupt stops a collection, which names it", async () => {
    const { layout, builder, dir, garbage } = await onDisk((b) => b.entry(b.blob("{}", "application/vnd.acme+json"), { tag: "v2" }));
    const bad = builder.entries.at(-1)!["digest"] as Digest;
    writeFileSync(join(dir, blobPath(bad)), "[]");
    const error = await errorOf(collectGarbage(layout, { grace: 0 }));
    expect(error.code).toBe("BLOB_CORRUPT");
    expect(error.message).toContain(bad);
    expect(await layout.blobs.has(garbage.digest)).toBe(true);
  });
});

describe("marking ends only when nothing new is found", () => {
  test("referrers of referrers that nothing lists, in any order, and subjects of what is kept", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(image, { tag: "v1" });
    // Each is found only by the one before it, through a subject that a record names, a scan finds, or a blob names.
    let top = image;
    for (let i = 0; i < 6; i++) top = builder.referrer(top);
    const inner = builder.image();
    const above = builder.referrer(builder.referrer(inner));
    const needed = [...builder.blobs.keys()];
    const odd = builder.referrer(top, { members: { layers: [builder.document({ d: inner.digest }, "application/vnd.acme+json")] } });
    const layout = builder.layout();
    await layout.blobs.put(new TextEncoder().encode("garbage"));
    const { unlisted } = await collectGarbage(layout, { grace: 0 });
    expect(unlisted).toEqual(expect.arrayContaining([odd.digest, above.digest]));
    expect(await blobsIn(layout)).toEqual(expect.arrayContaining(needed));
  });

  test("a chain of referrers that nothing lists, stored in the adverse order", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(image, { tag: "v1" });
    let top = image;
    for (let i = 0; i < 8; i++) top = builder.referrer(top);
    const layout = new Layout(memoryBackend(builder.text(), [...builder.blobs].toReversed()));
    const before = await blobsIn(layout);
    await layout.blobs.put(new TextEncoder().encode("garbage"));
    expect((await collectGarbage(layout, { grace: 0 })).unlisted).toHaveLength(8);
    expect(await blobsIn(layout)).toEqual(before);
  });

  test("a link without a subject keeps its referrer", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const attestation = builder.image();
    builder.entry(image, { tag: "v1" }).entry(attestation, { annotations: { "io.containerd.manifest.subject": image.digest } });
    const layout = builder.layout();
    expect((await collectGarbage(layout, { grace: 0 })).removed).toEqual([]);
  });

  test("a referrer of an absent subject stays as long as something names that subject, and goes with pruning", async () => {
    const make = () => {
      const builder = new LayoutBuilder();
      const gone = builder.image();
      const listed = builder.referrer(gone);
      const hidden = builder.referrer(gone);
      return { layout: builder.listed(listed).forget(gone).layout(), hidden };
    };
    const kept = make();
    await collectGarbage(kept.layout, { grace: 0 });
    expect(await kept.layout.blobs.has(kept.hidden.digest)).toBe(true);
    const pruned = make();
    await collectGarbage(pruned.layout, { grace: 0, pruneDangling: true });
    expect(await pruned.layout.blobs.has(pruned.hidden.digest)).toBe(false);
  });

  test("a blob that the system cannot read stops a collection before anything is pruned", async () => {
    const { layout, garbage } = await onDisk((b, image) => {
      const gone = b.image();
      b.listed(b.referrer(gone)).forget(gone);
      b.referrer(image);
    });
    const { text } = await layout.index.read();
    const bytesMany = layout.blobs.bytesMany.bind(layout.blobs);
    layout.blobs.bytesMany = async (ds, options) =>
      (await bytesMany(ds, options)).map((found, i) =>
        ds[i]!.mediaType === "application/octet-stream" ? new OcilotError("IO_ERROR", "EACCES", { path: blobPath(ds[i]!.digest) }) : found,
      );
    for (const pruneDangling of [false, true])
      expect((await errorOf(collectGarbage(layout, { grace: 0, pruneDangling }))).code).toBe("IO_ERROR");
    expect((await layout.index.read()).text).toBe(text);
    expect(await layout.blobs.has(garbage.digest)).toBe(true);
  });
});

describe("a collection and the machine", () => {
  test("measures age by the clock of the file system", async () => {
    const { layout, garbage, dir } = await onDisk();
    const seconds = Date.now() / 1000 + 7200;
    utimesSync(join(dir, blobPath(garbage.digest)), seconds, seconds);
    layout.blobs.now = async () => Date.now() + 7_200_000;
    expect((await collectGarbage(layout)).spared.map((s) => s.digest)).toContain(garbage.digest);
    layout.blobs.now = async () => Date.now() + 7_200_000 + 3_700_000;
    expect((await collectGarbage(layout)).removed.map((s) => s.digest)).toEqual([garbage.digest]);
  });

  test("on a full disk makes room for its lock first, and reports what it removed for that", async () => {
    const { layout, garbage } = await onDisk((b) => void b.blob("more garbage"));
    const update = layout.index.update.bind(layout.index);
    let failures = 0;
    layout.index.update = async (edit, options) => {
      if (failures++ < 1) throw new OcilotError("IO_ERROR", "no space left", { path: ".ocilot-lock", errno: "ENOSPC" });
      return await update(edit, options);
    };
    const { removed, steps } = await collectGarbage(layout, { grace: 0 });
    expect(removed).toHaveLength(2);
    expect(steps.sweep.count).toBe(2);
    expect(await layout.blobs.has(garbage.digest)).toBe(false);
  });

  test("on a full disk with nothing to remove says that the disk is full", async () => {
    const layout = await copyLayout(join(FIXTURES, "layouts/oras"), join(tempDir(), "layout"));
    layout.index.update = async () => {
      throw new OcilotError("IO_ERROR", "no space left", { path: ".ocilot-lock", errno: "ENOSPC" });
    };
    expect(await errorOf(collectGarbage(layout, { grace: 0 }))).toMatchObject({ code: "IO_ERROR", details: { errno: "ENOSPC" } });
  });
});
