import { type Descriptor, type Digest, type Layout, isDigest } from "@ocilot/layout";
import {
  type Convention,
  type LayoutView,
  type ReferrerEdge,
  type ReferrerGraph,
  attach,
  collectGarbage,
  convert,
  copyLayout,
  detach,
  doctor,
  listReferrers,
  openView,
  planConversion,
  readGraph,
  verifyLayout,
  withConventions,
} from "@ocilot/referrers";
import { Layout as Layouts } from "@ocilot/layout";
import { LayoutBuilder } from "@ocilot/testkit";
import { beforeEach, describe, expect, test } from "vitest";
import { linksOf } from "./helpers.js";

const LINKS = "org.example.links";

interface Link {
  readonly subject: Digest;
  readonly referrer: Descriptor;
}

function linksIn({ annotations }: LayoutView): readonly Link[] {
  return JSON.parse(annotations[LINKS] ?? "[]") as Link[];
}

function change(links: readonly Link[]): Awaited<ReturnType<Convention["project"]>> {
  const value = JSON.stringify(links);
  const annotation = links.length > 0 ? { set: { [LINKS]: value } } : { unset: [LINKS] };
  return { changes: [{ op: "annotate-index", ...annotation }], blobs: [], losses: [], refusals: [], kept: [] };
}

const isSame = (link: Link, edge: ReferrerEdge): boolean => link.subject === edge.subject && link.referrer.digest === edge.referrer.digest;

/** All links in one annotation of `index.json`: what somebody outside of this repository might write. */
const outside: Convention = {
  id: "example.org/links",
  title: "all links in one annotation of index.json",
  traits: { shape: "list", nEdges: true, target: true },

  async detect(view) {
    return {
      entries: linksIn(view).length > 0 ? [{ position: 0, reason: `the annotation ${LINKS}` }] : [],
      flags: view.annotations[LINKS] === undefined ? [] : [LINKS],
      problems: [],
    };
  },

  async read(view) {
    const links = linksIn(view).filter((l) => isDigest(l.subject));
    const nodes = await view.nodes(links.map((l) => l.referrer));
    return nodes.map((node, i): ReferrerEdge => {
      const { subject, referrer } = links[i]!;
      const manifest = node.state === "read" ? node.manifest : undefined;
      const link = manifest?.subject?.digest === subject ? "S" : "N";
      const evidence = [{ convention: outside.id }];
      return { subject, referrer, link, verified: manifest !== undefined, annotations: manifest?.annotations ?? {}, evidence };
    });
  },

  async project(graph: ReferrerGraph, view) {
    const known = linksIn(view);
    const missing = graph.edges().filter((e) => !known.some((l) => isSame(l, e)));
    if (missing.length === 0) return { changes: [], blobs: [], losses: [], refusals: [], kept: [] };
    return change([...known, ...missing.map(({ subject, referrer }) => ({ subject, referrer }))]);
  },

  async withdraw(graph, view) {
    const known = linksIn(view);
    const left = known.filter((l) => !graph.has(l.subject, l.referrer.digest));
    return left.length === known.length ? { changes: [], blobs: [], losses: [], refusals: [], kept: [] } : change(left);
  },
};

describe("a convention from outside", () => {
  let builder: LayoutBuilder;
  let image: Descriptor;
  let signature: Descriptor;

  /** An image, and a signature without a subject that only the annotation records. */
  beforeEach(() => {
    builder = new LayoutBuilder();
    image = builder.image();
    signature = builder.image({ annotations: { role: "signature" } });
    builder.entry(image, { tag: "v1" }).annotate({ [LINKS]: JSON.stringify([{ subject: image.digest, referrer: signature }]) });
  });

  const ours = (): Layout => withConventions(builder.layout(), [outside]);
  const known = async (layout: Layout): Promise<Record<string, string[]>> =>
    linksOf((await readGraph(await openView(layout, { scan: true }))).edges());

  test("is read by everything that reads the layout, and by nothing where it was not added", async () => {
    expect(await known(ours())).toEqual({ [image.digest]: [signature.digest] });
    const listed = [];
    for await (const { descriptor } of listReferrers(ours(), image.digest)) listed.push(descriptor.digest);
    expect(listed).toEqual([signature.digest]);
    expect((await verifyLayout(ours())).checked.referrers).toBe(1);
    expect((await doctor(ours())).conventions.map((c) => c.id)).toContain(outside.id);
    expect(await known(builder.layout())).toEqual({});
  });

  test("keeps what only it records from a garbage collection", async () => {
    const layout = ours();
    await collectGarbage(layout, { grace: 0 });
    expect(await layout.blobs.has(signature.digest)).toBe(true);
    const bare = builder.layout();
    await collectGarbage(bare, { grace: 0 });
    expect(await bare.blobs.has(signature.digest)).toBe(false);
  });

  test("lists a referrer that no entry leads to: a collection does not call it unlisted", async () => {
    const sbom = builder.referrer(image);
    const hidden = builder.referrer(image);
    const links = [{ subject: image.digest, referrer: sbom }];
    const layout = withConventions(builder.annotate({ [LINKS]: JSON.stringify(links) }).layout(), [outside]);
    expect((await collectGarbage(layout, { grace: 0 })).unlisted).toEqual([hidden.digest]);
    expect([await layout.blobs.has(sbom.digest), await layout.blobs.has(hidden.digest)]).toEqual([true, true]);
  });

  test("is copied with what it records, into a layout that takes it too", async () => {
    const target = withConventions(Layouts.inMemory(), [outside]);
    await copyLayout(ours(), target, { reference: "v1" });
    expect(await known(target)).toEqual({ [image.digest]: [signature.digest] });
  });

  test("is a target and a source of conversions, with --only as well", async () => {
    const layout = ours();
    expect((await convert(layout, { to: "containerd", only: true })).plan.kept).toEqual([]);
    expect((await layout.index.read()).annotations[LINKS]).toBeUndefined();
    expect(await known(layout)).toEqual({ [image.digest]: [signature.digest] });
    const { plan } = await convert(layout, { to: outside.id, only: true });
    expect(plan).toMatchObject({ to: "example.org/links", losses: [], refusals: [] });
    expect((await layout.index.read()).entries.some((e) => e.descriptor.annotations?.["io.containerd.manifest.subject"])).toBe(false);
    expect(await known(layout)).toEqual({ [image.digest]: [signature.digest] });
    expect((await convert(layout, { to: outside.id, only: true })).changed).toBe(false);
    await expect(planConversion(builder.layout(), { to: outside.id })).rejects.toThrow("there is no such convention");
  });

  test("is kept up to date by attach, detach and conversions to others", async () => {
    const layout = ours();
    const { digest } = await attach(layout, image.digest, { artifactType: "application/vnd.example.scan" });
    expect(JSON.parse((await layout.index.read()).annotations[LINKS]!)).toHaveLength(2);
    await convert(layout, { to: "universal" });
    expect(JSON.parse((await layout.index.read()).annotations[LINKS]!)).toHaveLength(2);
    await detach(layout, digest);
    expect(JSON.parse((await layout.index.read()).annotations[LINKS]!)).toHaveLength(1);
    expect(await known(layout)).toEqual({ [image.digest]: [signature.digest] });
    const chosen = await attach(layout, image.digest, { artifactType: "text/plain" }, { conventions: [outside.id] });
    expect((await layout.index.read()).entries.some((e) => e.descriptor.digest === chosen.digest)).toBe(false);
    expect((await known(layout))[image.digest]).toEqual([signature.digest, chosen.digest].toSorted());
  });
});
