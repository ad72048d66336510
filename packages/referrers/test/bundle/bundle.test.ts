import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { Layout, openArchive } from "@ocilot/layout";
import { openBundle } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { addImage, bring, bundleInto, content, filesOf, plan, receiptOf, tempDir } from "./helpers.js";
import { errorOf } from "../helpers.js";

function threeImages(): LayoutBuilder {
  const b = new LayoutBuilder();
  addImage(b, "v1", [
    ["base", 30_000],
    ["one", 20_000],
  ]);
  addImage(b, "v2", [
    ["base", 30_000],
    ["two", 25_000],
  ]);
  addImage(b, undefined, [["alone", 9_000]]);
  return b;
}

describe("a bundle of one file", () => {
  test("is an ordinary layout with the same index.json, and comes out as it went in", async () => {
    const dir = tempDir();
    const source = threeImages().layout();
    const [file] = await bundleInto(dir, source);
    const archive = await openArchive(file!);
    expect((await archive.index.read()).text).toBe((await source.index.read()).text);
    expect(await receiptOf(archive)).toEqual(await receiptOf(source));
    expect(archive.warnings).toEqual([]);
    const result = await bring([file!], join(dir, "out"));
    expect(result.sets).toMatchObject([{ state: "merged", missing: [], missingParts: [], kept: [], names: ["v1", "v2"] }]);
    expect((await receiptOf(await Layout.open(join(dir, "out")))).digest).toBe((await receiptOf(source)).digest);
  });

  test("has the same bytes whenever it is made, and whatever the order of its sources", async () => {
    const [a, b] = [tempDir(), tempDir()];
    const sources = [
      { layout: threeImages().layout(), repository: "registry.example/team/app" },
      { layout: threeImages().layout(), repository: "registry.example/other" },
    ];
    await bundleInto(a, sources, { limit: 70_000 });
    await bundleInto(b, sources.toReversed(), { limit: 70_000 });
    expect(filesOf(a)).toEqual(filesOf(b));
  });

  test("keeps names per repository; two sources with one name on different images are refused", async () => {
    const b = new LayoutBuilder();
    addImage(b, "v1", [["x", 10]]);
    const other = new LayoutBuilder();
    addImage(other, "v1", [["y", 10]]);
    const sources = [
      { layout: b.layout(), repository: "registry.example/a" },
      { layout: other.layout(), repository: "registry.example/b" },
    ];
    const made = await plan(sources);
    expect(made.content.roots.map((r) => [r.repository, r.tag])).toEqual([
      ["registry.example/a", "v1"],
      ["registry.example/b", "v1"],
    ]);
    expect((await made.staged.layout.index.read()).entries.flatMap((e) => e.tag ?? [])).toEqual([
      "registry.example/a:v1",
      "registry.example/b:v1",
    ]);
    expect((await errorOf(plan([{ layout: b.layout() }, { layout: other.layout() }]))).code).toBe("WRITE_REFUSED");
  });
});

describe("a split bundle", () => {
  const limit = 45_000;

  test("has parts that are no larger than asked for, each a layout of its own, and checksums that sha256sum accepts", async () => {
    const dir = tempDir();
    const files = await bundleInto(dir, threeImages().layout(), { limit });
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      const bundle = await openBundle(file);
      expect(statSync(file).size).toBe(bundle.part.size);
      expect(statSync(file).size).toBeLessThanOrEqual(limit);
      expect(bundle.document.parts.map((p) => p.name)).toEqual(files.map((f) => basename(f)));
      expect((await bundle.layout.index.read()).entries).toHaveLength(6);
      await bundle.layout.close();
    }
    expect(execFileSync("sha256sum", ["-c", "b.sha256"], { cwd: dir, encoding: "utf8" })).toContain(": OK");
    for (const line of readFileSync(join(dir, "b.sha256"), "utf8").trimEnd().split("\n")) {
      const [sum, name] = line.split("  ");
      expect(
        createHash("sha256")
          .update(readFileSync(join(dir, name!)))
          .digest("hex"),
      ).toBe(sum);
    }
  });

  test("unpacked with tar into one directory is the layout, but for cut blobs", async () => {
    const dir = tempDir();
    const files = await bundleInto(dir, threeImages().layout(), { limit: 64_000 });
    expect(files.length).toBeGreaterThan(1);
    const out = join(dir, "out");
    mkdirSync(out);
    for (const file of files) execFileSync("tar", ["xf", file, "-C", out]);
    expect((await receiptOf(await Layout.open(out))).digest).toBe((await receiptOf(threeImages().layout())).digest);
  });

  test("gives the same layout in every order of four parts, together or one after the other", async () => {
    const dir = tempDir();
    const b = new LayoutBuilder();
    addImage(
      b,
      "v1",
      ["a", "b", "c", "d"].map((name) => [name, 20_000] as const),
    );
    const files = await bundleInto(dir, b.layout(), { limit: 38_000 });
    expect(files).toHaveLength(4);
    const results = new Set<string>();
    for (const [i, order] of permutations(files).entries()) {
      const out = join(dir, `out-${i}`);
      if (i % 2 === 0) await bring(order, out);
      else
        for (const [n, file] of order.entries()) {
          const { sets } = await bring([file], out);
          expect(sets).toMatchObject([n < 3 ? { state: "incomplete" } : { state: "merged" }]);
          if (n < 3) expect(sets[0]!.missingParts).toEqual(files.filter((f) => !order.slice(0, n + 1).includes(f)).map((f) => basename(f)));
          if (n < 3) expect((await (await Layout.open(out)).index.read()).entries).toEqual([]);
        }
      results.add(JSON.stringify(filesOf(out)));
    }
    expect(results.size).toBe(1);
  });

  test("cuts a blob that is larger than a part into pieces, and joins them in any order", async () => {
    const dir = tempDir();
    const b = new LayoutBuilder();
    addImage(b, "v1", [
      ["huge", 150_001],
      ["small", 3_000],
    ]);
    const files = await bundleInto(dir, b.layout(), { limit: 40_000 });
    for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(40_000);
    const listing = execFileSync("tar", ["tf", files.at(-1)!], { encoding: "utf8" });
    expect(listing).toMatch(/blobs\/sha256\/[0-9a-f]{64}\.part-000\d-of-000\d\n/);
    expect((await openArchive(files.at(-1)!)).warnings).toEqual([]);
    const out = join(dir, "out");
    for (const file of files.toReversed()) await bring([file], out);
    expect((await receiptOf(await Layout.open(out))).digest).toBe((await receiptOf(b.layout())).digest);
    expect(readdirSync(join(out, ".ocilot-bundles"))).toEqual(["tags.json"]);
  });

  test("--only-part makes the same part again", async () => {
    const [dir, again] = [tempDir(), tempDir()];
    const b = threeImages();
    addImage(b, "huge", [["huge", 200_000]]);
    const files = await bundleInto(dir, b.layout(), { limit: 90_000 });
    for (const [i, file] of files.entries()) {
      const [made] = await bundleInto(again, b.layout(), { limit: 90_000, only: i + 1 });
      expect(readFileSync(made!).equals(readFileSync(file))).toBe(true);
    }
    expect((await errorOf(bundleInto(again, b.layout(), { limit: 90_000, only: 99 }))).code).toBe("USAGE");
  });

  test("parts of an earlier set under the same name are refused, and replaced when told", async () => {
    const dir = tempDir();
    await bundleInto(dir, threeImages().layout(), { limit });
    const more = threeImages();
    addImage(more, "v3", [["three", 40_000]]);
    expect((await errorOf(bundleInto(dir, more.layout(), { limit }))).code).toBe("OUTPUT_EXISTS");
    const files = await bundleInto(dir, more.layout(), { limit, force: true });
    expect(readdirSync(dir).filter((n) => n.endsWith(".tar"))).toEqual(files.map((f) => basename(f)).toSorted());
  });

  test("a part of another set is refused by name", async () => {
    const [dir, other] = [tempDir(), tempDir()];
    const files = await bundleInto(dir, threeImages().layout(), { limit });
    const more = threeImages();
    addImage(more, "v3", [["three", 100]]);
    const others = await bundleInto(other, more.layout(), { limit });
    const error = await errorOf(bring([files[0]!, others[1]!], join(dir, "out")));
    expect(error).toMatchObject({ code: "WRITE_REFUSED", details: { reason: "other-set", file: others[1] } });
  });

  test("compressed parts stay below the limit", async () => {
    const dir = tempDir();
    const files = await bundleInto(dir, threeImages().layout(), { limit, name: "b.tar.gz" });
    for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(limit);
    expect((await bring(files, join(dir, "out"))).sets).toMatchObject([{ state: "merged" }]);
  });

  test("a size without room for manifests is refused", async () => {
    expect((await errorOf(plan(threeImages().layout(), { limit: 6_000 }))).code).toBe("LIMIT_EXCEEDED");
  });
});

describe("a delta", () => {
  async function weekly(): Promise<{ first: LayoutBuilder; second: LayoutBuilder }> {
    const [first, second] = [new LayoutBuilder(), new LayoutBuilder()];
    for (let i = 0; i < 20; i++) {
      const layers = (week: number): [string, number][] =>
        Array.from({ length: 10 }, (_, n) => [n === 9 ? `${i}-${n}-${week}` : `${i}-${n}`, 40_000] as [string, number]);
      addImage(first, `app${i}`, layers(1));
      addImage(second, `app${i}`, layers(2));
    }
    return { first, second };
  }

  test("the weekly update of 20 images takes hardly more than what changed", async () => {
    const big = 1_000_000;
    const made = async (week: number, since: boolean): Promise<number> => {
      const b = new LayoutBuilder();
      const old = new LayoutBuilder();
      for (let i = 0; i < 20; i++) {
        const layers = (w: number): [string, number][] =>
          Array.from({ length: 10 }, (_, n) => [n === 9 ? `${i}-${n}-${w}` : `${i}-${n}`, n === 9 ? big / 2 : 1000]);
        addImage(b, `app${i}`, layers(week));
        addImage(old, `app${i}`, layers(1));
      }
      const result = await plan(b.layout(), since ? { since: [await receiptOf(old.layout())] } : {});
      return result.content.parts[0]!.size;
    };
    const delta = await made(2, true);
    expect(delta).toBeLessThanOrEqual(1.02 * 20 * (big / 2));
  });

  test("leaves out what the receipt lists, says so inside, and completes the far side", async () => {
    const dir = tempDir();
    const { first, second } = await weekly();
    await bring(await bundleInto(dir, first.layout(), { name: "one.tar", created: "2026-01-01T00:00:00Z" }), join(dir, "out"));
    const receipt = await receiptOf(await Layout.open(join(dir, "out")));
    const [file] = await bundleInto(dir, second.layout(), { name: "two.tar", since: [receipt], created: "2026-01-08T00:00:00Z" });
    const bundle = await openBundle(file!);
    expect(bundle.document.since).toEqual([receipt.digest]);
    expect((await bundle.layout.index.read()).annotations["io.ocilot.bundle.needs"]).toBe(receipt.digest);
    expect(bundle.document.absent).toHaveLength(180 + 20 + 1);
    const { sets } = await bring([file!], join(dir, "out"));
    expect(sets).toMatchObject([{ state: "merged", kept: [] }]);
    const far = await Layout.open(join(dir, "out"));
    for (let i = 0; i < 20; i++) expect((await far.resolve(`app${i}`)).digest).toBe((await second.layout().resolve(`app${i}`)).digest);
  });

  test("names the receipt and the blobs where the far side lacks what it relies on, and goes on when they come", async () => {
    const dir = tempDir();
    const { first, second } = await weekly();
    const receipt = await receiptOf(first.layout());
    const base = await bundleInto(dir, first.layout(), { name: "one.tar", created: "2026-01-01T00:00:00Z" });
    const delta = await bundleInto(dir, second.layout(), { name: "two.tar", since: [receipt], created: "2026-01-08T00:00:00Z" });
    const out = join(dir, "out");
    const { sets } = await bring(delta, out);
    expect(sets).toMatchObject([{ state: "incomplete", missingParts: [], since: [receipt.digest] }]);
    expect(sets[0]!.missing).toHaveLength(201);
    expect((await (await Layout.open(out)).index.read()).entries).toEqual([]);
    const after = await bring(base, out);
    expect(after.sets.map((s) => s.state)).toEqual(["merged", "merged"]);
    const far = await Layout.open(out);
    expect((await far.resolve("app3")).digest).toBe((await second.layout().resolve("app3")).digest);
    const straight = join(dir, "straight");
    await bring(base, straight);
    await bring(delta, straight);
    expect((await receiptOf(await Layout.open(straight))).digest).toBe((await receiptOf(far)).digest);
  });
});

describe("tags", () => {
  const versions = (layer: string): Layout => {
    const b = new LayoutBuilder();
    addImage(b, "v1", [[layer, 5_000]]);
    return b.layout();
  };

  test("an old bundle after a new one moves no tag back unless told; its content comes all the same", async () => {
    const dir = tempDir();
    const old = await bundleInto(dir, versions("old"), { name: "old.tar", created: "2026-01-01T00:00:00Z" });
    const recent = await bundleInto(dir, versions("new"), { name: "new.tar", created: "2026-02-01T00:00:00Z" });
    const [one, two] = [join(dir, "one"), join(dir, "two")];
    await bring(recent, one);
    const { sets } = await bring(old, one);
    expect(sets).toMatchObject([{ state: "merged", kept: [{ tag: "v1", reason: "older" }] }]);
    await bring(old, two);
    await bring(recent, two);
    const [first, second] = [await Layout.open(one), await Layout.open(two)];
    expect((await first.resolve("v1")).digest).toBe((await versions("new").resolve("v1")).digest);
    expect((await receiptOf(first)).digest).toBe((await receiptOf(second)).digest);
    await bring(old, one, { forceTags: true });
    expect((await first.resolve("v1")).digest).toBe((await versions("old").resolve("v1")).digest);
  });

  test("a tag that somebody moved at the destination stays, unless the bundle was made for what it is on", async () => {
    const dir = tempDir();
    const out = join(dir, "out");
    await bring(await bundleInto(dir, versions("a"), { name: "a.tar" }), out);
    const far = await Layout.open(out);
    const moved = new LayoutBuilder();
    const image = addImage(moved, "local", [["local", 10]]);
    await bring(await bundleInto(dir, moved.layout(), { name: "m.tar" }), out);
    await far.tag(image, "v1");
    const receipt = await receiptOf(far);
    const next = await bundleInto(dir, versions("b"), { name: "next.tar" });
    expect((await bring(next, out)).sets[0]!.kept).toMatchObject([{ tag: "v1", reason: "changed-there", current: image.digest }]);
    const informed = await bundleInto(dir, versions("b"), { name: "informed.tar", since: [receipt] });
    expect((await bring(informed, out)).sets[0]!.kept).toEqual([]);
    expect((await far.resolve("v1")).digest).toBe((await versions("b").resolve("v1")).digest);
  });

  test("the same bundle twice changes nothing", async () => {
    const dir = tempDir();
    const files = await bundleInto(dir, threeImages().layout(), { limit: 45_000 });
    await bring(files, join(dir, "out"));
    const before = filesOf(join(dir, "out"));
    const { written } = await bring(files.toReversed(), join(dir, "out"));
    expect(written).toBe(0);
    expect(filesOf(join(dir, "out"))).toEqual(before);
  });
});

describe("damage", () => {
  const kinds = ["oci-layout", "index.json", "ocilot-bundle.json", "manifest", "blob", "piece", "piece checksum", "header", "end"] as const;

  test.each(kinds)("a bit flipped in %s is found, the part is named, and nothing is listed", async (kind) => {
    const dir = tempDir();
    const b = new LayoutBuilder();
    const image = addImage(b, "v1", [
      ["huge", 90_000],
      ["small", 3_000],
    ]);
    const files = await bundleInto(dir, b.layout(), { limit: 40_000 });
    const isPiece = kind.startsWith("piece");
    const file = isPiece ? files.at(-1)! : files[0]!;
    const bytes = readFileSync(file);
    const at = positionOf(bytes, kind, {
      manifest: b.blobs.get(image.digest)!,
      blob: content("small", 3_000),
      piece: content("huge", 90_000).subarray(-100),
    });
    bytes[at]! ^= 4;
    writeFileSync(file, bytes);
    const out = join(dir, "out");
    const { damaged, sets } = await bring(files, out);
    expect(damaged.length).toBeGreaterThan(0);
    for (const d of damaged) {
      expect(d.message).toContain(basename(file));
      if (kind === "blob" || kind === "piece") expect(d.hint).toContain(`--only-part ${files.indexOf(file) + 1}`);
    }
    for (const s of sets) expect(s.state).toBe("incomplete");
    expect(existsSync(out) ? (await (await Layout.open(out)).index.read()).entries : []).toEqual([]);
    // The same part, made again, completes the set.
    const [made] = await bundleInto(dir, b.layout(), { limit: 40_000, only: files.indexOf(file) + 1, force: true });
    const after = await bring([made!], out);
    expect(after.sets).toMatchObject([{ state: "merged" }]);
    expect((await receiptOf(await Layout.open(out))).digest).toBe((await receiptOf(b.layout())).digest);
  });

  test("a part that is cut short or renamed is judged by its content", async () => {
    const dir = tempDir();
    const files = await bundleInto(dir, threeImages().layout(), { limit: 45_000 });
    const bytes = readFileSync(files[1]!);
    writeFileSync(files[1]!, bytes.subarray(0, bytes.length - 20_000));
    renameSync(files[0]!, join(dir, "renamed.bin"));
    const { damaged, sets } = await bring([files[1]!, join(dir, "renamed.bin"), ...files.slice(2)], join(dir, "out"));
    expect(damaged.map((d) => basename(d.file))).toEqual([basename(files[1]!)]);
    expect(sets).toMatchObject([{ state: "incomplete", missingParts: [basename(files[1]!)] }]);
  });
});

type Marks = Readonly<Record<"manifest" | "blob" | "piece", Uint8Array>>;

function positionOf(bytes: Buffer, kind: string, marks: Marks): number {
  const header = (name: string): number => bytes.indexOf(Buffer.from(`${name}\0`));
  if (kind === "oci-layout" || kind === "index.json" || kind === "ocilot-bundle.json") return header(kind) + 512 + 20;
  if (kind === "manifest" || kind === "blob" || kind === "piece") return bytes.indexOf(Buffer.from(marks[kind])) + 10;
  if (kind === "piece checksum") return bytes.length - 1024 - 512 + 5;
  if (kind === "header") return header("index.json") + 130;
  return bytes.length - 3;
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) => permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]));
}
