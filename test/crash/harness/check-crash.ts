import type { Digest } from "@ocilot/layout";
import { Layout } from "@ocilot/layout";
import { expect } from "vitest";
import { HAS_ORAS, orasReferrers } from "./real-oras.js";
import type { Stage } from "./stages.js";
import { type State, namesIn, stateOf } from "./state.js";
import { withoutDetached } from "./without-detached.js";

const TEMPORARY = /^\.ocilot-|^index\.json\.lock$/;

/**
 * What must hold for a layout whose writer was killed during `stage`: it is the layout from before or from after, and
 * the next write goes through without waiting and leaves nothing lying about.
 */
export async function checkCrashed(dir: string, stage: Stage): Promise<void> {
  const crashed = await stateOf(dir);
  // Between its two steps a detach leaves the new layout, with a note of what is still to be deleted.
  const found = { ...crashed, text: withoutDetached(crashed.text) };
  expect([stage.before.text, stage.after.text]).toContain(found.text);
  const expected = found.text === stage.after.text ? stage.after : stage.before;
  // What changes blobs and no list of them may have been anywhere between.
  const isBetween = stage.before.text === stage.after.text;
  checkState(
    found,
    isBetween ? { ...expected, blobs: new Set([...stage.after.blobs].filter((b) => stage.before.blobs.has(b))) } : expected,
  );
  expect(found.names.filter((n) => !TEMPORARY.test(n))).toEqual(stage.before.names);
  const layout = await Layout.open(dir, { sync: false });
  const [entry] = (await layout.index.read()).entries;
  await layout.tag(entry!.descriptor, "after-the-crash", { wait: 0 });
  expect(namesIn(dir)).toEqual(stage.before.names);
  expect(await stateOf(dir)).toMatchObject({ edges: found.edges, oras: found.oras });
}

function checkState(found: State, expected: State): void {
  expect([...expected.blobs].filter((b) => !found.blobs.has(b))).toEqual([]);
  const { edges, oras, tags } = expected;
  expect({ edges: found.edges, oras: found.oras, tags: found.tags }).toEqual({ edges, oras, tags });
}

/** The real oras must find what its model finds. */
export async function checkWithOras(dir: string): Promise<void> {
  if (!HAS_ORAS) return;
  const { oras } = await stateOf(dir);
  for (const subject of new Set(oras.map((line) => line.split(" ")[0]!))) {
    const expected = oras.filter((line) => line.startsWith(`${subject} `)).map((line) => line.split(" ")[1]!);
    expect(await orasReferrers(dir, subject as Digest)).toEqual(expected.toSorted());
  }
}
