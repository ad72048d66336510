import { type ConventionId, type Plan, convert, findConvention, findTool, openView, planConversion, readGraph } from "@ocilot/referrers";
import { blobHashes, fixtureLayout, fixtureNames, indexText } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { type Links, NAMESAKES, SIX, linksOf, isHeldFor } from "./helpers.js";

const ORAS_BLOCKED = /^oras cannot use the layout: .*(size|bytes)/;

/**
 * What each layout of `fixtures/edge` holds (manifests with a subject counted in its blobs by a script that knows no
 * conventions; in `reset-by-cosign-save` nothing leads to them, which its `kind` entry gives away), and which targets are refused and why; all others succeed. */
const EXPECTED: Record<string, { s: number; n: number; refused?: Partial<Record<ConventionId, RegExp>> }> = {
  "annotation-only-link": { s: 0, n: 1 },
  "buildkit-docker-media-types": { s: 0, n: 0 },
  "buildkit-inline-cache": { s: 0, n: 0 },
  "buildkit-multi-platform": { s: 3, n: 0 },
  "buildkit-sbom-and-provenance": { s: 2, n: 0 },
  "buildkit-two-builds": { s: 0, n: 1 },
  "buildkit-zstd": { s: 1, n: 0 },
  "docker-types-after-umoci-gc": { s: 1, n: 0 },
  "full-name-ref": { s: 2, n: 0 },
  "image-tag-overwritten-by-fallback": { s: 3, n: 0 },
  "inexact-fallback-list": { s: 1, n: 0 },
  "legacy-artifact-manifests": { s: 4, n: 0 },
  "manifests-null": { s: 0, n: 0 },
  "notation-under-fallback-tag": { s: 1, n: 0 },
  "reset-by-cosign-save": { s: 3, n: 0 },
  "sha512-subject": { s: 2, n: 0 },
  "subject-listed-as-its-own-referrer": { s: 1, n: 0 },
  "wrong-subject-size": { s: 3, n: 0, refused: { oras: ORAS_BLOCKED, universal: ORAS_BLOCKED } },
};

it("says something of every layout in fixtures/edge", () => {
  expect(Object.keys(EXPECTED).toSorted()).toEqual(fixtureNames("edge"));
});

describe.each(Object.entries(EXPECTED))("edge fixture %s", (name, { s, n, refused = {} }) => {
  it("is read", async () => {
    const graph = await readGraph(await openView(fixtureLayout(`edge/${name}`)));
    const count = (link: "S" | "N"): number => graph.edges().filter((e) => e.link === link).length;
    expect({ s: count("S"), n: count("N") }).toEqual({ s, n });
  });

  it.each(SIX)("is converted to %s, or refused for a stated reason", async (to) => {
    for (const only of [false, true]) {
      const layout = fixtureLayout(`edge/${name}`);
      const before = { text: await indexText(layout), blobs: await blobHashes(layout) };
      const links = await linksNow(layout);
      const plan = await planConversion(layout, { to, only });
      if (refused[to] !== undefined) {
        expect(plan.refusals).not.toEqual([]);
        for (const reason of plan.refusals) expect(reason).toMatch(refused[to]);
        await expect(convert(layout, { to, only })).rejects.toMatchObject({ code: "CONVERSION_REFUSED" });
        expect({ text: await indexText(layout), blobs: await blobHashes(layout) }).toEqual(before);
        continue;
      }
      expect(plan.refusals).toEqual([]);
      const { changed } = await convert(layout, { to, only });
      expect(changed).toBe(plan.steps.length > 0);
      expect(await linksNow(layout)).toEqual(links);
      await expectFound(layout, to, plan);
      expect((await convert(layout, { to, only })).changed).toBe(false);
      const after = await blobHashes(layout);
      expect(new Map([...after].filter(([digest]) => before.blobs.has(digest)))).toEqual(before.blobs);
    }
  });
});

/** All links, whichever convention holds them. */
async function linksNow(layout: ReturnType<typeof fixtureLayout>): Promise<Links> {
  return linksOf((await readGraph(await openView(layout))).edges());
}

async function expectFound(layout: ReturnType<typeof fixtureLayout>, to: (typeof SIX)[number], plan: Plan): Promise<void> {
  const view = await openView(layout);
  const lost = new Set(plan.losses.map((l) => `${l.subject} ${l.referrer}`));
  const wanted = (await readGraph(view)).edges().filter((e) => e.verified && !lost.has(`${e.subject} ${e.referrer.digest}`));
  const stated = new Set<string>();
  for (const edge of await findConvention(to)!.read(view)) stated.add(`${edge.subject} ${edge.referrer.digest}`);
  for (const edge of wanted) {
    if (isHeldFor(to, to, edge)) expect(stated).toContain(`${edge.subject} ${edge.referrer.digest}`);
    for (const tool of NAMESAKES[to]) {
      if (!isHeldFor(to, tool, edge)) continue;
      if (tool === "oras" && !(await view.has(edge.subject))) continue;
      expect(await findTool(tool)!.finds(view, edge.subject), tool).toContain(edge.referrer.digest);
    }
  }
}

describe("what the edge fixtures show", () => {
  it("a list that names its own subject loses that line: nobody is told that an image refers to itself", async () => {
    const layout = fixtureLayout("edge/subject-listed-as-its-own-referrer");
    const subject = (await layout.index.read()).entries[0]!.descriptor.digest;
    const before = await findTool("regctl")!.finds(await openView(layout), subject);
    expect(before).toContain(subject);
    await convert(layout, { to: "regclient" });
    expect(await findTool("regctl")!.finds(await openView(layout), subject)).toEqual(before.filter((d) => d !== subject));
    expect((await layout.index.read()).entries.map((e) => e.descriptor.digest)).toContain(subject);
  });

  it("an inexact list, on which olareg hangs, is made exact", async () => {
    const layout = fixtureLayout("edge/inexact-fallback-list");
    expect(await findTool("olareg")!.traps(await openView(layout))).toMatchObject([{ severity: "blocks" }]);
    await convert(layout, { to: "regclient" });
    expect(await findTool("olareg")!.traps(await openView(layout))).toEqual([]);
  });

  it("a link without subject stays with its annotation and is reported by every target that cannot hold it", async () => {
    for (const to of SIX.filter((t) => t !== "containerd")) {
      const layout = fixtureLayout("edge/annotation-only-link");
      const before = await indexText(layout);
      const { plan } = await convert(layout, { to, only: true });
      // universal goes on holding it in containerd's annotation, and says so.
      expect(plan.losses).toMatchObject(to === "universal" ? [] : [{ reason: "no-subject" }]);
      expect(plan.notes).toHaveLength(to === "universal" ? 1 : 0);
      const marked = (await layout.index.read()).entries.filter((e) => e.descriptor.annotations?.["io.containerd.manifest.subject"]);
      expect(marked).toHaveLength(1);
      if (to === "oras" || to === "regclient") expect(await indexText(layout)).toBe(before);
    }
  });

  it("a sha512 subject keeps its shortened tag, and its list serves under every mark", async () => {
    const layout = fixtureLayout("edge/sha512-subject");
    await convert(layout, { to: "universal" });
    const lists = (await layout.index.read()).entries.filter((e) => e.tag?.startsWith("sha512-"));
    expect(lists).toHaveLength(1);
    expect(lists[0]!.tag).toHaveLength("sha512-".length + 64);
    expect(lists[0]!.descriptor.annotations?.["org.olareg.referrer.subject"]).toHaveLength("sha512:".length + 128);
  });

  it("an ORAS artifact manifest is listed, and said to be of a type that nobody reads", async () => {
    const { losses } = await planConversion(fixtureLayout("edge/legacy-artifact-manifests"), { to: "oras" });
    expect(losses).toMatchObject([{ reason: "legacy-type" }]);
  });
});
