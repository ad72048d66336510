import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Descriptor, IMAGE_CONFIG, IMAGE_MANIFEST, KIND, Layout, openArchive } from "@ocilot/layout";
import {
  collectGarbage,
  convert,
  copyLayout,
  copyToArchive,
  detach,
  lift,
  listReferrers,
  openView,
  readGraph,
  repairLayout,
  verifyLayout,
} from "@ocilot/referrers";
import { type OpenRepositoryOptions, anonymous, examineRepository, openRepository } from "@ocilot/registry";
import { LayoutBuilder, type RegistryQuirks, type TestRegistry, startTestRegistry } from "@ocilot/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { pushContent } from "./push-content.js";

const QUICK: OpenRepositoryOptions = { credentials: anonymous, env: {}, record: { delays: [1, 1] } };

async function registryWith(quirks: RegistryQuirks = {}): Promise<TestRegistry> {
  const registry = await startTestRegistry({ quirks });
  onTestFinished(async () => await registry.close());
  return registry;
}

async function open(registry: TestRegistry, reference: string): Promise<Layout> {
  const layout = await openRepository(`${registry.host}/${reference}`, QUICK);
  onTestFinished(async () => await layout.close());
  return layout;
}

function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), "ocilot-copy-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

interface Fixture {
  readonly content: LayoutBuilder;
  readonly index: Descriptor;
  readonly child: Descriptor;
  readonly signature: Descriptor;
}

/** Two platforms, a referrer of the index, one of a platform, one of that referrer, and a signature of cosign's under its tag. */
function multiPlatform(): Fixture {
  const content = new LayoutBuilder();
  const [child, other] = [content.image(), content.image()];
  const index = content.imageIndex([
    { ...child, platform: { os: "linux", architecture: "amd64" } },
    { ...other, platform: { os: "linux", architecture: "arm64" } },
  ]);
  const config = content.blob('{"architecture":"","os":""}', IMAGE_CONFIG);
  const layer = content.blob("{}", "application/vnd.dev.cosign.simplesigning.v1+json");
  const signature = content.document({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [layer] }, IMAGE_MANIFEST);
  const ofChild = content.referrer(child);
  content.entry(index, { tag: "v1" }).entry(signature, { tag: `${index.digest.replace(":", "-")}.sig` });
  for (const d of [content.referrer(index, { shape: "index" }), ofChild, content.referrer(ofChild)]) content.listed(d);
  return { content, index, child, signature };
}

async function edgesOf(layout: Layout): Promise<string[]> {
  const graph = await readGraph(await openView(layout, { scan: true }));
  return graph.edges().map((e) => `${e.subject} ${e.referrer.digest} ${e.link}`);
}

const KINDS: Readonly<Record<string, RegistryQuirks>> = { "the Referrers API": {}, "referrers tags": { referrers: 404 } };

describe.each(Object.entries(KINDS))("with %s", (_, quirks) => {
  test("an image goes from a directory to a registry, to another, to an archive and back with every referrer", async () => {
    const { content, index } = multiPlatform();
    const source = content.layout();
    const edges = await edgesOf(source);
    expect(edges).toHaveLength(4);
    const [first, second] = [await registryWith(quirks), await registryWith(quirks)];
    await copyLayout(source, await open(first, "a/b:v1"), { reference: "v1" });
    await copyLayout(await open(first, "a/b:v1"), await open(second, "c:v1"), { reference: "v1" });
    const file = join(temporary(), "image.tar");
    await copyToArchive(await open(second, "c:v1"), file, { reference: "v1" });
    await using archive = await openArchive(file);
    expect((await edgesOf(archive)).toSorted()).toEqual(edges.toSorted());
    const { findings } = await verifyLayout(archive);
    expect(findings.filter((f) => f.severity === "error")).toEqual([]);
    expect(second.repository("c").tags.get("v1")).toBe(index.digest);
    // Nothing but tags that mean something is in the second registry, and lists are not content.
    const lists = quirks.referrers === 404 ? 3 : 0;
    expect(second.repository("c").tags.size).toBe(2 + lists);
    expect(second.repository("c").manifests.size).toBe(first.repository("a/b").manifests.size);
  });

  test("a whole layout in the convention of universal becomes a whole repository, and its lists stay behind", async () => {
    const { content } = multiPlatform();
    const source = content.layout();
    await convert(source, { to: "universal" });
    const registry = await registryWith(quirks);
    await copyLayout(source, await open(registry, "all"));
    const there = await open(registry, "all");
    expect((await edgesOf(there)).toSorted()).toEqual((await edgesOf(content.layout())).toSorted());
    const tags = (await there.index.read()).entries.flatMap((e) => e.tag ?? []);
    expect(tags).toHaveLength(2);
    const { findings } = await verifyLayout(there);
    expect(findings.filter((f) => f.severity === "error")).toEqual([]);
  });

  test("what is copied again unchanged takes few requests, whatever its platforms", async () => {
    const { content } = multiPlatform();
    const registry = await registryWith(quirks);
    await copyLayout(content.layout(), await open(registry, "r:v1"), { reference: "v1" });
    registry.log.clear();
    expect(await copyLayout(content.layout(), await open(registry, "r:v1"), { reference: "v1" })).toMatchObject({ written: { blobs: 0 } });
    expect(Object.keys(registry.log.kinds()).filter((kind) => /^(PUT|POST|PATCH)/.test(kind))).toEqual([]);
  });
});

test("blobs are mounted between repositories of one registry", async () => {
  const { content } = multiPlatform();
  const registry = await registryWith();
  pushContent(registry, "from", content);
  registry.log.clear();
  await copyLayout(await open(registry, "from:v1"), await open(registry, "to:v1"), { reference: "v1" });
  expect(registry.log.count("GET blob") + registry.log.count("PUT blob")).toBe(0);
  expect(registry.log.requests.filter((r) => r.path.includes("mount=")).length).toBeGreaterThan(5);
  expect((await edgesOf(await open(registry, "to:v1"))).length).toBe(4);
  registry.quirks.mount = false;
  registry.log.clear();
  await copyLayout(await open(registry, "from:v1"), await open(registry, "third:v1"), { reference: "v1" });
  expect(registry.log.requests.filter((r) => r.path.includes("mount=")).length).toBeLessThanOrEqual(8);
  expect((await edgesOf(await open(registry, "third:v1"))).length).toBe(4);
});

test("links of cosign save, which have no subject, get cosign's tags in a registry; what has no place there is refused", async () => {
  const { content, index, signature } = multiPlatform();
  const saved = new LayoutBuilder();
  for (const [digest, bytes] of content.blobs) saved.blobs.set(digest, bytes);
  saved
    .entry(index, { annotations: { [KIND]: "dev.cosignproject.cosign/imageIndex" } })
    .entry(signature, { annotations: { [KIND]: "dev.cosignproject.cosign/sigs" } });
  const registry = await registryWith({ referrers: 404 });
  await copyLayout(saved.layout(), await open(registry, "saved"));
  expect(registry.repository("saved").tags.get(`${index.digest.replace(":", "-")}.sig`)).toBe(signature.digest);
});

test("a list that names what is not there makes a copy fail and not grow smaller", async () => {
  const { content } = multiPlatform();
  const registry = await registryWith({ referrers: 404 });
  pushContent(registry, "r", content, registry.quirks);
  const repository = registry.repository("r");
  const [lost] = repository.referrersOf(repository.tags.get("v1")!);
  repository.manifests.delete(lost!);
  await expect(copyLayout(await open(registry, "r:v1"), Layout.inMemory(), { reference: "v1" })).rejects.toMatchObject({
    code: "BLOB_NOT_FOUND",
  });
  const { findings } = await verifyLayout(await open(registry, "r:v1"));
  expect(findings.filter((f) => f.severity === "error").map((f) => f.digest)).toContain(lost);
});

test("the Referrers API and a list left from before are united", async () => {
  const { content, index } = multiPlatform();
  const registry = await registryWith();
  pushContent(registry, "r", content, { referrers: 404 });
  const repository = registry.repository("r");
  const [one] = repository.referrersOf(index.digest);
  repository.forgotten.add(one!);
  const found = [];
  for await (const r of listReferrers(await open(registry, "r:v1"), index.digest))
    found.push([r.descriptor.digest, r.evidence.map((e) => e.origin)]);
  expect(found).toContainEqual([one, expect.arrayContaining(["referrers-tag"])]);
});

test.each(Object.entries(KINDS))("a referrer that is opened by its own digest is detached from its subject, with %s", async (_, quirks) => {
  const { content, index } = multiPlatform();
  const registry = await registryWith(quirks);
  pushContent(registry, "r", content, registry.quirks);
  const [referrer] = registry.repository("r").referrersOf(index.digest);
  const layout = await open(registry, `r@${referrer}`);
  await detach(layout, referrer as Descriptor["digest"]);
  const left = await edgesOf(await open(registry, "r:v1"));
  expect(left.filter((edge) => edge.includes(referrer!))).toEqual([]);
  expect(left).toHaveLength(3);
  expect(registry.repository("r").manifests.has(referrer!)).toBe(false);
});

test("a tag out of sight is moved only where that is meant", async () => {
  const { content, child, index } = multiPlatform();
  const registry = await registryWith();
  pushContent(registry, "r", content);
  registry.repository("r").tags.set("stable", child.digest);
  const layout = await open(registry, "r:v1");
  await layout.tag(await layout.resolve("v1"), ["stable", "fresh"]);
  expect(registry.repository("r").tags.get("stable")).toBe(index.digest);
  expect(registry.repository("r").tags.get("fresh")).toBe(index.digest);
});

test("doctor tells what the registry supports, who finds what, and what is wrong", async () => {
  const { content, index } = multiPlatform();
  const registry = await registryWith({ referrers: 404 });
  pushContent(registry, "r", content, registry.quirks);
  expect(await examineRepository(await open(registry, "r:v1"))).toMatchObject({
    referrersApi: false,
    apiReason: expect.stringContaining("404"),
    healthy: true,
    referrers: 4,
    clients: [
      { id: "referrers", found: 3, total: 3 },
      { id: "referrers-tag-only", found: 3, total: 3 },
      { id: "cosign-tags", found: 1, total: 1 },
    ],
    problems: [],
  });
  // The registry is upgraded, and its API does not know what only a list names.
  const repository = registry.repository("r");
  const [one] = repository.referrersOf(index.digest);
  repository.forgotten.add(one!);
  registry.quirks.referrers = "api";
  expect(await examineRepository(await open(registry, "r:v1"))).toMatchObject({
    referrersApi: true,
    healthy: false,
    problems: [{ code: "ONLY_IN_LIST", referrer: one }],
  });
  repository.manifests.delete(one!);
  expect(await examineRepository(await open(registry, "r:v1"))).toMatchObject({
    healthy: false,
    problems: [{ code: "NOT_STORED", referrer: one }],
  });
});

describe("what a registry cannot do", () => {
  test("is refused before anything changes: gc, convert, lift, repair", async () => {
    const { content } = multiPlatform();
    const registry = await registryWith();
    pushContent(registry, "r", content);
    const layout = await open(registry, "r:v1");
    const tries = [
      async () => await collectGarbage(layout),
      async () => await convert(layout, { to: "oras" }),
      async () => await lift(layout),
      async () => await repairLayout(layout),
    ];
    for (const attempt of tries) await expect(attempt()).rejects.toMatchObject({ code: "WRITE_REFUSED", details: { reason: "registry" } });
    expect(Object.keys(registry.log.kinds()).every((kind) => /^(GET|HEAD)/.test(kind))).toBe(true);
  });

  test("deleting tags: untag says so and the tag stays", async () => {
    const { content } = multiPlatform();
    const registry = await registryWith({ refuseDelete: "tags" });
    pushContent(registry, "r", content);
    await expect((await open(registry, "r:v1")).untag("v1")).rejects.toMatchObject({
      code: "WRITE_REFUSED",
      details: { reason: "delete-refused" },
    });
    expect(registry.repository("r").tags.has("v1")).toBe(true);
  });

  test("deleting manifests: with the API detach is refused; with lists the list names it no more", async () => {
    for (const [quirks, isRefused] of [
      [{}, true],
      [{ referrers: 404 }, false],
    ] as const) {
      const { content, index } = multiPlatform();
      const registry = await registryWith({ ...quirks, refuseDelete: "all" });
      pushContent(registry, "r", content, registry.quirks);
      const layout = await open(registry, "r:v1");
      const [referrer] = registry.repository("r").referrersOf(index.digest);
      const detached = detach(layout, referrer as Descriptor["digest"]);
      if (isRefused) await expect(detached).rejects.toMatchObject({ code: "WRITE_REFUSED" });
      else await expect(detached).resolves.toMatchObject({ removed: [{ referrer }] });
      const left = await edgesOf(await open(registry, "r:v1"));
      expect(left.some((edge) => edge.includes(referrer!))).toBe(isRefused);
    }
  });

  test("a tag out of sight keeps its manifest: detach is refused", async () => {
    const { content, index } = multiPlatform();
    const registry = await registryWith();
    pushContent(registry, "r", content);
    const [referrer] = registry.repository("r").referrersOf(index.digest);
    registry.repository("r").tags.set("sbom-of-v1", referrer!);
    const layout = await open(registry, "r:v1");
    await expect(detach(layout, referrer as Descriptor["digest"])).rejects.toMatchObject({
      code: "WRITE_REFUSED",
      details: { reason: "tagged" },
    });
    expect(registry.repository("r").manifests.has(referrer!)).toBe(true);
  });
});

test("a tag that moved since it was read is not written over blindly", async () => {
  const { content, index, child } = multiPlatform();
  const registry = await registryWith({ referrers: 404 });
  pushContent(registry, "r", content, registry.quirks);
  const layout = await open(registry, "r:v1");
  await layout.index.read();
  registry.repository("r").tags.set("v1", child.digest);
  const other = new LayoutBuilder();
  const image = other.image({ annotations: { other: "one" } });
  const source = other.entry(image, { tag: "v1" }).layout();
  await expect(copyLayout(source, layout, { reference: "v1" })).rejects.toMatchObject({
    code: "WRITE_REFUSED",
    details: { reason: "tag-taken" },
  });
  await copyLayout(source, layout, { reference: "v1", force: true });
  expect(registry.repository("r").tags.get("v1")).toBe(image.digest);
  expect(registry.repository("r").manifests.has(index.digest)).toBe(true);
});
