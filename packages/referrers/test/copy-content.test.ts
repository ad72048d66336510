import { join } from "node:path";
import { CONTAINERD_IMAGE_NAME, type Descriptor, EMPTY_JSON, Layout, OcilotError, blobPath, openLayout } from "@ocilot/layout";
import { collectGarbage, copyLayout, copyToArchive, parsePlatform, verifyLayout } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, tempDir } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { entriesOf, errorOf } from "./helpers.js";

const AMD = { os: "linux", architecture: "amd64" };
const ARM = { os: "linux", architecture: "arm64" };
const empty = (): Layout => new LayoutBuilder().layout();
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function blobsIn(layout: Layout): Promise<string[]> {
  const found: string[] = [];
  for await (const { digest } of layout.blobs.list()) found.push(digest);
  return found.toSorted();
}

async function documentsOf(layout: Layout): Promise<Record<string, string>> {
  return Object.fromEntries(Object.entries(await layout.dockerDocuments()).map(([file, bytes]) => [file, new TextDecoder().decode(bytes)]));
}

async function archived(source: Layout, options: Parameters<typeof copyToArchive>[2] = {}) {
  const path = join(tempDir(), "copy.tar");
  const result = await copyToArchive(source, path, { ...options, sync: false });
  return { result, layout: await openLayout(path) };
}

describe("what Docker's files list is copied with everything else", () => {
  test.each([
    ["cases/docker-save-null-manifests", 0],
    ["cases/docker-save-two-by-digest", 0],
    // Left by the platform that is absent.
    ["cases/docker-save-one-platform", 4],
  ])("%s, into a directory, an archive, and over itself", async (name, unreferenced) => {
    const source = fixtureLayout(name);
    const target = await Layout.create(join(tempDir(), "out"), { sync: false });
    const result = await copyLayout(source, target);
    const archive = await archived(source);
    for (const copy of [target, archive.layout]) {
      expect((await blobsIn(copy)).length).toBe((await blobsIn(source)).length - unreferenced);
      expect(await documentsOf(copy)).toEqual(await documentsOf(source));
      expect(await entriesOf(copy)).toEqual(await entriesOf(source));
      expect((await verifyLayout(copy)).findings.filter((f) => f.severity === "error")).toEqual([]);
    }
    for (const r of [result, archive.result]) expect([r.unreferenced.blobs, r.missing, r.notCarried]).toEqual([unreferenced, [], []]);
    const documents = await documentsOf(target);
    const { text } = await target.index.read();
    const again = await copyLayout(source, target);
    expect([again.written.blobs, again.moved, again.notCarried]).toEqual([0, [], []]);
    expect([await documentsOf(target), (await target.index.read()).text]).toEqual([documents, text]);
    await collectGarbage(target, { grace: 0 });
    expect((await blobsIn(target)).length).toBe((await blobsIn(source)).length - unreferenced);
  });

  describe("repositories", () => {
    const [a, b] = ["a", "b"].map((hex) => hex.repeat(64));
    const copied = async (there: string, added: string): Promise<{ text: string; notCarried: readonly string[] }> => {
      const source = fixtureLayout("cases/docker-save-two-by-digest");
      const target = fixtureLayout("layouts/oras");
      await source.putDockerDocument("repositories", bytesOf(added));
      await target.putDockerDocument("repositories", bytesOf(there));
      const { notCarried } = await copyLayout(source, target);
      return { text: new TextDecoder().decode((await target.dockerDocuments()).repositories), notCarried };
    };

    test("of both sides are merged; the target's stay", async () => {
      const { text, notCarried } = await copied(
        `{"app":{"1":"${a}"},"__proto__":{"x":"${a}"}}`,
        `{"app":{"1":"${a}","2":"${b}"},"other":{"1":"${b}"}}`,
      );
      expect(text).toBe(`{"app":{"1":"${a}","2":"${b}"},"__proto__":{"x":"${a}"},"other":{"1":"${b}"}}`);
      expect(notCarried).toEqual([]);
    });

    test("that hold nothing new leave the target's bytes", async () => {
      const there = `{ "app": {"1":"${a}" , "2":"${b}"} }`;
      expect(await copied(there, `{"app":{"1":"${a}"}}`)).toEqual({ text: there, notCarried: [] });
    });

    test.each([`{"app":{"1":"${b}"}}`, "[]", `{"app":"${b}"}`, "{"])("%s is not carried, and nothing is taken", async (added) => {
      const there = `{"app":{"1":"${a}"}}`;
      expect(await copied(there, added)).toEqual({ text: there, notCarried: ["repositories"] });
      if (added.includes('"1"')) return;
      expect(await copied(added, there)).toEqual({ text: added, notCarried: ["repositories"] });
    });
  });

  test("images are added to a manifest.json that the target has", async () => {
    const target = fixtureLayout("cases/docker-save-one-platform");
    const before = (await target.dockerImages()).images;
    await copyLayout(fixtureLayout("cases/docker-save-two-by-digest"), target);
    const after = (await target.dockerImages()).images;
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.length).toBe(before.length + 2);
    await collectGarbage(target, { grace: 0 });
    for (const image of after) for (const digest of image.layers) expect(await target.blobs.has(digest)).toBe(true);
  });

  test("an archive for docker lists them too", async () => {
    const { layout } = await archived(fixtureLayout("cases/docker-save-two-by-digest"), { docker: true });
    expect((await layout.dockerImages()).images).toHaveLength(2);
  });

  test("what a target cannot hold is named", async () => {
    const target = empty();
    await target.putDockerDocument("manifest.json", bytesOf('{"name":"another tool"}'));
    const { notCarried } = await copyLayout(fixtureLayout("cases/docker-save-null-manifests"), target);
    expect(notCarried).toEqual(["manifest.json"]);
    const source = new LayoutBuilder().layout();
    await source.putDockerDocument("manifest.json", bytesOf('[{"Config":"abc.json","RepoTags":null,"Layers":["abc/layer.tar"]}]'));
    expect((await copyLayout(source, empty())).notCarried).toEqual(["abc.json", "abc/layer.tar"]);
  });
});

describe("what ocilot cannot follow is copied with what it names", () => {
  const places: Record<string, (b: LayoutBuilder, d: Descriptor) => Descriptor> = {
    "the image itself": (_, d) => d,
    "a child": (b, d) => b.imageIndex([d]),
    "a config": (b, d) => b.image({ members: { config: d } }),
    "a layer": (b, d) => b.image({ members: { layers: [d] } }),
    "a layer of a referrer": (b, d) => {
      const image = b.image();
      b.listed(b.referrer(image, { members: { layers: [d] } }));
      return image;
    },
    "what another such blob names": (b, d) => b.document({ deep: [{ er: d.digest }] }, "application/octet-stream"),
  };
  test.each(Object.entries(places))("%s", async (_, place) => {
    const builder = new LayoutBuilder();
    const inner = builder.image();
    const needed = [...builder.blobs.keys()];
    const unknown = builder.document({ any: [{ blob: inner.digest }] }, "application/vnd.acme.list+json");
    builder.entry(place(builder, unknown), { tag: "v1" });
    const source = builder.layout();
    for (const options of [{}, { reference: "v1" }]) {
      const target = empty();
      const { unreferenced } = await copyLayout(source, target, options);
      expect(await blobsIn(target)).toEqual(expect.arrayContaining([...needed, unknown.digest]));
      expect(unreferenced.blobs).toBe("reference" in options ? 0 : (await blobsIn(source)).length - (await blobsIn(target)).length);
    }
  });

  test("one that cannot be read refuses the copy", async () => {
    const builder = new LayoutBuilder();
    const unknown = builder.document({ any: 1 }, "application/vnd.acme.list+json");
    builder.blobs.set(unknown.digest, bytesOf("x".repeat(unknown.size)));
    builder.blob("something that may belong to it");
    const error = await errorOf(copyLayout(builder.entry(unknown, { tag: "v1" }).layout(), empty(), { reference: "v1" }));
    expect(error).toMatchObject({ code: "BLOB_CORRUPT", details: { digest: unknown.digest } });
  });

  test("a blob that the system cannot read refuses the copy", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const hidden = builder.referrer(image);
    const source = builder.entry(image, { tag: "v1" }).layout();
    const bytesMany = source.blobs.bytesMany.bind(source.blobs);
    source.blobs.bytesMany = async (ds, options) =>
      (await bytesMany(ds, options)).map((found, i) =>
        ds[i]!.digest === hidden.digest ? new OcilotError("IO_ERROR", "EIO", { path: blobPath(hidden.digest) }) : found,
      );
    expect((await errorOf(copyLayout(source, empty(), { reference: "v1" }))).code).toBe("IO_ERROR");
  });
});

describe("a sparse source", () => {
  test("docker save of one platform: says what it takes, and the copy is clean", async () => {
    const source = fixtureLayout("cases/docker-save-one-platform");
    const target = empty();
    const { platforms, absent, omitted, missing } = await copyLayout(source, target, { reference: "latest" });
    expect([platforms, absent.length, omitted, missing]).toEqual([["linux/amd64"], 2, [], []]);
    const codes = (await verifyLayout(target, { strict: true })).findings.filter((f) => f.severity === "error").map((f) => f.code);
    expect(codes.filter((c) => c !== "STATEMENT_MALFORMED")).toEqual([]);
    for (const options of [{ requireComplete: true }, { platforms: [parsePlatform("arm64")] }])
      expect((await errorOf(copyLayout(source, empty(), { reference: "latest", ...options }))).code).toBe("BLOB_NOT_FOUND");
  });

  test("a platform that is half there is an error, and so is an index without any platform", async () => {
    for (const lost of ["layer", "images"] as const) {
      const builder = new LayoutBuilder();
      const [amd, arm] = [builder.image(), builder.image()];
      builder.entry(
        builder.imageIndex([
          { ...amd, platform: AMD },
          { ...arm, platform: ARM },
        ]),
        { tag: "v1" },
      );
      const { layers } = JSON.parse(new TextDecoder().decode(builder.blobs.get(amd.digest))) as { layers: Descriptor[] };
      if (lost === "layer") builder.forget(layers[0]!);
      else builder.forget(amd).forget(arm);
      expect((await errorOf(copyLayout(builder.layout(), empty(), { reference: "v1" }))).code).toBe("BLOB_NOT_FOUND");
    }
  });
});

describe("content that is not in blobs/", () => {
  test.each([
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+gzip",
  ])("a layer of type %s with a URL is not missing", async (mediaType) => {
    const builder = new LayoutBuilder();
    const layer = { mediaType, digest: `sha256:${"ab".repeat(32)}`, size: 1234, urls: ["https://layers.example.test/x"] };
    const image = builder.image({ members: { layers: [layer] } });
    builder.entry(image, { tag: "v1" }).listed(builder.referrer(image));
    for (const options of [{}, { reference: "v1" }]) {
      const target = empty();
      const { missing, undistributed } = await copyLayout(builder.layout(), target, options);
      expect([missing, undistributed.map((d) => d.digest)]).toEqual([[], [layer.digest]]);
      expect((await verifyLayout(target)).findings.filter((f) => f.severity === "error")).toEqual([]);
    }
    expect((await archived(builder.layout())).result.undistributed).toHaveLength(1);
  });

  test("what a descriptor embeds is written", async () => {
    const builder = new LayoutBuilder();
    const config = { ...builder.blob("{}", EMPTY_JSON), data: "e30=" };
    builder.entry(builder.image({ members: { config } }), { tag: "v1" }).forget(config);
    const target = empty();
    expect((await copyLayout(builder.layout(), target, { reference: "v1" })).missing).toEqual([]);
    const archive = await archived(builder.layout());
    for (const copy of [target, archive.layout]) expect(new TextDecoder().decode(await copy.blobs.bytes(config))).toBe("{}");
  });

  test("data that is something else does not stand for it", async () => {
    const builder = new LayoutBuilder();
    const config = { ...builder.blob("{}", EMPTY_JSON), data: "e3E=" };
    builder.entry(builder.image({ members: { config } }), { tag: "v1" }).forget(config);
    expect((await errorOf(copyLayout(builder.layout(), empty(), { reference: "v1" }))).code).toBe("BLOB_NOT_FOUND");
  });
});

describe("images of several repositories with one tag", () => {
  function two(): { layout: Layout; a: Descriptor; b: Descriptor } {
    const builder = new LayoutBuilder();
    const [a, b] = [builder.image(), builder.image()];
    for (const [d, name] of [
      [a, "a"],
      [b, "b"],
    ] as const)
      builder.entry(d, { tag: "latest", annotations: { [CONTAINERD_IMAGE_NAME]: `docker.io/library/${name}:latest` } });
    return { layout: builder.layout(), a, b };
  }

  test("do not collide, and a second copy changes nothing", async () => {
    const { layout } = two();
    const target = empty();
    for (const reference of ["docker.io/library/a:latest", "docker.io/library/b:latest"])
      expect((await copyLayout(layout, target, { reference })).moved).toEqual([]);
    expect(await entriesOf(target)).toEqual(await entriesOf(layout));
    const { text } = await target.index.read();
    for (const options of [{}, { reference: "docker.io/library/b:latest" }, { force: true }]) {
      expect((await copyLayout(layout, target, options)).moved).toEqual([]);
      expect((await target.index.read()).text).toBe(text);
    }
  });

  test("a name that another manifest has is refused, and with force it is reported", async () => {
    const { layout, a } = two();
    const builder = new LayoutBuilder();
    const other = builder.image({ annotations: { other: "image" } });
    builder.entry(other, { tag: "latest", annotations: { [CONTAINERD_IMAGE_NAME]: "docker.io/library/a:latest" } });
    const target = builder.layout();
    const options = { reference: "docker.io/library/a:latest" };
    expect((await errorOf(copyLayout(layout, target, options))).code).toBe("WRITE_REFUSED");
    const { moved } = await copyLayout(layout, target, { ...options, force: true });
    expect(moved).toEqual([{ name: "docker.io/library/a:latest", from: other.digest }]);
    expect((await target.resolve("docker.io/library/a:latest")).digest).toBe(a.digest);
    expect((await entriesOf(target)).map((e) => e["digest"])).toContain(other.digest);
  });

  test("one manifest with two names keeps the name that was asked for", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    for (const name of ["a", "b"])
      builder.entry(image, { tag: "latest", annotations: { [CONTAINERD_IMAGE_NAME]: `docker.io/library/${name}:latest` } });
    const target = empty();
    await copyLayout(builder.layout(), target, { reference: "docker.io/library/b:latest" });
    expect((await entriesOf(target))[0]!["annotations"][CONTAINERD_IMAGE_NAME]).toBe("docker.io/library/b:latest");
  });
});

describe("beside a collection", () => {
  test("what it removed between writing and recording is written once more", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(image, { tag: "v1" }).listed(builder.referrer(image));
    const target = empty();
    const update = target.index.update.bind(target.index);
    target.index.update = async (edit, options) => {
      for (const digest of await blobsIn(target)) await target.blobs.delete(digest as Descriptor["digest"]);
      return await update(edit, options);
    };
    await copyLayout(builder.layout(), target, { reference: "v1" });
    expect((await verifyLayout(target)).findings.filter((f) => f.severity === "error")).toEqual([]);
  });
});

describe("a rewritten index", () => {
  test("is reported with the index that it replaces and what refers to that", async () => {
    const builder = new LayoutBuilder();
    const [amd, arm] = [builder.image(), builder.image()];
    const index = builder.imageIndex([
      { ...amd, platform: AMD },
      { ...arm, platform: ARM },
    ]);
    const signature = builder.referrer(index);
    const source = builder.entry(index, { tag: "v1" }).listed(signature).layout();
    const options = { reference: "v1", platforms: [parsePlatform("linux/amd64")] };
    const kept = await copyLayout(source, empty(), options);
    expect([kept.replaced, kept.root!.digest, kept.left]).toEqual([undefined, index.digest, []]);
    const rewritten = await copyLayout(source, empty(), { ...options, rewriteIndex: true });
    expect(rewritten.replaced).toBe(index.digest);
    expect(rewritten.root!.digest).not.toBe(index.digest);
    expect(rewritten.left.map((e) => e.referrer.digest)).toEqual([signature.digest]);
  });
});
