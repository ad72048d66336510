import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Layout } from "@ocilot/layout";
import { type ConventionId, TARGETS, planConversion } from "@ocilot/referrers";
import { type ExpectStatic, describe, it } from "vitest";
import { convertTo } from "./conversions.js";
import {
  type TrueEdge,
  blobsOf,
  copyOf,
  edgeName,
  fixture,
  fixtureNames,
  inScratch,
  notedEdges,
  referencedBlobs,
  scratch,
  tagsOf,
  trueEdges,
} from "./layouts.js";
import { MAKERS, makeCosignKey, makeNotationHome } from "./makers.js";
import { type Measurement, measure } from "./measure.js";
import { type Behaviour, behaviourOf } from "./others.js";
import { MODEL_READERS, REAL_READERS } from "./readers.js";
import { registryAddress } from "./registry.js";
import { suite } from "./suite.js";
import { AS_WRITTEN, type Row, type Table, parseTable, renderTable, worseThan } from "./table.js";
import { TOOL_NAMES, type ToolName, must, run, versionOf } from "./tools.js";

const PAGE = fileURLToPath(new URL("../../docs/interop.md", import.meta.url));
const NEEDS: readonly ToolName[] = TOOL_NAMES;
const FALLBACK_TAG = /^sha(256|512)-[0-9a-f]{64}$/;
/** hauler records a referrer under the tag of its image: whoever asks for that tag may be given either. */
const SHARES_TAGS = new Set<ConventionId>(["hauler"]);
const NAMES = [...fixtureNames(), ...Object.keys(MAKERS)];
const measured = new Map<string, Row[]>();

let directory: string;
let keys: { cosignKey: string; notationHome: string };

const workshop = {
  needs: NEEDS,
  concurrent: true,
  async before() {
    directory = await scratch();
    keys = { cosignKey: await makeCosignKey(directory), notationHome: await makeNotationHome(directory) };
  },
  async after() {
    await rm(directory, { recursive: true, force: true });
  },
};

suite("writer × target × reader", workshop, (check) => {
  for (const name of NAMES) {
    check(name, async ({ expect }) => {
      await inScratch(async (here) => {
        const original = join(here, "original");
        if (MAKERS[name] === undefined) await copyOf(fixture(name), original);
        else await MAKERS[name]({ directory: here, registry: registryAddress(), name: `matrix/${name}`, ...keys }, original);
        measured.set(name, await throughEveryTarget(name, original, here, expect));
      });
    });
  }
});

/** What every state of one layout is compared with. */
interface Ground {
  readonly original: string;
  readonly truth: readonly TrueEdge[];
  /** The tags that are no record of referrers. */
  readonly images: readonly string[];
  readonly found: Measurement;
  readonly behaviour: Behaviour;
  /** A directory for copies. */
  readonly here: string;
  readonly expect: ExpectStatic;
}

async function throughEveryTarget(layout: string, original: string, here: string, expect: ExpectStatic): Promise<Row[]> {
  const truth = await trueEdges(original);
  const noted = await notedEdges(layout);
  if (noted !== undefined) expect(truth.map(edgeName)).toEqual(noted.toSorted());
  const images = (await tagsOf(original)).map((t) => t.tag).filter((tag) => !FALLBACK_TAG.test(tag));
  const found = await measure(original, truth);
  expect.soft(found.disagreements, "as it was").toEqual([]);
  const behaviour = await behaviourOf(original, images, registryAddress());
  const ground: Ground = { original, truth, images, found, behaviour, here, expect };
  const rows: Row[] = [{ layout, state: AS_WRITTEN, scores: found.scores }];
  for (const state of TARGETS) rows.push({ layout, state, scores: await throughOne(state, ground) });
  return rows;
}

/** Converts a copy, holds what readers and other programs make of it against the original, and tells the scores. */
async function throughOne(target: ConventionId, ground: Ground): Promise<Row["scores"]> {
  const { original, truth, found, here, expect } = ground;
  const path = await copyOf(original, join(here, target));
  const plan = await convertTo(path, target);
  if (plan === undefined || plan.steps.length === 0) {
    expect.soft(await indexText(path), `${target}: nothing done`).toBe(await indexText(original));
    return plan === undefined ? "refused" : found.scores;
  }
  const after = await measure(path, truth);
  expect.soft(after.disagreements, target).toEqual([]);
  expect.soft(unseen(found, after, target), `${target}: found before, and not any more`).toEqual([]);
  if (target === "oras" || target === "universal") {
    // A link that another part of universal records is no loss of it, and oras still cannot find it.
    const lost = new Set((await planConversion(await Layout.open(original), { to: "oras" })).losses.map(edgeName));
    const there = new Set<string>(await blobsOf(path));
    const due = truth.filter((e) => there.has(e.subject) && !lost.has(edgeName(e))).map(edgeName);
    expect.soft([...after.finds.get("oras")!], `${target}: oras`).toEqual(expect.arrayContaining(due));
  }
  await othersGoOn(path, target, ground);
  if (target === "universal") await copyOutAndIn(path, after, ground);
  return after.scores;
}

/** skopeo, umoci and crane do with the layout what they did with the original. */
async function othersGoOn(path: string, target: ConventionId, { behaviour, images, expect }: Ground): Promise<void> {
  const after = await behaviourOf(path, images, target === "universal" ? registryAddress() : undefined);
  const due = [...behaviour.answers].filter(([question]) => target === "universal" || !question.startsWith("crane"));
  if (!SHARES_TAGS.has(target)) expect.soft(Object.fromEntries(after.answers), target).toMatchObject(Object.fromEntries(due));
  expect.soft(after.tags, `${target}: umoci ls`).toEqual(expect.arrayContaining([...behaviour.tags]));
  if (behaviour.gc.code === 0) expect.soft(after.gc.code, `${target}: umoci gc`).toBe(0);
  expect.soft(after.gc.left, `${target}: umoci gc`).toEqual(expect.arrayContaining([...(await referencedBlobs(path))]));
}

/**
 * `skopeo copy` out of the layout changes nothing in it; a copy into it hides and removes nothing. Copies of a referrer
 * itself are left out: skopeo puts its entry in place of the untagged one, annotations and all.
 */
async function copyOutAndIn(path: string, before: Measurement, { truth, images, here, expect }: Ground): Promise<void> {
  const blobs = await blobsOf(path);
  const referrers = new Set<string>(truth.map((e) => e.referrer));
  const subjects = (await tagsOf(path)).filter((t) => images.includes(t.tag) && !referrers.has(t.descriptor.digest));
  for (const [i, { tag }] of subjects.entries()) {
    const out = join(here, `out-${i}`);
    const index = await indexText(path);
    const { code } = await run("skopeo", ["copy", "-q", "--all", `oci:${path}:${tag}`, `oci:${out}:copy`]);
    expect.soft(await indexText(path), `skopeo copy ${tag} out`).toBe(index);
    if (code !== 0) continue;
    await must("skopeo", ["copy", "-q", "--all", `oci:${out}:copy`, `oci:${path}:copy-${i}`]);
    expect.soft(await blobsOf(path), `skopeo copy ${tag} in`).toEqual(expect.arrayContaining([...blobs]));
  }
  const after = await measure(path, truth);
  expect.soft(after.disagreements, "after skopeo copy").toEqual([]);
  expect.soft(unseen(before, after, "universal"), "after skopeo copy").toEqual([]);
}

/** What a reader found and finds no more. */
function unseen(before: Measurement, after: Measurement, target: ConventionId): string[] {
  const readers = [...before.finds].filter(([reader]) => reader !== "oras --platform" || !SHARES_TAGS.has(target));
  return readers.flatMap(([reader, edges]) => [...edges].filter((e) => !after.finds.get(reader)!.has(e)).map((e) => `${reader}: ${e}`));
}

async function indexText(layout: string): Promise<string> {
  return await readFile(join(layout, "index.json"), "utf8");
}

describe("docs/interop.md", () => {
  it("shows no cell that got worse", async ({ expect }) => {
    const rows = NAMES.flatMap((name) => measured.get(name) ?? []);
    const empty = NAMES.filter((name) => measured.get(name)?.every(isEmpty));
    const shown = rows.filter((row) => !empty.includes(row.layout));
    const committed = await readFile(PAGE, "utf8").catch(() => "");
    const isWhole = NAMES.every((name) => measured.has(name));
    if (process.env.UPDATE_INTEROP !== "1") {
      const old = parseTable(committed);
      expect(worseThan(old, rows), "cells that got worse (UPDATE_INTEROP=1 accepts them)").toEqual([]);
      const gone = isWhole ? old.filter((o) => !shown.some((row) => row.layout === o.layout && row.state === o.state)) : [];
      expect(
        gone.map((row) => `${row.layout} → ${row.state}`),
        "lines that are gone",
      ).toEqual([]);
    }
    const page = renderTable(tableOf(shown, empty));
    if (!isWhole || page === committed) return;
    if (process.env.CI === "true") console.log("interop: docs/interop.md is not what was measured; npm run interop writes it anew");
    else await writeFile(PAGE, page);
  });
});

function isEmpty(row: Row): boolean {
  return row.scores === "refused" || Object.values(row.scores).every((s) => s.there + s.named + s.wrong === 0);
}

function tableOf(rows: readonly Row[], empty: readonly string[]): Table {
  return {
    versions: NEEDS.map((name) => `${name} ${versionOf(name)}`),
    readers: [...REAL_READERS.map((name) => ({ name, isModel: false })), ...MODEL_READERS.map((name) => ({ name, isModel: true }))],
    states: [AS_WRITTEN, ...TARGETS],
    rows,
    empty,
  };
}
