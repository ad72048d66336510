import { createHash } from "node:crypto";
import { type Descriptor, type Digest, IMAGE_INDEX, IMAGE_MANIFEST, digestOf, parseIndex } from "@ocilot/layout";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FetchedManifest } from "../../src/client/types.js";
import { ChangeQueue } from "../../src/repository/change-queue.js";
import { inParallel } from "../../src/repository/in-parallel.js";
import { indexChanges } from "../../src/repository/index-changes.js";
import { indexDocument } from "../../src/repository/index-document.js";
import { ManifestCache } from "../../src/repository/manifest-cache.js";
import { changedList, hasChange, listedReferrers } from "../../src/repository/referrer-list.js";
import { repeatableContent } from "../../src/repository/repeatable-content.js";
import { SpecialTags, subjectOfListTag } from "../../src/repository/special-tags.js";

const digestNo = (n: number): Digest => `sha256:${createHash("sha256").update(String(n)).digest("hex")}` as Digest;
const line = (n: number, more: Partial<Descriptor> = {}): Descriptor => ({
  mediaType: IMAGE_MANIFEST,
  digest: digestNo(n),
  size: n + 1,
  artifactType: "a/b",
  ...more,
});
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function fetched(text: string, mediaType: string = IMAGE_INDEX): FetchedManifest {
  const bytes = bytesOf(text);
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

describe("a list of referrers", () => {
  const tag = "sha256-" + "a".repeat(64);

  test("is made as a registry would answer, and needs no second write", () => {
    const text = changedList(undefined, tag, { added: [line(1)], removed: [] })!;
    expect(text).toBe(
      `{"schemaVersion":2,"mediaType":"${IMAGE_INDEX}","manifests":[{"mediaType":"${IMAGE_MANIFEST}","digest":"${digestNo(1)}","size":2,"artifactType":"a/b"}]}`,
    );
    expect(changedList(fetched(text), tag, { added: [line(1)], removed: [digestNo(9)] })).toBeUndefined();
    expect(changedList(undefined, tag, { added: [], removed: [digestNo(9)] })).toBeUndefined();
  });

  test("keeps every byte of others; wrong lines of what is added are replaced, and what is removed goes", () => {
    const foreign = `{ "mediaType":"${IMAGE_MANIFEST}", "digest":"${digestNo(7)}", "size": 3, "x-theirs": {"b":1,"a":2} }`;
    const wrong = `{"mediaType":"${IMAGE_MANIFEST}","digest":"${digestNo(1)}","size":2}`;
    const old = `{"schemaVersion":2,"manifests":[${foreign},${wrong},{"mediaType":"${IMAGE_MANIFEST}","digest":"${digestNo(2)}","size":3}],"x":1}`;
    const text = changedList(fetched(old), tag, { added: [line(1)], removed: [digestNo(2)] })!;
    expect(text).toContain(foreign);
    expect(text).toContain('"x":1');
    expect(JSON.parse(text).manifests).toMatchObject([{ digest: digestNo(7) }, { digest: digestNo(1), artifactType: "a/b" }]);
    expect(JSON.parse(text).manifests).toHaveLength(2);
  });

  test("merged in any order, by any number of writers that read each other, has what each added", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ added: fc.uniqueArray(fc.nat(20)), removed: fc.uniqueArray(fc.integer({ min: 21, max: 30 })) }), {
          maxLength: 8,
        }),
        (changes) => {
          let current: FetchedManifest | undefined;
          for (const { added, removed } of changes) {
            const change = { added: added.map((n) => line(n)), removed: removed.map(digestNo) };
            const text = changedList(current, tag, change);
            if (text !== undefined) current = fetched(text);
            expect(hasChange(current, tag, change)).toBe(true);
          }
          const listed = new Set((current === undefined ? [] : listedReferrers(current, tag)!).map((d) => d.digest));
          for (const n of changes.flatMap((c) => c.added)) expect(listed.has(digestNo(n))).toBe(true);
        },
      ),
    );
  });

  test("is not written over something else under its tag", () => {
    const image = fetched(`{"schemaVersion":2,"mediaType":"${IMAGE_MANIFEST}"}`, IMAGE_MANIFEST);
    const platforms = fetched(
      `{"schemaVersion":2,"manifests":[${JSON.stringify({ ...line(1), platform: { os: "linux", architecture: "arm" } })}]}`,
    );
    const referrer = fetched(`{"schemaVersion":2,"manifests":[],"subject":${JSON.stringify(line(1))}}`);
    for (const other of [image, platforms, referrer]) {
      expect(listedReferrers(other, tag)).toBeUndefined();
      expect(() => changedList(other, tag, { added: [line(1)], removed: [] })).toThrow(expect.objectContaining({ code: "WRITE_REFUSED" }));
    }
    const empty = fetched('{"schemaVersion":2,"manifests":[]}');
    expect(listedReferrers(empty, empty.descriptor.digest.replace(":", "-"))).toBeUndefined();
  });

  test("that no client would read any more is refused", () => {
    const added = Array.from({ length: 100 }, (_, n) => line(n, { annotations: { long: "x".repeat(100_000) } }));
    expect(() => changedList(undefined, tag, { added, removed: [] })).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
  });
});

describe("index.json of a repository", () => {
  const model = {
    tags: new Map([
      ["v1", { descriptor: line(1) }],
      [`sha256-${digestNo(1).slice(7)}.sig`, { descriptor: line(5), subject: digestNo(1) }],
    ]),
    digests: new Map([[digestNo(6), line(6)]]),
    referrers: new Map([
      [
        digestNo(1),
        new Map([
          [
            digestNo(2),
            { descriptor: line(2, { annotations: { "org.opencontainers.image.ref.name": "x", a: "b" } }), by: "referrers-tag" as const },
          ],
        ]),
      ],
    ]),
  };

  test("says of each entry where the registry names it, and takes no tag from a list", () => {
    const { entries } = indexDocument(model);
    expect(entries.map((e) => [e.tag, e.origin])).toEqual([
      [`sha256-${digestNo(1).slice(7)}.sig`, { by: "tag", subject: digestNo(1) }],
      ["v1", { by: "tag" }],
      [undefined, { by: "tag" }],
      [undefined, { by: "referrers-tag", subject: digestNo(1) }],
    ]);
    expect(entries.at(-1)!.descriptor.annotations).toEqual({ a: "b" });
  });

  test("edits become tags set and deleted, manifests added and referrers taken out", () => {
    const base = indexDocument(model);
    const name = "org.opencontainers.image.ref.name";
    const changes = indexChanges(base, [
      { op: "annotate", position: 1, unset: [name] },
      { op: "annotate", position: 2, set: { [name]: "second" } },
      { op: "insert", before: 4, descriptor: line(8) },
      { op: "insert", before: 4, descriptor: { ...line(9), annotations: { [name]: "v1" } } },
      { op: "remove", position: 3 },
      { op: "annotate-index", set: { note: "lost" } },
    ]);
    expect(changes.untagged).toEqual([]);
    expect(changes.tags.map(({ tag, descriptor, before }) => [tag, descriptor.digest, before])).toEqual([
      ["second", digestNo(6), undefined],
      ["v1", digestNo(9), digestNo(1)],
    ]);
    expect(changes.added.map((d) => d.digest)).toEqual([digestNo(8), digestNo(9)]);
    expect(changes.detached).toEqual([{ digest: digestNo(2), subjects: [digestNo(1)] }]);
    expect(indexChanges(base, [])).toEqual({ tags: [], untagged: [], added: [], detached: [] });
    expect(() => indexChanges(base, [{ op: "insert", before: 4, descriptor: { ...line(9), annotations: { [name]: "v1" } } }])).toThrow(
      expect.objectContaining({ code: "WRITE_REFUSED" }),
    );
  });

  test("a tag that is taken away from an entry that goes leaves its manifest where another entry names it", () => {
    const base = parseIndex(bytesOf(indexDocument(model).text), digestNo(0));
    const changes = indexChanges(base, [{ op: "remove", position: 1 }]);
    expect(changes).toMatchObject({ untagged: [{ tag: "v1", before: digestNo(1) }], detached: [] });
  });
});

describe("tags", () => {
  test("are sorted by what they are for", () => {
    const image = digestNo(1);
    const sha512 = `sha512:${"b".repeat(128)}` as Digest;
    const tags = new SpecialTags([
      "v1",
      image.replace(":", "-"),
      `${image.replace(":", "-")}.sig`,
      `sha512-${"b".repeat(64)}`,
      `sha512-${"b".repeat(64)}.att`,
      "sha256-short",
      `${image.replace(":", "-")}.txt`,
    ]);
    expect(tags.listsOf(image)).toEqual([image.replace(":", "-")]);
    expect(tags.listsOf(sha512)).toEqual([`sha512-${"b".repeat(64)}`]);
    expect(tags.listsOf(digestNo(2))).toEqual([]);
    expect(tags.cosignTagsOf(image)).toEqual([`${image.replace(":", "-")}.sig`]);
    expect(tags.cosignTagsOf(sha512)).toEqual([`sha512-${"b".repeat(64)}.att`]);
    expect(tags.ordinary()).toEqual(["v1", "sha256-short", `${image.replace(":", "-")}.txt`]);
    expect(subjectOfListTag(image.replace(":", "-"))).toBe(image);
    expect(subjectOfListTag(`sha512-${"b".repeat(64)}`)).toBeUndefined();
  });
});

describe("helpers of concurrency and memory", () => {
  test("changes that come in while a round is written are one round together; a failure is told to those it concerns", async () => {
    const rounds: number[][] = [];
    const queue = new ChangeQueue(async ({ added, removed }) => {
      rounds.push([added.length, removed.length]);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (rounds.length === 1) throw new Error("first");
    });
    const first = queue.add({ added: [line(1)], removed: [] });
    const rest = [
      queue.add({ added: [line(2)], removed: [] }),
      queue.add({ added: [line(3)], removed: [digestNo(2)] }),
      queue.add({ added: [line(2)], removed: [] }),
    ];
    await expect(first).rejects.toThrow("first");
    await Promise.all(rest);
    expect(rounds).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  test("in parallel: results in order, no more lanes than told, nothing begun after a failure", async () => {
    let now = 0;
    let most = 0;
    const work = async (n: number): Promise<number> => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 1));
      now--;
      if (n === 7) throw new Error("seven");
      return n * 2;
    };
    expect(await inParallel([1, 2, 3, 4, 5], work, 2)).toEqual([2, 4, 6, 8, 10]);
    expect(most).toBe(2);
    const begun: number[] = [];
    await expect(inParallel([6, 7, 8, 9, 10, 11], async (n) => (begun.push(n), await work(n)), 2)).rejects.toThrow("seven");
    expect(begun).not.toContain(11);
  });

  test("a cache lets the least recently used go first", () => {
    const cache = new ManifestCache(10);
    for (const n of [1, 2]) cache.set(digestNo(n), new Uint8Array(4));
    expect(cache.get(digestNo(1))).toBeDefined();
    cache.set(digestNo(3), new Uint8Array(4));
    expect([1, 2, 3].map((n) => cache.get(digestNo(n)) !== undefined)).toEqual([true, false, true]);
    cache.set(digestNo(4), new Uint8Array(40));
    expect(cache.get(digestNo(4))).toBeDefined();
    expect(cache.get(digestNo(1))).toBeUndefined();
  });

  test.each([100, 5 << 20])("content of %i bytes can be read again from any byte", async (size) => {
    const bytes = Buffer.alloc(size, "0123456789");
    const content = await repeatableContent(
      (async function* () {
        for (let at = 0; at < size; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
      })(),
    );
    expect([content.digest, content.size]).toEqual([digestOf(bytes), size]);
    for (const from of [0, 37, size]) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content.read(from)) chunks.push(chunk);
      expect(Buffer.concat(chunks).equals(bytes.subarray(from))).toBe(true);
    }
    await content.dispose();
  });
});
