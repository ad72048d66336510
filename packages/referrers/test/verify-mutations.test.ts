import { cpSync, readFileSync, readdirSync, mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Layout, OcilotError, digestOf, isDigest } from "@ocilot/layout";
import { type Receipt, type VerifyResult, compareReceipts, makeReceipt, verifyLayout } from "@ocilot/referrers";
import { FIXTURES, fixtureNames, tempDir } from "@ocilot/testkit";

/** What is left of a layout's meaning once annotations that nobody follows are taken away. */
async function meaningOf({ evidence }: VerifyResult): Promise<string> {
  const { snapshot, graph } = evidence!;
  const entries = snapshot.entries.map(({ tag, descriptor: d }) => [tag, d.digest, d.size, d.mediaType]);
  return JSON.stringify([entries, graph.edges().map((e) => [e.subject, e.referrer.digest, e.artifactType])]);
}

type Verdict = { readonly reported: string } | { readonly harmless: string } | { readonly silent: true };

/** Verifies a layout that was whole a moment ago: is the change told, or proved to be none? */
async function judge(dir: string, before: VerifyResult, receipt: Receipt, file: string): Promise<Verdict> {
  let now: VerifyResult;
  try {
    now = await verifyLayout(await Layout.open(dir), { workers: 0 });
  } catch (error) {
    if (error instanceof OcilotError) return { reported: error.code };
    throw error;
  }
  const known = new Set(before.findings.map((f) => `${f.code} ${f.message}`));
  const fresh = now.findings.find((f) => !known.has(`${f.code} ${f.message}`));
  if (fresh !== undefined) return { reported: fresh.code };
  const digest = file.startsWith("blobs/") ? file.split("/").slice(1).join(":") : "";
  if (before.findings.some((f) => f.code === "UNREFERENCED_BLOB" && f.digest === digest)) return { harmless: "nothing names it" };
  if (before.findings.some((f) => f.digest === digest && f.severity === "error")) return { reported: "before too" };
  const differences = compareReceipts(receipt, await makeReceipt(now.evidence!), dir);
  if (differences.length > 0) return { reported: differences[0]!.code };
  if ((await meaningOf(now)) === (await meaningOf(before)))
    return { harmless: "it means the same: white space, or an annotation that makes no link" };
  return { silent: true };
}

/** An index that is broken and young counts as one that is being written, and is read again for two seconds. */
function writeOld(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  utimesSync(path, 1, 1);
}

const filesOf = (dir: string): string[] =>
  (readdirSync(dir, { recursive: true }) as string[]).filter((f) => statSync(join(dir, f)).isFile()).toSorted();

interface Mutation {
  readonly name: string;
  readonly file: string;
  apply(): void;
  undo(): void;
}

/** Each file flipped, cut, deleted, duplicated under another name, and exchanged with the next. */
function* mutationsOf(dir: string): Iterable<Mutation> {
  const files = filesOf(dir);
  for (const [i, file] of files.entries()) {
    const path = join(dir, file);
    const bytes = readFileSync(path);
    const write = (content: Uint8Array) => (): void => writeOld(path, content);
    const isDocument = !file.startsWith("blobs/");
    const places = bytes.length === 0 ? [] : isDocument ? [0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.999] : [0.5];
    for (const place of places) {
      const at = Math.floor(place * bytes.length);
      const flipped = Uint8Array.from(bytes);
      flipped[at]! ^= 1;
      yield { name: `flipped at ${at}`, file, apply: write(flipped), undo: write(bytes) };
    }
    if (bytes.length > 0) yield { name: "truncated", file, apply: write(bytes.subarray(0, bytes.length >> 1)), undo: write(bytes) };
    yield { name: "deleted", file, apply: () => rmSync(path), undo: write(bytes) };
    const encoded = file.split("/").at(-1)!;
    const algorithm = file.split("/")[1];
    const copy = isDigest(`${algorithm}:${encoded}`) ? `blobs/sha256/${digestOf(Buffer.from(encoded)).slice(7)}` : `${file}.copy`;
    yield { name: "duplicated", file, apply: () => writeOld(join(dir, copy), bytes), undo: () => rmSync(join(dir, copy)) };
    const other = files[(i + 1) % files.length]!;
    const others = readFileSync(join(dir, other));
    if (bytes.equals(others)) continue;
    yield {
      name: `exchanged with ${other}`,
      file,
      apply: () => (write(others)(), writeOld(join(dir, other), bytes)),
      undo: () => (write(bytes)(), writeOld(join(dir, other), others)),
    };
  }
}

describe("every file of every fixture, damaged in every way", () => {
  const names = (["layouts", "edge"] as const).flatMap((group) => fixtureNames(group).map((name) => `${group}/${name}`));

  const told = new Map<string, number>();

  afterAll(() => {
    const lines = [...told].toSorted((a, b) => b[1] - a[1]).map(([key, n]) => `  ${n} ${key}`);
    process.stdout.write(`mutations: ${[...told.values()].reduce((a, b) => a + b, 0)}\n${lines.join("\n")}\n`);
  });

  it.each(names)("%s: reported, or proved harmless", async (name) => {
    const dir = join(tempDir(), "layout");
    cpSync(join(FIXTURES, name), dir, { recursive: true });
    const before = await verifyLayout(await Layout.open(dir), { workers: 0 });
    const receipt = await makeReceipt(before.evidence!);
    const silent: string[] = [];
    let count = 0;
    const tally = (key: string): void => void told.set(key, (told.get(key) ?? 0) + 1);
    for (const { name: what, file, apply, undo } of mutationsOf(dir)) {
      apply();
      count++;
      const verdict = await judge(dir, before, receipt, file);
      if ("silent" in verdict) silent.push(`${file} ${what}`);
      else if ("harmless" in verdict) tally(`harmless, ${verdict.harmless}`);
      else tally(verdict.reported);
      undo();
    }
    expect(silent).toEqual([]);
    expect(count).toBeGreaterThan(5);
    expect((await verifyLayout(await Layout.open(dir), { workers: 0 })).findings).toEqual(before.findings);
  });
});
