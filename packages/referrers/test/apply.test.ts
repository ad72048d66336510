import { type Layout, OcilotError } from "@ocilot/layout";
import { type Plan, applyPlan, convert, findTool, openView, planConversion } from "@ocilot/referrers";
import { LayoutBuilder, aroundEntries, blobHashes, copyLayout, fixtureLayout, FIXTURES, indexText, tempDir } from "@ocilot/testkit";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { entriesOf, errorOf } from "./helpers.js";

/** A plan as it comes back from a file. */
function viaJson(plan: Plan): Plan {
  return JSON.parse(JSON.stringify(plan)) as Plan;
}

/** The same layout with a tag more: what another program might do at any moment. */
async function tagSomething(layout: Layout, name: string): Promise<void> {
  const [first] = (await layout.index.read()).entries;
  const { mediaType, digest, size } = first!.descriptor;
  const descriptor = { mediaType, digest, size, annotations: { "org.opencontainers.image.ref.name": name } };
  await layout.index.update(() => [{ op: "insert", before: 0, descriptor }]);
}

describe("applyPlan", () => {
  it("does what the plan says, also after the plan went through JSON", async () => {
    const layout = fixtureLayout("layouts/oras");
    const plan = await planConversion(layout, { to: "universal" });
    const result = await applyPlan(layout, viaJson(plan));
    expect(result.changed).toBe(true);
    const other = fixtureLayout("layouts/oras");
    await convert(other, { to: "universal" });
    expect(await indexText(layout)).toBe(await indexText(other));
  });

  it("refuses a plan for an index.json that has moved, and changes nothing", async () => {
    const layout = fixtureLayout("layouts/oras");
    const plan = await planConversion(layout, { to: "regclient" });
    await tagSomething(layout, "other");
    const before = { text: await indexText(layout), blobs: await blobHashes(layout) };
    const error = await errorOf(applyPlan(layout, plan));
    expect(error).toMatchObject({ code: "STALE_PLAN", details: { expected: plan.base } });
    expect({ text: await indexText(layout), blobs: await blobHashes(layout) }).toEqual(before);
  });

  it("refuses a plan for blobs that have gone meanwhile", async () => {
    const layout = fixtureLayout("layouts/oras");
    const plan = await planConversion(layout, { to: "regclient" });
    const step = plan.steps.find((s) => s.op === "put");
    const [line] = (JSON.parse(step!.text) as { manifests: { digest: never }[] }).manifests;
    await layout.blobs.delete(line!.digest);
    expect(await errorOf(applyPlan(layout, plan))).toMatchObject({ code: "STALE_PLAN" });
  });

  const tamperings: Record<string, (plan: any) => void> = {
    "an entry is removed": (plan) => plan.steps.push({ op: "remove", position: 0 }),
    "a tag is taken": (plan) => plan.steps.push({ op: "annotate", position: 0, set: { "org.opencontainers.image.ref.name": "mine" } }),
    "a list gets a line less": (plan) => {
      const put = plan.steps.find((s: { op: string }) => s.op === "put");
      put.text = put.text.replace(/\{"mediaType":"application\/vnd.oci.image.manifest[^}]*\}[^}]*\}/, "");
    },
    "a list is left out": (plan) => plan.steps.splice(0, 1),
    "it is for another target": (plan) => (plan.to = "olareg"),
    "it withdraws": (plan) => (plan.only = true),
  };
  it.each(Object.entries(tamperings))("refuses a plan that somebody changed: %s", async (_, tamper) => {
    const layout = fixtureLayout("layouts/oras");
    const before = { text: await indexText(layout), blobs: await blobHashes(layout) };
    const plan = viaJson(await planConversion(layout, { to: "regclient" }));
    tamper(plan);
    expect(await errorOf(applyPlan(layout, plan))).toMatchObject({ code: "STALE_PLAN" });
    expect({ text: await indexText(layout), blobs: await blobHashes(layout) }).toEqual(before);
  });

  it("refuses a refused plan even if its refusals were taken out", async () => {
    const builder = new LayoutBuilder();
    const subject = builder.image();
    const tag = subject.digest.replace(":", "-");
    builder.entry(subject, { tag: "v1" }).entry(builder.image(), { tag }).listed(builder.referrer(subject));
    const layout = builder.layout();
    const plan = viaJson(await planConversion(layout, { to: "regclient" }));
    expect(plan.refusals).not.toEqual([]);
    expect(await errorOf(applyPlan(layout, plan))).toMatchObject({ code: "CONVERSION_REFUSED" });
    expect(await errorOf(applyPlan(layout, { ...plan, refusals: [] }))).toMatchObject({ code: "CONVERSION_REFUSED" });
    expect(await indexText(layout)).toBe(builder.text());
  });
});

describe("convert", () => {
  it("plans again where index.json moves between planning and writing, and loses neither change", async () => {
    const layout = fixtureLayout("layouts/oras");
    const { update } = layout.index;
    let isFirst = true;
    layout.index.update = async (edit, options) => {
      if (isFirst) {
        isFirst = false;
        await tagSomething(layout, "meanwhile");
      }
      return await update.call(layout.index, edit, options);
    };
    const { plan } = await convert(layout, { to: "regclient" });
    const entries = await entriesOf(layout);
    expect(entries[0]).toMatchObject({ annotations: { "org.opencontainers.image.ref.name": "meanwhile" } });
    expect(plan.base).not.toBe((await planConversion(fixtureLayout("layouts/oras"), { to: "regclient" })).base);
    expect(await findTool("regctl")!.finds(await openView(layout), entries[1]!["digest"])).toHaveLength(1);
  });

  it("writes lists before index.json: what fails in between leaves the old layout whole", async () => {
    const dir = join(tempDir(), "layout");
    const layout = await copyLayout(join(FIXTURES, "layouts", "oras"), dir);
    const before = readFileSync(join(dir, "index.json"), "utf8");
    const { put } = layout.blobs;
    let count = 0;
    layout.blobs.put = async (source, options) => {
      if (count++ === 1) throw new OcilotError("IO_ERROR", "the disk is full", { path: dir });
      return await put.call(layout.blobs, source, options);
    };
    expect(await errorOf(convert(layout, { to: "universal" }))).toMatchObject({ code: "IO_ERROR" });
    expect(readFileSync(join(dir, "index.json"), "utf8")).toBe(before);
    expect(readdirSync(dir).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);

    layout.blobs.put = put;
    await convert(layout, { to: "universal" });
    const clean = fixtureLayout("layouts/oras");
    await convert(clean, { to: "universal" });
    expect(readFileSync(join(dir, "index.json"), "utf8")).toBe(await indexText(clean));
  });

  it("reuses a list that is there already: the same file with the same mode", async () => {
    const dir = join(tempDir(), "layout");
    const layout = await copyLayout(join(FIXTURES, "layouts", "oras"), dir);
    const { plan } = await convert(layout, { to: "regclient" });
    const list = plan.steps.find((s) => s.op === "put");
    const file = join(dir, "blobs", ...list!.descriptor.digest.split(":"));
    await convert(layout, { to: "oras", only: true });
    const before = statSync(file, { bigint: true });
    const again = await convert(layout, { to: "regclient" });
    expect(again.changed).toBe(true);
    const { ino, mode } = statSync(file, { bigint: true });
    expect({ ino, mode }).toEqual({ ino: before.ino, mode: before.mode });
  });

  it("refuses to edit an index.json with duplicate keys before it writes a list", async () => {
    const builder = new LayoutBuilder();
    const subject = builder.image();
    builder.entry(subject, { tag: "v1" }).listed(builder.referrer(subject));
    const text = builder.text().replace('{"schemaVersion":2', '{"manifests":[],"schemaVersion":2');
    const dir = join(tempDir(), "layout");
    const layout = await builder.directory(dir);
    writeFileSync(join(dir, "index.json"), text);
    const blobs = await blobHashes(layout);
    const error = await errorOf(convert(layout, { to: "universal" }));
    expect(error.code).toBe("CONVERSION_REFUSED");
    expect(error.message).toContain("occurs twice");
    expect(readFileSync(join(dir, "index.json"), "utf8")).toBe(text);
    expect(await blobHashes(layout)).toEqual(blobs);
  });

  it("refuses a convention that is no target", async () => {
    for (const to of ["unlisted", "nonsense"] as never[])
      expect(await errorOf(planConversion(fixtureLayout("layouts/oras"), { to }))).toMatchObject({ code: "USAGE" });
  });

  it("keeps the indentation, the final newline and everything around the entries", async () => {
    for (const name of ["layouts/crane", "layouts/umoci", "layouts/olareg"]) {
      const layout = fixtureLayout(name);
      const before = await indexText(layout);
      await convert(layout, { to: "oras" });
      const after = await indexText(layout);
      expect(after.endsWith("\n")).toBe(before.endsWith("\n"));
      expect(aroundEntries(after)).toEqual(aroundEntries(before));
    }
  });
});
