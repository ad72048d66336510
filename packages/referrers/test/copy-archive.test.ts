import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { type Descriptor, type Digest, Layout, REF_NAME, blobPath, isOcilotError, openArchive } from "@ocilot/layout";
import { type LayoutView, TOOLS, copyLayout, copyToArchive, openView, readGraph } from "@ocilot/referrers";
import { FIXTURES, LayoutBuilder, fixtureLayout, fixtureNames, tempDir } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { type Links, allDigests, errorOf, foundBy, linksOf } from "./helpers.js";

const NAMES = [...fixtureNames("layouts").map((n) => `layouts/${n}`), ...fixtureNames("edge").map((n) => `edge/${n}`)];
const TARS = readdirSync(join(FIXTURES, "layouts")).filter((n) => n.endsWith(".tar"));
const fast = { sync: false };

async function everyReader(view: LayoutView, digests: readonly Digest[]): Promise<Record<string, Links>> {
  const answers: Record<string, Links> = {};
  for (const { id } of TOOLS) answers[id] = await foundBy(id, view, digests);
  return answers;
}

async function blobsOf(layout: Layout): Promise<string[]> {
  const found: string[] = [];
  for await (const { digest, size } of layout.blobs.list()) found.push(`${digest} ${size}`);
  return found.toSorted();
}

/** Both hold the same, and every reader model finds the same in both. */
async function expectAlike(a: Layout, b: Layout): Promise<void> {
  const [left, right] = [await openView(a), await openView(b)];
  expect(right.entries.map((e) => e.descriptor)).toEqual(left.entries.map((e) => e.descriptor));
  expect(right.annotations).toEqual(left.annotations);
  const digests = await allDigests(left);
  expect(await everyReader(right, digests)).toEqual(await everyReader(left, digests));
  expect(linksOf((await readGraph(right)).edges())).toEqual(linksOf((await readGraph(left)).edges()));
}

describe.each(NAMES)("all of %s, from directory to tar to directory", (name) => {
  test("keeps blobs and links", async () => {
    const dir = tempDir();
    const source = fixtureLayout(name);
    // A copy leaves behind what nothing leads to; from there on nothing may change.
    const first = await Layout.create(join(dir, "first"), fast);
    await copyLayout(source, first, { allowMissing: true });
    const path = join(dir, "x.tar");
    const result = await copyToArchive(source, path, { allowMissing: true, ...fast });
    await using archive = await openArchive(path);
    const second = await Layout.create(join(dir, "second"), fast);
    await copyLayout(archive, second, { allowMissing: true });
    for (const layout of [archive, second]) {
      await expectAlike(source, layout);
      expect(await blobsOf(layout)).toEqual(await blobsOf(first));
      expect((await layout.index.read()).text).toBe((await first.index.read()).text);
    }
    expect(archive.warnings).toEqual([]);
    expect(result.written.blobs).toBe((await blobsOf(first)).length);
  });
});

test.each(TARS)("the tar %s copied into a directory and into a tar gives the same", async (name) => {
  const dir = tempDir();
  await using source = await openArchive(join(FIXTURES, "layouts", name));
  const target = await Layout.create(join(dir, "d"), fast);
  await copyLayout(source, target);
  await expectAlike(source, target);
  await copyToArchive(source, join(dir, "x.tar.gz"), fast);
  await using again = await openArchive(join(dir, "x.tar.gz"));
  await expectAlike(source, again);
  expect(await blobsOf(again)).toEqual(await blobsOf(target));
});

test("a copy from a tar merges into a directory as one between directories does", async () => {
  const dir = tempDir();
  const source = fixtureLayout("layouts/oras");
  await copyToArchive(source, join(dir, "x.tar"), fast);
  await using archive = await openArchive(join(dir, "x.tar"));
  const texts: string[] = [];
  for (const from of [source, archive]) {
    const target = fixtureLayout("layouts/regclient");
    await copyLayout(from, target, { reference: "v1", tag: "other" });
    texts.push((await target.index.read()).text);
  }
  expect(texts[1]).toBe(texts[0]);
});

describe("the bytes", () => {
  test("are the same again, for a directory, an archive of it, and a stream", async () => {
    const dir = tempDir();
    const source = fixtureLayout("layouts/oras-then-regclient");
    await copyToArchive(source, join(dir, "a.tar"), fast);
    await using archive = await openArchive(join(dir, "a.tar"));
    await copyToArchive(archive, join(dir, "b.tar"), fast);
    const pass = new PassThrough();
    const all = buffer(pass);
    await copyToArchive(source, pass);
    pass.end();
    const bytes = readFileSync(join(dir, "a.tar"));
    expect(readFileSync(join(dir, "b.tar"))).toEqual(bytes);
    expect(await all).toEqual(bytes);
    expect(bytes.subarray(0, 10).toString()).toBe("oci-layout");
    expect(bytes.subarray(1024, 1034).toString()).toBe("index.json");
  });

  test("do not depend on time zone and umask", () => {
    const dir = tempDir();
    const dist = (name: string): string => new URL(`../../${name}/dist/index.js`, import.meta.url).href;
    const script = `import { Layout } from ${JSON.stringify(dist("layout"))}; import { copyToArchive } from ${JSON.stringify(dist("referrers"))};
      for (const name of ["x.tar", "x.tar.gz"])
        await copyToArchive(await Layout.open(process.argv[1]), process.argv[2] + name, { docker: true });`;
    const sums = [
      ["UTC", "022"],
      ["Asia/Tokyo", "077"],
      ["America/St_Johns", "000"],
    ].map(([zone, umask], i) => {
      const args = ["-c", `umask ${umask}; exec "$@"`, "sh", process.execPath, "--input-type=module", "-e", script];
      execFileSync("sh", [...args, join(FIXTURES, "layouts", "oras"), join(dir, `${i}-`)], { env: { ...process.env, TZ: zone } });
      return ["x.tar", "x.tar.gz"].map((n) =>
        createHash("sha256")
          .update(readFileSync(join(dir, `${i}-${n}`)))
          .digest("hex"),
      );
    });
    expect(sums[1]).toEqual(sums[0]);
    expect(sums[2]).toEqual(sums[0]);
  });
});

describe("what is copied", () => {
  test("several images with all that refers to them go into one file, each under its tag", async () => {
    const builder = new LayoutBuilder();
    const images = ["a", "b", "c"].map((tag) => {
      const image = builder.image();
      builder.entry(image, { tag });
      builder.entry(builder.referrer(image), {});
      return image;
    });
    const path = join(tempDir(), "x.tar");
    const result = await copyToArchive(builder.layout(), path, { references: ["a", "c"], conventions: ["oras"], ...fast });
    expect(result).toMatchObject({ manifests: 4, referrers: 2 });
    await using archive = await openArchive(path);
    const { entries } = await archive.index.read();
    expect(entries.flatMap((e) => e.tag ?? [])).toEqual(["a", "c"]);
    expect(entries).toHaveLength(4);
    const graph = await readGraph(await openView(archive));
    expect(images.map((d) => graph.of(d.digest).length)).toEqual([1, 0, 1]);
  });

  test("one image by reference, with a new tag, and how far it is", async () => {
    const path = join(tempDir(), "x.tar");
    const events: { blobs: number; totalBlobs: number; bytes: number; totalBytes: number }[] = [];
    const result = await copyToArchive(fixtureLayout("layouts/oras"), path, {
      reference: "v1",
      tag: "new",
      onProgress: (e) => events.push(e),
      ...fast,
    });
    expect(result.tag).toBe("new");
    await using archive = await openArchive(path);
    expect((await archive.resolve("new")).digest).toBe(result.root!.digest);
    const last = events.at(-1)!;
    expect([last.blobs, last.bytes]).toEqual([last.totalBlobs, last.totalBytes]);
    expect(last.blobs).toBe(result.written.blobs);
  });

  test("platforms can be chosen, and the smaller index written anew", async () => {
    const dir = tempDir();
    const platforms = [{ os: "linux", architecture: "arm64" }];
    for (const rewriteIndex of [false, true]) {
      const path = join(dir, `${rewriteIndex}.tar`);
      const result = await copyToArchive(fixtureLayout("layouts/oras"), path, { reference: "v1", platforms, rewriteIndex, ...fast });
      await using archive = await openArchive(path);
      expect(await archive.blobs.has(result.root!.digest)).toBe(true);
      for (const d of result.omitted) expect(await archive.blobs.has(d.digest)).toBe(false);
      // What was left out on purpose is not missed when it is copied on.
      await copyLayout(archive, await Layout.create(join(dir, `${rewriteIndex}`), fast));
    }
  });
});

describe("nothing is written", () => {
  test("over a file that is there", async () => {
    const path = join(tempDir(), "x.tar");
    writeFileSync(path, "mine");
    const error = await errorOf(copyToArchive(fixtureLayout("layouts/oras"), path));
    expect(error.code).toBe("OUTPUT_EXISTS");
    expect(error.hint).toContain("--force");
    expect(readFileSync(path, "utf8")).toBe("mine");
    await copyToArchive(fixtureLayout("layouts/oras"), path, { force: true, ...fast });
    await (await openArchive(path)).close();
  });

  test("where a blob of the source is damaged or missing", async () => {
    for (const damage of ["content", "length", "absence"] as const) {
      const dir = tempDir();
      const builder = new LayoutBuilder();
      const image = builder.image();
      builder.entry(image, { tag: "v1" });
      const [layer] = [...builder.blobs.keys()].slice(1, 2) as [Digest];
      const good = builder.blobs.get(layer)!;
      if (damage === "absence") builder.blobs.delete(layer);
      else builder.blobs.set(layer, damage === "content" ? good.map((b) => b ^ 1) : good.subarray(1));
      const error = await errorOf(copyToArchive(builder.layout(), join(dir, "x.tar"), fast));
      expect(isOcilotError(error, "BLOB_CORRUPT", "SIZE_MISMATCH", "BLOB_NOT_FOUND"), error.message).toBe(true);
      expect(readdirSync(dir)).toEqual([]);
    }
  });

  test("into an archive that is read", async () => {
    const path = join(tempDir(), "x.tar");
    await copyToArchive(fixtureLayout("layouts/oras"), path, fast);
    await using archive = await openArchive(path);
    const error = await errorOf(copyLayout(fixtureLayout("layouts/regclient"), archive, { reference: "v1", tag: "new" }));
    expect(error.code).toBe("WRITE_REFUSED");
    expect(error.hint).toContain("--output");
  });
});

test("a blob is carried whatever its name's algorithm", async () => {
  const builder = new LayoutBuilder();
  const image = builder.image({ algorithm: "sha512" });
  builder.entry(image, { tag: "v1" });
  const path = join(tempDir(), "x.tar");
  await copyToArchive(builder.layout(), path, fast);
  await using archive = await openArchive(path);
  await archive.blobs.bytes(image);
  expect(execFileSync("tar", ["-tf", path], { encoding: "utf8" })).toContain(blobPath(image.digest));
  expect(existsSync(path)).toBe(true);
  const [entry] = (await archive.index.read()).entries;
  expect((entry!.descriptor as Descriptor).annotations).toEqual({ [REF_NAME]: "v1" });
});
