import { cpSync } from "node:fs";
import { join } from "node:path";
import { type Digest, Layout } from "@ocilot/layout";
import { FINDINGS, TRAPS, doctor, openView, readGraph, verifyLayout } from "@ocilot/referrers";
import { FIXTURES, LayoutBuilder, fixtureNames, tempDir } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { run } from "./helpers.js";

const GROUPS = ["layouts", "edge", "cases"] as const;
const NAMES = GROUPS.flatMap((group) => fixtureNames(group).map((name) => `${group}/${name}`));
const RECORD_TAG = /^(?:sha256|sha384|sha512|blake3)-[0-9a-f]{32,}/;

/** Everything that a person would miss: images by name, entries, referrers, what Docker's files list. */
async function holdings(dir: string): Promise<string[]> {
  const layout = await Layout.open(dir, { sync: false });
  const view = await openView(layout, { scan: true });
  const found: string[] = [];
  const has = async (digest: Digest): Promise<boolean> => await layout.blobs.has(digest);
  for (const { tag, descriptor } of view.entries) {
    if (tag !== undefined && RECORD_TAG.test(tag)) continue;
    if (tag !== undefined) found.push(`tag ${tag}`, `image with a name ${descriptor.digest}`);
  }
  for (const { node } of await view.reach()) {
    if (node.state !== "read" || (node.manifest.kind === "index" && node.manifest.manifests.every((d) => d.platform === undefined)))
      continue;
    const blobs = [node.manifest.config, ...node.manifest.layers].filter((d) => d !== undefined);
    for (const d of [node.descriptor, ...blobs]) if (await has(d.digest)) found.push(`blob ${d.digest}`);
  }
  for (const e of (await readGraph(view)).edges()) if (e.verified) found.push(`referrer ${e.referrer.digest} of ${e.subject}`);
  for (const digest of (await layout.dockerImages()).digests) if (await has(digest)) found.push(`docker ${digest}`);
  return [...new Set(found)].toSorted();
}

/** The fixes that doctor and verify print for a layout: commands in their order, as arguments. */
async function advised(dir: string): Promise<string[][][]> {
  const layout = await Layout.open(dir, { sync: false });
  const verified = await verifyLayout(layout, { strict: true });
  const fixes = [...verified.findings.flatMap((f) => f.fix ?? []), ...(await doctor(layout)).traps.map((t) => t.fix)];
  const commands = [...new Set(fixes)].filter((fix) => fix.startsWith("ocilot "));
  return commands.map((fix) => fix.split(" && ").map((c) => c.split(" ").slice(1)));
}

/** Fills in what only a person knows, and lets nothing be spared by its age. */
function filledIn(args: readonly string[], original: string): string[] {
  const values: Record<string, string> = { SOURCE: original, OTHER: original, NEW: join(tempDir(), "new"), NAME: "advice", TAG: "advice" };
  const filled = args.map((word) => values[word] ?? word);
  if (filled[0] === "copy" && filled[1] === original) filled.splice(1, 0, "--all");
  return filled[0] === "gc" ? [...filled, "--grace", "0s"] : filled;
}

async function follow(dir: string, name: string): Promise<void> {
  const before = await holdings(dir);
  for (const fix of await advised(dir)) {
    const copy = join(tempDir(), "copy");
    cpSync(dir, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    for (const args of fix) {
      const here = args.map((word) => word.replaceAll(dir, copy));
      await run(...filledIn(here, dir));
    }
    const after = new Set(await holdings(copy));
    expect([name, fix, before.filter((h) => !after.has(h))]).toEqual([name, fix, []]);
  }
}

describe("a person who follows the advice loses nothing", () => {
  test.each(NAMES)("%s", async (name) => {
    const dir = join(tempDir(), "layout");
    cpSync(join(FIXTURES, name), dir, { recursive: true });
    await follow(dir, name);
  });

  const made: Record<string, (b: LayoutBuilder) => unknown> = {
    "a signature whose subject is listed and missing": (b) => {
      const image = b.image();
      b.entry(image, { tag: "v1" }).listed(b.referrer(image)).forget(image);
    },
    "a referrer whose subject is nowhere": (b) => {
      const gone = b.image();
      b.entry(b.image(), { tag: "v1" }).listed(b.referrer(gone)).forget(gone);
    },
    "an unreferenced blob beside an entry of an unknown type": (b) => {
      b.entry(b.document({ any: b.image().digest }, "application/vnd.acme+json"), { tag: "v1" });
      b.blob("garbage");
    },
    "a tag on two manifests": (b) => b.entry(b.image(), { tag: "v1" }).entry(b.image(), { tag: "v1" }),
    "a referrer that no record lists": (b) => {
      const image = b.image();
      b.entry(image, { tag: "v1" });
      b.referrer(b.referrer(image));
    },
    "an image without a tag": (b) => b.entry(b.image()),
    "links without a subject": (b) => {
      const image = b.image();
      b.entry(image, { tag: "v1" }).entry(b.image(), { annotations: { "io.containerd.manifest.subject": image.digest } });
    },
  };
  test.each(Object.entries(made))("%s", async (name, make) => {
    const builder = new LayoutBuilder();
    make(builder);
    const dir = join(tempDir(), "layout");
    await builder.directory(dir);
    await follow(dir, name);
  });

  test("no advice of any code deletes or withdraws without putting something in its place", () => {
    const all = [...Object.values(FINDINGS), ...Object.values(TRAPS)].map((row) => row.fix);
    const withdrawn = all.map((fix) => fix.replace(/ocilot attach LAYOUT@SUBJECT .* && ocilot detach LAYOUT@REFERRER$/, ""));
    expect(withdrawn.filter((fix) => /\bdetach\b|--prune-dangling|\brm -r|\brestore\b.*blob/.test(fix))).toEqual([]);
  });
});
