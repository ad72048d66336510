import { join } from "node:path";
import { type Descriptor, DOCKER_REFERENCE_DIGEST, Layout } from "@ocilot/layout";
import {
  type CopyOptions,
  SPARSE_PLATFORMS,
  attach,
  copyLayout,
  formatPlatform,
  openView,
  parsePlatform,
  readGraph,
} from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, tempDir } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { errorOf } from "./helpers.js";

const P = parsePlatform;
const AMD = { os: "linux", architecture: "amd64" };
const ARM = { os: "linux", architecture: "arm64" };

interface Made {
  readonly source: Layout;
  readonly index: Descriptor;
  readonly amd: Descriptor;
  readonly arm: Descriptor;
  readonly attestation: Descriptor;
  readonly sbomOfAmd: Descriptor;
  readonly signature: Descriptor;
}

/** Two platforms, an attestation beside one, an SBOM of the other, a signature of the whole. */
function made(change: (builder: LayoutBuilder, arm: Descriptor) => void = () => undefined): Made {
  const builder = new LayoutBuilder();
  const [amd, arm, attestation] = [builder.image(), builder.image(), builder.image()];
  const unknown = { os: "unknown", architecture: "unknown" };
  const beside = { ...attestation, platform: unknown, annotations: { [DOCKER_REFERENCE_DIGEST]: arm.digest } };
  const index = builder.imageIndex([{ ...amd, platform: AMD }, { ...arm, platform: ARM }, beside]);
  const sbomOfAmd = builder.referrer(amd);
  const signature = builder.referrer(index, { artifactType: "application/vnd.example.signature" });
  builder.entry(index, { tag: "v1" }).listed(sbomOfAmd).listed(signature);
  change(builder, arm);
  return { source: builder.layout(), index, amd, arm, attestation, sbomOfAmd, signature };
}

async function empty(): Promise<Layout> {
  return await Layout.create(join(tempDir(), "out"), { sync: false });
}

async function notesOf(layout: Layout): Promise<Record<string, string | undefined>> {
  const { entries } = await layout.index.read();
  return Object.fromEntries(
    entries
      .flatMap((e) => (e.tag === undefined ? [] : [[e.tag, e.descriptor.annotations?.[SPARSE_PLATFORMS]]]))
      .filter(([t]) => !t!.startsWith("sha256-")),
  );
}

const only = (...platforms: string[]): CopyOptions => ({ reference: "v1", platforms: platforms.map(P) });

describe("a sparse copy", () => {
  test("has the platform, what BuildKit put beside it, and the referrers of what is there", async () => {
    const { source, index, amd, arm, attestation, sbomOfAmd, signature } = made();
    const target = await empty();
    const { omitted } = await copyLayout(source, target, only("linux/arm64"));
    expect(omitted.map((d) => d.digest)).toEqual([amd.digest]);
    const has = async (d: Descriptor): Promise<boolean> => await target.blobs.has(d.digest);
    expect(await Promise.all([index, arm, attestation, signature, amd, sbomOfAmd].map(has))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(await notesOf(target)).toEqual({ v1: "linux/arm64" });
  });

  test("grows with the next one, and a full copy ends it", async () => {
    const { source, index, sbomOfAmd } = made();
    const target = await empty();
    await copyLayout(source, target, only("linux/arm64"));
    await copyLayout(source, target, { ...only("linux/arm64"), tag: "also" });
    await target.tag(await target.resolve("v1"), "third");
    expect(await notesOf(target)).toEqual({ v1: "linux/arm64", also: "linux/arm64", third: "linux/arm64" });
    await copyLayout(source, target, only("linux/amd64"));
    expect(await notesOf(target)).toEqual({ v1: undefined, also: undefined, third: undefined });
    const graph = await readGraph(await openView(target));
    expect(graph.edges().map((e) => e.referrer.digest)).toContain(sbomOfAmd.digest);
    const other = await empty();
    await copyLayout(source, other, only("linux/amd64"));
    await copyLayout(source, other, { reference: "v1" });
    expect(await notesOf(other)).toEqual({ v1: undefined });
    await copyLayout(source, other, only("linux/amd64"));
    expect(await notesOf(other)).toEqual({ v1: undefined });
    expect((await other.resolve("v1")).digest).toBe(index.digest);
  });

  test("of a sparse copy says the same; a platform that it left out is missing", async () => {
    const { source, amd } = made();
    const [half, again, none] = [await empty(), await empty(), await empty()];
    await copyLayout(source, half, only("linux/arm64"));
    await copyLayout(half, again, { reference: "v1" });
    expect(await notesOf(again)).toEqual({ v1: "linux/arm64" });
    await copyLayout(half, await empty());
    const error = await errorOf(copyLayout(half, none, only("linux/amd64")));
    expect(error).toMatchObject({ code: "BLOB_NOT_FOUND", details: { digest: amd.digest } });
    expect((await none.index.read()).entries).toEqual([]);
  });

  test("does not excuse what was lost of a platform that it has", async () => {
    const { source, attestation, arm } = made();
    for (const lost of [attestation, arm]) {
      const half = await empty();
      await copyLayout(source, half, only("linux/arm64"));
      await half.blobs.delete(lost.digest);
      expect(await errorOf(copyLayout(half, await empty(), { reference: "v1" }))).toMatchObject({ code: "BLOB_NOT_FOUND" });
    }
  });

  test("takes the platform of a single image from its configuration", async () => {
    const builder = new LayoutBuilder();
    const source = builder.entry(builder.image(), { tag: "v1" }).layout();
    const target = await empty();
    await copyLayout(source, target, only("linux/amd64"));
    expect(await notesOf(target)).toEqual({ v1: undefined });
    const error = await errorOf(copyLayout(source, await empty(), only("linux/s390x")));
    expect(error).toMatchObject({ code: "REF_NOT_FOUND", hint: "It has: linux/amd64" });
  });

  test("leaves no platform out of what refers to the image, and looks into nested indexes", async () => {
    const builder = new LayoutBuilder();
    const images = [builder.image(), builder.image()];
    const lines = images.map((d, i) => ({ ...d, platform: i === 0 ? AMD : ARM }));
    const nested = builder.imageIndex([builder.imageIndex(lines)]);
    const others = [builder.image(), builder.image()].map((d, i) => ({ ...d, platform: i === 0 ? AMD : ARM }));
    const artifact = builder.imageIndex(others, { subject: nested, artifactType: "a/b" });
    const source = builder.entry(nested, { tag: "v1" }).listed(artifact).layout();
    const target = await empty();
    await copyLayout(source, target, only("linux/arm64"));
    const there = await Promise.all([...images, ...others].map(async (d) => await target.blobs.has(d.digest)));
    expect(there).toEqual([false, true, true, true]);
    expect(await notesOf(target)).toEqual({ v1: "linux/arm64" });
  });

  test("with a new index names only what is there, and tells which referrers stay behind", async () => {
    const { source, signature, index } = made();
    const target = await empty();
    const { left, root } = await copyLayout(source, target, { ...only("linux/arm64"), rewriteIndex: true });
    expect(left.map((e) => e.referrer.digest)).toEqual([signature.digest]);
    expect(root!.digest).not.toBe(index.digest);
    expect(await notesOf(target)).toEqual({ v1: undefined });
    expect(await target.blobs.has(index.digest)).toBe(false);
    expect(await target.blobs.has(signature.digest)).toBe(false);
  });

  test("of every platform of the fixtures is complete", async () => {
    for (const [name, platforms] of [
      ["layouts/oras", ["linux/amd64", "linux/arm64"]],
      ["layouts/regclient", ["linux/amd64", "linux/arm64"]],
      ["layouts/buildkit-attestation", ["linux/amd64"]],
    ] as const) {
      for (const platform of platforms) {
        const source = fixtureLayout(name);
        const tag = (await source.index.read()).entries.find((e) => e.tag !== undefined)!.tag!;
        const target = await empty();
        await copyLayout(source, target, { reference: tag, platforms: [P(platform)] });
        const reached = await (await openView(target)).reach();
        const there = new Set<string>(reached.filter((r) => r.node.state !== "absent").map((r) => r.node.descriptor.digest));
        const described = (d: Descriptor): string => d.annotations?.[DOCKER_REFERENCE_DIGEST] ?? "";
        const absent = reached.filter(
          ({ node: { state, descriptor: d } }) =>
            state === "absent" && (d.platform?.os !== "unknown" ? formatPlatform(d.platform) === platform : there.has(described(d))),
        );
        expect(absent, `${name} ${platform}`).toEqual([]);
        await attach(target, (await target.resolve(tag)).digest, { artifactType: "a/b" });
      }
    }
  });

  test("is not of a whole layout", async () => {
    const { source } = made();
    expect(await errorOf(copyLayout(source, await empty(), { platforms: [P("linux/arm64")] }))).toMatchObject({ code: "USAGE" });
  });
});
