import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  CONTAINERD_IMAGE_NAME,
  type Descriptor,
  Layout,
  REF_NAME,
  digestOf,
  parseImageName,
  parseManifest,
  openArchive,
} from "../src/index.js";
import { type RawMember, archiveWith, refusal, tar } from "./archives/tar-maker.js";
import { collect, text } from "./helpers.js";

const LAYER = text("a layer, not compressed");
const OTHER = text("another layer");
const PACKED = new Uint8Array(gzipSync(OTHER));
const ZSTD = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4]);

/** A docker archive of one image. */
function docker(names: readonly string[] | null, layers: Record<string, Uint8Array | RawMember>, diffIds?: readonly string[]): RawMember[] {
  const ids = diffIds ?? Object.values(layers).map((l) => (l instanceof Uint8Array ? digestOf(l) : digestOf(LAYER)));
  const config = JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: ids } });
  return [
    ...Object.entries(layers).map(([name, l]) => (l instanceof Uint8Array ? { name, body: l } : l)),
    { name: "c.json", body: config },
    { name: "manifest.json", body: JSON.stringify([{ Config: "c.json", RepoTags: names, Layers: Object.keys(layers) }]) },
  ];
}

async function read(members: readonly RawMember[]): Promise<{ layout: Layout; entries: Descriptor[]; layers: readonly Descriptor[] }> {
  const layout = await openArchive(archiveWith(tar(members)));
  const entries = (await layout.index.read()).entries.map((e) => e.descriptor);
  const bytes = await layout.blobs.bytes(entries[0]!);
  return { layout, entries, layers: parseManifest(bytes, entries[0]!.mediaType, "manifest").layers };
}

describe("an old docker archive is read as a layout", () => {
  test("config and layers keep their bytes, each is what it is, and a warning says so", async () => {
    const diffIds = [digestOf(LAYER), digestOf(OTHER), digestOf(OTHER)];
    const { layout, entries, layers } = await read(docker(["hello:v1"], { "l1.tar": LAYER, "a/layer.tar": PACKED, z: ZSTD }, diffIds));
    expect(layers).toEqual([
      { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: digestOf(LAYER), size: LAYER.length },
      { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: digestOf(PACKED), size: PACKED.length },
      { mediaType: "application/vnd.oci.image.layer.v1.tar+zstd", digest: digestOf(ZSTD), size: ZSTD.length },
    ]);
    for (const d of layers) await layout.blobs.bytes(d);
    expect(entries[0]!.annotations).toEqual({ [CONTAINERD_IMAGE_NAME]: "docker.io/library/hello:v1", [REF_NAME]: "v1" });
    expect(await collect(layout.blobs.list())).toHaveLength(5);
    expect(layout.warnings.map((w) => w.message).join()).toContain("may differ from those in a registry");
    await layout.close();
  });

  test("the same archive gives the same manifest every time, in any order of its members", async () => {
    const members = docker(["hello:v1"], { "l1.tar": LAYER });
    const digests = [];
    for (const order of [members, members.toReversed()]) {
      const { layout, entries } = await read(order);
      digests.push(entries[0]!.digest);
      await layout.close();
    }
    expect(digests[0]).toBe(digests[1]);
  });

  test("every name is an entry; none is one without a tag", async () => {
    const many = await read(docker(["a:1", "ghcr.io/b/c:2", "localhost:5000/d"], { l: LAYER }));
    expect(many.entries.map((d) => d.annotations?.[CONTAINERD_IMAGE_NAME])).toEqual([
      "docker.io/library/a:1",
      "ghcr.io/b/c:2",
      "localhost:5000/d:latest",
    ]);
    const none = await read(docker(null, { l: LAYER }));
    expect(none.entries.map((d) => d.annotations)).toEqual([undefined]);
    for (const { layout } of [many, none]) await layout.close();
  });

  test("links between layers are read as what they lead to, as docker save wrote them", async () => {
    const { layout, layers } = await read(
      docker(["a:1"], { "x/layer.tar": { name: "x/layer.tar", type: "2", link: "../l.tar" } }, [digestOf(LAYER)]).concat({
        name: "l.tar",
        body: LAYER,
      }),
    );
    expect(layers[0]!.digest).toBe(digestOf(LAYER));
    await layout.close();
  });
});

describe("a hostile one is refused", () => {
  test.each(["../evil", "/etc/passwd", "a/../../b", "x\0y"])("a layer %j", async (name) => {
    const members = docker(["a:1"], { l: LAYER });
    members[2] = { name: "manifest.json", body: JSON.stringify([{ Config: "c.json", RepoTags: null, Layers: [name] }]) };
    expect((await refusal(tar(members))).code).toBe("UNSAFE_NAME");
  });

  test("a layer or config that is not there", async () => {
    for (const image of [
      { Config: "c.json", Layers: ["no"] },
      { Config: "no", Layers: ["l"] },
    ]) {
      const members = [...docker(null, { l: LAYER }).slice(0, 2), { name: "manifest.json", body: JSON.stringify([image]) }];
      expect((await refusal(tar(members))).code).toBe("ARCHIVE_INVALID");
    }
  });

  test("a layer that is not what the config says", async () => {
    expect((await refusal(tar(docker(null, { l: LAYER }, [digestOf(OTHER)])))).code).toBe("BLOB_CORRUPT");
    expect((await refusal(tar(docker(null, { l: LAYER }, [])))).code).toBe("ARCHIVE_INVALID");
    expect((await refusal(tar(docker(null, { l: LAYER }, ["\u001b[31m"])))).code).toBe("ARCHIVE_INVALID");
  });

  test.each(["{}", "[1]", '[{"Config":1}]', '[{"Config":"c.json","Layers":"l"}]', '[{"Config":"c.json","RepoTags":[1]}]', "["])(
    "manifest.json is %s",
    async (body) => {
      expect((await refusal(tar([{ name: "manifest.json", body }]))).code).toBe("ARCHIVE_INVALID");
    },
  );
});

test("image names are read as Docker reads them", () => {
  const names: Record<string, unknown> = {
    alpine: { repository: "docker.io/library/alpine" },
    "alpine:3.20": { repository: "docker.io/library/alpine", tag: "3.20" },
    "a/b:1": { repository: "docker.io/a/b", tag: "1" },
    "index.docker.io/a/b": { repository: "docker.io/a/b" },
    "ghcr.io/a/b/c:v1": { repository: "ghcr.io/a/b/c", tag: "v1" },
    "localhost/a:v1": { repository: "localhost/a", tag: "v1" },
    "localhost:5000/a": { repository: "localhost:5000/a" },
    "[::1]:5000/a:v": { repository: "[::1]:5000/a", tag: "v" },
  };
  for (const [name, parsed] of Object.entries(names)) expect(parseImageName(name), name).toEqual(parsed);
  for (const bad of ["", ":v1", "A", "a b", "a:", "a/../b", "a//b", "a@sha256:00", "a:b:c", "/a", "a\n:v"])
    expect(parseImageName(bad), bad).toBeUndefined();
});
