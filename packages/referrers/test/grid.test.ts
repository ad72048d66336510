import { type Digest, type IndexEntry, Layout } from "@ocilot/layout";
import {
  CONVENTIONS,
  type Convention,
  type BuiltInConventionId,
  type LayoutView,
  type UnrepresentableLink,
  NEVER_TARGETS,
  type Plan,
  type ReferrerEdge,
  SOURCE_ROWS,
  TARGETS,
  TARGET_ROWS,
  TOOLS,
  convert,
  edgeKey,
  findConvention,
  supportCell,
  openView,
  planConversion,
  readGraph,
} from "@ocilot/referrers";
import { blobHashes, projectedText, projectedView } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { everyClass } from "./every-class.js";

const IDS = CONVENTIONS.map((c) => c.id as BuiltInConventionId);
const { classes } = everyClass();

const linkClassOf = (e: { referrer: { digest: Digest } }): string => classes.get(e.referrer.digest) ?? `no class for ${e.referrer.digest}`;

async function statedBy(convention: Convention, view: LayoutView): Promise<ReferrerEdge[]> {
  const edges: ReferrerEdge[] = [];
  for (const edge of await convention.read(view)) edges.push(edge);
  return edges;
}

async function keysOf(layout: Layout): Promise<string[]> {
  return (await readGraph(await openView(layout, { scan: true }))).edges().map(edgeKey);
}

describe("the grid", () => {
  it("has every convention as a source, and as a target or as one that never is", () => {
    expect(Object.keys(SOURCE_ROWS).toSorted()).toEqual(IDS.toSorted());
    expect(Object.keys(TARGET_ROWS).toSorted()).toEqual(TARGETS.toSorted());
    expect([...Object.keys(TARGET_ROWS), ...Object.keys(NEVER_TARGETS)].toSorted()).toEqual(IDS.toSorted());
  });

  it("is tried on a layout in which every convention states something, and every class of link occurs", async () => {
    const layout = everyClass().builder.layout();
    const view = await openView(layout);
    for (const convention of CONVENTIONS) {
      if (convention.id !== "universal") expect(await statedBy(convention, view), convention.id).not.toEqual([]);
    }
    const found = (await readGraph(view)).edges();
    expect(found.map((e) => e.referrer.digest).toSorted()).toEqual([...classes.keys()].toSorted());
    expect([...new Set(found.map(linkClassOf))].toSorted()).toEqual([
      "absent",
      "bare",
      "cosign",
      "cosign-subject",
      "oras-artifact",
      "subject",
    ]);
  });

  for (const from of IDS) {
    for (const to of IDS) {
      it(`${from} → ${to}: ${supportCell(from, to).effect}`, async () => await checkPair(from, to));
    }
  }
});

/** Projects only what `from` states into `to`, and compares what that takes with the grid. */
async function checkPair(from: BuiltInConventionId, to: BuiltInConventionId): Promise<void> {
  const layout = everyClass().builder.layout();
  if (from === "universal" || (from === to && NEVER_TARGETS[from] === undefined)) await convert(layout, { to: from });
  const view = await openView(layout);
  const source = findConvention(from)!;
  const target = findConvention(to)!;
  const links = new Set((await statedBy(source, view)).map(edgeKey));
  expect(links.size).toBeGreaterThan(0);
  const already = new Set((await statedBy(target, view)).map(edgeKey));
  // What the target states already belongs to the graph: no projection is ever asked to forget a link.
  const cell = supportCell(from, to);
  // A list goes on holding what it claims and nobody can verify, so that belongs to it too.
  const isThere = (e: ReferrerEdge): boolean => already.has(edgeKey(e)) || (cell.effect === "same" && linkClassOf(e) === "absent");
  const graph = (await readGraph(view)).filter((e) => links.has(edgeKey(e)) || isThere(e));
  const projection = await target.project(graph, view);
  if (cell.effect === "never") {
    expect(projection).toMatchObject({ changes: [], blobs: [], refusals: [NEVER_TARGETS[to]] });
    return;
  }
  expect(projection.refusals).toEqual([]);
  const losses = new Map(projection.losses.map((l) => [`${l.subject} ${l.referrer}`, l.reason]));
  for (const edge of graph.edges().filter((e) => links.has(edgeKey(e)))) {
    const predicted = cell.unsupportedReason.find((i) => i.linkClass === linkClassOf(edge))?.reason;
    const reason = losses.get(edgeKey(edge));
    if (predicted !== undefined) expect(reason, `${linkClassOf(edge)} in ${to}`).toBe(predicted);
    else if (reason !== undefined) expect(cell.sometimes, `${linkClassOf(edge)} in ${to}`).toContain(reason);
  }
  const expressed = graph.edges().filter((e) => !losses.has(edgeKey(e)));
  const isNew = expressed.some((e) => !already.has(edgeKey(e)));
  const listsWritten = projection.blobs.length > 0;
  expect(listsWritten).toBe(cell.effect === "writes-lists" && isNew);
  if (cell.effect === "same") expect(projection.changes).toEqual([]);
  const text = (await layout.index.read()).text;
  const after = projectedView(view, projectedText(text, projection), projection.blobs);
  const stated = new Set((await statedBy(target, after)).map(edgeKey));
  for (const edge of expressed) expect(stated.has(edgeKey(edge)), `${edgeKey(edge)} in ${to}`).toBe(true);
}

describe("a conversion of every class at once", () => {
  for (const to of TARGETS as BuiltInConventionId[]) {
    for (const only of [false, true]) {
      it(`to ${to}${only ? ", that alone" : ""}: loses nothing, says what stays, and is done after one run`, async () => {
        const layout = everyClass().builder.layout();
        const before = await stateOf(layout);
        const { plan, changed } = await convert(layout, { to, only });
        expect(changed).toBe(true);
        checkLosses(plan, to);
        // Every class that occurs here is held by some part of universal; the notes say by which alone.
        expect(plan.losses.length > 0).toBe(to !== "universal");
        expect(plan.notes.some((n) => n.startsWith("recorded for containerd only: "))).toBe(to === "universal");
        await expectKept(layout, before);
        expect((await convert(layout, { to, only })).changed).toBe(false);
        const again = await planConversion(layout, { to, only });
        expect(again.losses).toEqual(plan.losses);
      });
    }
  }

  for (const from of TARGETS as BuiltInConventionId[]) {
    it(`goes on from ${from} to every other target without losing a link`, async () => {
      for (const to of TARGETS as BuiltInConventionId[]) {
        const layout = everyClass().builder.layout();
        const before = await stateOf(layout);
        await convert(layout, { to: from, only: true });
        const { plan } = await convert(layout, { to, only: true });
        checkLosses(plan, to);
        await expectKept(layout, before);
        await convert(layout, { to: from, only: true });
        await expectKept(layout, before);
      }
    });
  }

  it("to unlisted is not to be had, and the error says why", async () => {
    const layout = everyClass().builder.layout();
    await expect(planConversion(layout, { to: "unlisted" })).rejects.toThrow(NEVER_TARGETS.unlisted);
  });
});

interface State {
  readonly keys: readonly string[];
  readonly tags: readonly string[];
  readonly blobs: ReadonlyMap<Digest, string>;
}

async function stateOf(layout: Layout): Promise<State> {
  return { keys: await keysOf(layout), tags: tagsOf((await layout.index.read()).entries), blobs: await blobHashes(layout) };
}

/** The tags that are names: not those of lists, and not hauler's repetitions of an image's name. */
function tagsOf(entries: readonly IndexEntry[]): string[] {
  const tags = entries.filter((e) => e.tag !== undefined && !/^sha256-[0-9a-f]{64}$/.test(e.tag)).map((e) => e.tag!);
  return [...new Set(tags)].toSorted();
}

async function expectKept(layout: Layout, before: State): Promise<void> {
  expect(await keysOf(layout)).toEqual(before.keys);
  const tags = tagsOf((await layout.index.read()).entries);
  for (const tag of before.tags) expect(tags).toContain(tag);
  const blobs = await blobHashes(layout);
  for (const [digest, hash] of before.blobs) expect(blobs.get(digest)).toBe(hash);
}

function checkLosses(plan: Plan, to: BuiltInConventionId): void {
  const row = TARGET_ROWS[to]!;
  for (const loss of plan.losses) {
    const predicted = row.unsupportedReason[classes.get(loss.referrer)!];
    if (predicted === undefined) expect(row.sometimes, loss.message).toContain(loss.reason);
    else expect(loss.reason, loss.message).toBe(predicted);
    expectReadable(loss);
  }
}

function expectReadable(loss: UnrepresentableLink): void {
  expect(loss.message).toContain(loss.referrer);
  expect(loss.message).toContain(loss.subject);
}

it("leaves a universal layout in which every model finds what it can", async () => {
  const layout = everyClass().builder.layout();
  await convert(layout, { to: "universal" });
  const view = await openView(layout);
  const graph = await readGraph(view);
  for (const tool of TOOLS.filter((t) => ["oras", "regctl", "regctl-slow", "containerd", "olareg"].includes(t.id))) {
    for (const edge of graph.edges().filter((e) => linkClassOf(e) === "subject" || linkClassOf(e) === "cosign-subject")) {
      if (tool.id === "oras" && !(await view.has(edge.subject))) continue;
      expect(await tool.finds(view, edge.subject), tool.id).toContain(edge.referrer.digest);
    }
  }
});
