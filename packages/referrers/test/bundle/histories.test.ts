import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Descriptor, type Digest, Layout } from "@ocilot/layout";
import { type Receipt, openBundle, verifyLayout } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { addImage, bring, bundleInto, receiptOf } from "./helpers.js";

/** One step of a history. Numbers are taken modulo what there is. */
type Step =
  | { readonly do: "release"; readonly source: number; readonly tag: number }
  | { readonly do: "sign"; readonly source: number }
  | { readonly do: "bundle"; readonly source: number; readonly since: number; readonly split: boolean }
  | { readonly do: "deliver"; readonly bundle: number; readonly site: number; readonly parts: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("release" as const), source: fc.nat(1), tag: fc.nat(1) }),
  fc.record({ do: fc.constant("sign" as const), source: fc.nat(1) }),
  fc.record({ do: fc.constant("bundle" as const), source: fc.nat(1), since: fc.nat(2), split: fc.boolean() }),
  fc.record({ do: fc.constant("deliver" as const), bundle: fc.nat(20), site: fc.nat(1), parts: fc.integer({ min: 1, max: 15 }) }),
);

/** A bundle that was made, and what the model knows of it. */
interface Made {
  readonly set: Digest;
  readonly files: readonly string[];
  readonly tags: ReadonlyMap<string, Digest>;
  readonly roots: ReadonlySet<Digest>;
  readonly absent: ReadonlySet<Digest>;
  /** Blobs by the name of their part. */
  readonly blobs: ReadonlyMap<string, readonly Digest[]>;
}

class History {
  readonly dir: string = mkdtempSync(join(tmpdir(), "ocilot-history-"));
  readonly #sources = [new LayoutBuilder(), new LayoutBuilder()];
  readonly #heads: (Descriptor | undefined)[] = [undefined, undefined];
  readonly #tags = [new Map<string, Digest>(), new Map<string, Digest>()];
  readonly #made: Made[] = [];
  readonly #arrived = [new Set<string>(), new Set<string>()];
  /** The bundles that are complete at each site, by their number: a later number has a later date. */
  readonly #merged = [new Set<number>(), new Set<number>()];
  #count = 0;

  site(n: number): string {
    return join(this.dir, `site-${n}`);
  }

  async run(s: Step): Promise<void> {
    if (s.do === "release") this.#release(s.source, `${"ab"[s.source]}${s.tag}`);
    else if (s.do === "sign") this.#sign(s.source);
    else if (s.do === "bundle") await this.#bundle(s.source, s.since, s.split);
    else if (this.#made.length > 0) {
      const made = this.#made[s.bundle % this.#made.length]!;
      await this.#deliver(
        made.files.filter((_, i) => ((s.parts >> (i % 4)) & 1) === 1),
        s.site,
      );
    }
  }

  /** Everything that was made arrives everywhere, in two orders. */
  async finish(order: readonly number[]): Promise<void> {
    const all = this.#made.flatMap((m) => m.files);
    const shuffled = all.map((file, i) => ({ file, key: order[i % order.length]! + i / 1000 })).toSorted((a, b) => a.key - b.key);
    await this.#deliver(
      shuffled.map((s) => s.file),
      0,
    );
    for (const { file } of shuffled.toReversed()) await this.#deliver([file], 1);
    if (all.length === 0) return;
    const latest = new Map(this.#made.flatMap((m) => [...m.tags]));
    for (const n of [0, 1]) expect(await tagsAt(this.site(n))).toEqual(new Map([...latest].toSorted()));
    const receipts = await Promise.all([0, 1].map(async (n) => await receiptOf(await Layout.open(this.site(n)))));
    expect(receipts[0]!.digest).toBe(receipts[1]!.digest);
    const roots = new Set(receipts[0]!.roots.map((r) => r.digest));
    for (const { roots: own } of this.#made) for (const digest of own) expect(roots).toContain(digest);
  }

  #release(source: number, tag: string): void {
    const b = this.#sources[source]!;
    const at = b.entries.findIndex(
      (e) => (e["annotations"] as Record<string, string> | undefined)?.["org.opencontainers.image.ref.name"] === tag,
    );
    if (at >= 0) b.entries.splice(at, 1);
    const image = addImage(b, tag, [
      [`${tag} base`, 3000],
      [`layer ${this.#count++}`, 1000 + ((this.#count * 977) % 5000)],
    ]);
    this.#heads[source] = image;
    this.#tags[source]!.set(tag, image.digest);
  }

  #sign(source: number): void {
    const head = this.#heads[source];
    const b = this.#sources[source]!;
    if (head !== undefined) b.listed(b.referrer(head, { annotations: { no: String(this.#count++) } }));
  }

  async #bundle(source: number, since: number, split: boolean): Promise<void> {
    const number = this.#made.length;
    const receipts: Receipt[] = [];
    // 2 stands for a bundle that relies on nothing.
    if (since < 2) {
      const there = await Layout.open(this.site(since)).catch(() => undefined);
      if (there !== undefined) receipts.push(await receiptOf(there));
    }
    const b = this.#sources[source]!;
    const base = { name: `b${number}.tar`, since: receipts, created: new Date(Date.UTC(2026, 0, 1 + number)).toISOString() };
    const whole = await bundleInto(this.dir, b.layout(), { ...base, name: `whole-${number}.tar` });
    const opened = await openBundle(whole[0]!);
    const files = split ? await bundleInto(this.dir, b.layout(), { ...base, limit: opened.part.size - 3000 }).catch(() => whole) : whole;
    const blobs = new Map<string, Digest[]>();
    let document = opened.document;
    for (const file of files) {
      const part = await openBundle(file);
      document = part.document;
      blobs.set(
        basename(file),
        [...part.part.blobs, ...(part.part.piece ? [part.part.piece] : [])].map((x) => x.digest),
      );
      await part.layout.close();
    }
    await opened.layout.close();
    this.#made.push({
      set: document.set,
      files,
      blobs,
      tags: new Map(this.#tags[source]!),
      roots: new Set(document.roots.map((r) => r.digest)),
      absent: new Set(document.absent.map((x) => x.digest)),
    });
  }

  async #deliver(files: readonly string[], site: number): Promise<void> {
    if (files.length === 0) return;
    const result = await bring(files, this.site(site));
    for (const file of files) this.#arrived[site]!.add(basename(file));
    expect(result.damaged).toEqual([]);
    const layout = await Layout.open(this.site(site));
    const { findings } = await verifyLayout(layout);
    expect(findings.filter((f) => f.severity === "error")).toEqual([]);
    const there = new Set<Digest>();
    for await (const { digest } of layout.blobs.list()) there.add(digest);
    for (const s of result.sets) {
      const made = this.#made.find((m) => m.set === s.set)!;
      if (s.state === "merged") this.#merged[site]!.add(this.#made.indexOf(made));
      if (s.state === "merged") continue;
      expect(s.missing.map((b) => b.digest)).toEqual([...made.absent].filter((d) => !there.has(d)).toSorted());
      const lacking = [...made.blobs].filter(([name, own]) => !this.#arrived[site]!.has(name) && own.some((d) => !there.has(d)));
      expect(s.missingParts).toEqual(lacking.map(([name]) => name));
      expect(s.missing.length + s.missingParts.length).toBeGreaterThan(0);
      expect(s.since.length > 0).toBe(s.missing.length > 0);
    }
    // Whatever the order, a tag is where the latest bundle that has arrived whole has it.
    const expected = new Map<string, Digest>();
    for (const number of [...this.#merged[site]!].toSorted((a, b) => a - b))
      for (const [tag, digest] of this.#made[number]!.tags) expected.set(tag, digest);
    expect(await tagsAt(this.site(site))).toEqual(new Map([...expected].toSorted()));
  }
}

async function tagsAt(dir: string): Promise<Map<string, Digest>> {
  const { entries } = await (await Layout.open(dir)).index.read();
  return new Map(entries.flatMap((e) => (e.tag === undefined ? [] : [[e.tag, e.descriptor.digest] as const])).toSorted());
}

test(
  "whatever is made, lost, repeated and brought out of order, no tag is without its content, and in the end all sites agree",
  { timeout: 3_600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 4, maxLength: 14 }),
        fc.array(fc.nat(100), { minLength: 7, maxLength: 7 }),
        async (steps, order) => {
          const history = new History();
          try {
            await history.run({ do: "release", source: 0, tag: 0 });
            for (const s of steps) await history.run(s);
            await history.finish(order);
          } finally {
            rmSync(history.dir, { recursive: true, force: true });
          }
        },
      ),
      { numRuns: process.env["OCILOT_LONG"] === "1" ? 500 : 50, seed: 19 },
    );
  },
);
