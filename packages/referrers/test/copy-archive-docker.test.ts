import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { CONTAINERD_IMAGE_NAME, CONTAINERD_SUBJECT, type Descriptor, Layout, openArchive } from "@ocilot/layout";
import { type CopyArchiveOptions, type CopyArchiveResult, copyToArchive, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, tempDir } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { linksOf } from "./helpers.js";

interface DockerImage {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

/** Copies for Docker, and reads what came out with tar and JSON.parse alone. */
async function docker(source: Layout, options: CopyArchiveOptions = {}) {
  const path = join(tempDir(), "x.tar");
  const result: CopyArchiveResult = await copyToArchive(source, path, { docker: true, sync: false, ...options });
  const read = (name: string): string => execFileSync("tar", ["-xOf", path, name], { encoding: "utf8" });
  const index = JSON.parse(read("index.json")) as { manifests: Descriptor[] };
  return { path, result, read, entries: index.manifests, images: JSON.parse(read("manifest.json")) as DockerImage[] };
}

const named = (d: Descriptor): string | undefined => d.annotations?.[CONTAINERD_IMAGE_NAME];

describe("--docker", () => {
  test.each(["oras", "regclient", "oras-then-regclient", "cosign-tags", "buildkit-attestation"])(
    "%s has one image to load, and every link in the containerd form",
    async (name) => {
      const source = fixtureLayout(`layouts/${name}`);
      const { path, entries, images, result, read } = await docker(source);
      expect(images).toHaveLength(1);
      for (const file of [images[0]!.Config, ...images[0]!.Layers]) expect(read(file).length).toBeGreaterThan(0);
      expect(images[0]!.RepoTags).toHaveLength(1);
      expect(result.docker!.map((i) => i.names)).toEqual(images.map((i) => i.RepoTags));
      // All others are referrers, which neither Docker nor containerd makes images of.
      expect(entries.filter((d) => d.annotations?.[CONTAINERD_SUBJECT] === undefined)).toHaveLength(1);
      expect(entries.map(named).filter((n) => n !== undefined)).toEqual(images[0]!.RepoTags);
      await using archive = await openArchive(path);
      expect(archive.warnings).toEqual([]);
      const links = async (layout: Layout): Promise<unknown> => linksOf((await readGraph(await openView(layout))).edges());
      expect(await links(archive)).toEqual(await links(source));
    },
  );

  test("a tag alone gets a repository before it, a full name stays, a name that is there is kept", async () => {
    const builder = new LayoutBuilder();
    builder.entry(builder.image(), { tag: "v1" });
    builder.entry(builder.image(), { tag: "ghcr.io/a/b:v2" });
    builder.entry(builder.image(), { tag: "v3", annotations: { [CONTAINERD_IMAGE_NAME]: "example.com/c:v3" } });
    builder.entry(builder.image(), { tag: "not a name" });
    builder.entry(builder.image(), {});
    const { entries, images } = await docker(builder.layout(), { repository: "example.com/app" });
    expect(entries.map(named)).toEqual(["example.com/app:v1", "ghcr.io/a/b:v2", "example.com/c:v3", undefined, undefined]);
    expect(images.map((i) => i.RepoTags)).toEqual([["example.com/app:v1"], ["ghcr.io/a/b:v2"], ["example.com/c:v3"], null, null]);
    expect((await docker(builder.layout())).images[0]!.RepoTags).toEqual(["localhost/image:v1"]);
  });

  test("two tags of one image are two names of it", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    for (const tag of ["v1", "latest"]) builder.entry(image, { tag });
    expect((await docker(builder.layout())).images.map((i) => i.RepoTags)).toEqual([["localhost/image:v1", "localhost/image:latest"]]);
  });

  test("an image index is linux/amd64 there, or its first platform that is present; artifacts are no images", async () => {
    const builder = new LayoutBuilder();
    const platform = (architecture: string): Descriptor => ({ ...builder.image(), platform: { os: "linux", architecture } });
    const [arm, amd, absent] = [platform("arm64"), platform("amd64"), platform("amd64")];
    builder.entry(builder.imageIndex([arm, amd]), { tag: "both" });
    builder.entry(builder.imageIndex([arm]), { tag: "arm" });
    builder.entry(builder.referrer(arm), { tag: "artifact" });
    const { result } = await docker(builder.layout());
    expect(result.docker).toEqual([
      { manifest: amd.digest, names: ["localhost/image:both"] },
      { manifest: arm.digest, names: ["localhost/image:arm"] },
    ]);
    builder.entry(builder.imageIndex([absent, arm]), { tag: "sparse" });
    builder.blobs.delete(absent.digest);
    const sparse = await docker(builder.layout(), { reference: "sparse", allowMissing: true });
    expect(sparse.result.docker!.map((i) => i.manifest)).toEqual([arm.digest]);
  });

  test("other conventions are written if they are asked for", async () => {
    const { entries } = await docker(fixtureLayout("layouts/oras"), { conventions: ["regclient"] });
    expect(entries.some((d) => d.annotations?.["org.opencontainers.image.ref.name"]?.startsWith("sha256-"))).toBe(true);
    expect(entries.filter((d) => named(d)?.includes("sha256-"))).toEqual([]);
  });

  test("reading it as an old docker archive gives the same image", async () => {
    const { path, result } = await docker(fixtureLayout("layouts/oras"), { reference: "v1" });
    const [dir, packed] = [tempDir(), join(tempDir(), "old.tar")];
    execFileSync("tar", ["-xf", path, "-C", dir]);
    for (const name of ["oci-layout", "index.json"]) rmSync(join(dir, name));
    execFileSync("tar", ["-cf", packed, "-C", dir, "."]);
    await using old = await openArchive(packed);
    const [entry] = (await old.index.read()).entries;
    await using fresh = await openArchive(path);
    const child = result.docker![0]!.manifest;
    const [before] = await (await openView(fresh)).nodes([{ ...entry!.descriptor, digest: child, size: (await fresh.blobs.size(child))! }]);
    const [after] = await (await openView(old)).nodes([entry!.descriptor]);
    if (before?.state !== "read" || after?.state !== "read") throw new Error("a manifest cannot be read");
    expect(after.manifest.config).toEqual(before.manifest.config);
    expect(after.manifest.layers.map((d) => d.digest)).toEqual(before.manifest.layers.map((d) => d.digest));
  });
});
