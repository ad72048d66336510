import { join } from "node:path";
import { type Digest, Layout, type Manifest, manifestKind, parseManifest } from "@ocilot/layout";
import { type LayoutView, TOOLS, copyLayout, openView, readGraph } from "@ocilot/referrers";
import { fixtureLayout, fixtureNames, fixtureParts, tempDir } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { type Links, allDigests, foundBy, linksOf } from "./helpers.js";

const NAMES = [...fixtureNames("layouts").map((n) => `layouts/${n}`), ...fixtureNames("edge").map((n) => `edge/${n}`)];
/** What umoci's collection and cosign's reset have lost cannot be copied. */
const LACKING = new Set(["edge/docker-types-after-umoci-gc"]);

async function everyReader(view: LayoutView, digests: readonly Digest[]): Promise<Record<string, Links>> {
  const answers: Record<string, Links> = {};
  for (const { id } of TOOLS) answers[id] = await foundBy(id, view, digests);
  return answers;
}

async function emptyDirectory(): Promise<Layout> {
  return await Layout.create(join(tempDir(), "copy"), { sync: false });
}

/** What a tag needs, found by following links in the bytes alone: the oracle of a copy. */
async function closureOf(layout: Layout, name: string, root: Digest): Promise<Set<Digest>> {
  const { blobs } = fixtureParts(name);
  const view = await openView(layout, { scan: true });
  const edges = (await readGraph(view)).edges();
  const found = new Set<Digest>();
  const types = new Map<Digest, string>();
  for (const [digest, bytes] of blobs) types.set(digest, (parseOrNothing(bytes) as { mediaType?: string } | undefined)?.mediaType ?? "");
  const queue = [root];
  for (const digest of queue) {
    if (found.has(digest)) continue;
    found.add(digest);
    const node = await manifestAt(blobs.get(digest), types.get(digest) ?? "", digest);
    for (const d of [node?.config, ...(node?.layers ?? []), ...(node?.manifests ?? [])]) if (d !== undefined) queue.push(d.digest);
    for (const edge of edges) if (edge.subject === digest) queue.push(edge.referrer.digest);
  }
  return found;
}

async function manifestAt(bytes: Uint8Array | undefined, mediaType: string, name: string): Promise<Manifest | undefined> {
  if (bytes === undefined || manifestKind(mediaType) === undefined) return undefined;
  return parseManifest(bytes, mediaType, name);
}

function parseOrNothing(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

async function blobsIn(layout: Layout): Promise<Digest[]> {
  const found: Digest[] = [];
  for await (const { digest } of layout.blobs.list()) found.push(digest);
  return found.toSorted();
}

describe.each(NAMES)("a copy of all of %s", (name) => {
  test("holds what every reader found; a second one changes nothing", async () => {
    const source = fixtureLayout(name);
    const target = await emptyDirectory();
    const { missing } = await copyLayout(source, target, { allowMissing: true });
    if (LACKING.has(name)) expect(missing.length).toBeGreaterThan(0);
    const [before, after] = [await openView(source), await openView(target)];
    expect(after.entries.map((e) => e.descriptor)).toEqual(before.entries.map((e) => e.descriptor));
    expect(after.annotations).toEqual(before.annotations);
    expect(after.otherMembers).toEqual(before.otherMembers);
    const digests = await allDigests(before);
    expect(await everyReader(after, digests)).toEqual(await everyReader(before, digests));
    const { text } = await target.index.read();
    const again = await copyLayout(source, target, { allowMissing: true });
    expect(again.written).toEqual({ blobs: 0, bytes: 0 });
    expect((await target.index.read()).text).toBe(text);
  });
});

describe.each(NAMES)("a copy of one tag of %s", (name) => {
  test("is exactly what hangs on it, with every link", async () => {
    const source = fixtureLayout(name);
    const { entries } = await source.index.read();
    const tags = entries.filter((e) => e.tag !== undefined && !e.tag.startsWith("sha256-") && !e.tag.startsWith("sha512-"));
    for (const { tag, descriptor } of tags) {
      const target = await emptyDirectory();
      const { missing } = await copyLayout(source, target, { reference: tag!, allowMissing: true });
      const wanted = await closureOf(source, name, descriptor.digest);
      const absent = new Set(missing.map((d) => d.digest));
      const listed = new Set((await openView(target)).entries.map((e) => e.descriptor.digest));
      const found = (await blobsIn(target)).filter((d) => wanted.has(d) || !listed.has(d));
      expect(found).toEqual([...wanted].filter((d) => !absent.has(d)).toSorted());
      expect((await target.resolve(tag!)).digest).toBe(descriptor.digest);
      const edges = (await readGraph(await openView(source, { scan: true }))).edges();
      const links = linksOf(edges.filter((e) => wanted.has(e.subject) && e.verified));
      expect(linksOf((await readGraph(await openView(target))).edges().filter((e) => e.verified))).toMatchObject(links);
      const { text } = await target.index.read();
      await copyLayout(source, target, { reference: tag!, allowMissing: true });
      expect((await target.index.read()).text).toBe(text);
    }
  });
});
