import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type OcilotError, ValuePool, parseManifest } from "../../src/index.js";
import { parseCompact } from "../../src/spec/compact-json.js";
import { SimilarDocuments } from "../../src/spec/similar-documents.js";
import { MANIFEST_TYPE, digestNo, text } from "../helpers.js";

const descriptor = (n: number): string => `{"mediaType":"application/vnd.oci.empty.v1+json","digest":"${digestNo(n)}","size":${n}}`;
const member = (key: string, value: string): string => `"${key}":${value}`;

/** What a program writes before the members that differ. */
const BEGINNING = [
  member("schemaVersion", "2"),
  member("mediaType", `"${MANIFEST_TYPE}"`),
  member("artifactType", '"application/spdx+json"'),
  member("config", descriptor(2)),
  member("layers", `[${descriptor(3)}]`),
];

const ending = fc.constantFrom(
  member("subject", descriptor(11)),
  member("subject", descriptor(12)),
  member("annotations", '{"a":"1"}'),
  member("annotations", '{"a":"2","b":"ä"}'),
  member("annotations", '{"a":2}'),
  member("annotations", '{"a":"1","a":"2"}'),
  member("annotations", '{"\\u0061":"1"}'),
  member("mediaType", '"text/plain"'),
  member("config", descriptor(5)),
  member("Subject", descriptor(11)),
  member("size", "1e2"),
  member("number", "100"),
  member("10", "true"),
  member("__proto__", '{"polluted":true}'),
  member("manifests", "[]"),
  member("layers", "[{}]"),
  "",
);
const beginning = fc.oneof(
  { weight: 4, arbitrary: fc.constant(BEGINNING) },
  { weight: 1, arbitrary: fc.subarray(BEGINNING) },
  { weight: 1, arbitrary: fc.constant([...BEGINNING.slice(0, 3), member("config", descriptor(7)), ...BEGINNING.slice(4)]) },
  { weight: 1, arbitrary: fc.constant([...BEGINNING, member("layers", "[]")]) },
  { weight: 2, arbitrary: fc.constant([...BEGINNING, member("__proto__", '{"polluted":true}')]) },
  { weight: 1, arbitrary: fc.constant([member("artifactType", "1"), ...BEGINNING]) },
);
const document = fc
  .tuple(beginning, fc.array(ending, { maxLength: 3 }), fc.constantFrom("}", "}", "}", "} ", ",}", "", "}}"))
  .map(([first, last, end]) => `{${[...first, ...last].join(",")}${end}`);
const documents = fc.array(document, { minLength: 1, maxLength: 8 });

describe("documents that begin alike", () => {
  test("are each what they are alone", () => {
    fc.assert(
      fc.property(documents, (texts) => {
        const similar = new SimilarDocuments();
        for (const source of texts) {
          const found = similar.read(source);
          const members = found && [...Object.entries(found.beginning?.members ?? {}), ...Object.entries(found.members)];
          const alone = parseCompact(source);
          expect(members?.toSorted()).toEqual(alone === undefined ? undefined : Object.entries(alone as object).toSorted());
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("are manifests, or refused as manifests, as each is alone", () => {
    const read = (source: string, sharing?: ValuePool): unknown => {
      try {
        return parseManifest(text(source), MANIFEST_TYPE, "it", sharing);
      } catch (error) {
        const { code, message } = error as OcilotError;
        return { code, message };
      }
    };
    fc.assert(
      fc.property(documents, (texts) => {
        const sharing = new ValuePool();
        for (const source of texts) expect(read(source, sharing)).toEqual(read(source));
      }),
      { numRuns: 2000 },
    );
  });

  test("share what is parsed of their beginning", () => {
    const similar = new SimilarDocuments();
    const of = (n: number): string => `{${BEGINNING.join(",")},"annotations":{"n":"${n}"}}`;
    expect(similar.read(of(1))!.beginning).toBeUndefined();
    expect(similar.read(of(2))!.beginning).toBeUndefined();
    const [third, fourth] = [similar.read(of(3))!, similar.read(of(4))!];
    expect(third).toEqual({
      beginning: { text: `{${BEGINNING.join(",")},`, members: expect.any(Object) },
      members: { annotations: { n: "3" } },
    });
    expect(fourth.beginning).toBe(third.beginning);
  });

  test("a beginning that is no third of a document is not kept", () => {
    const similar = new SimilarDocuments();
    const of = (n: string): string => `{"schemaVersion":2,"annotations":{"n":"${n.repeat(60)}"}}`;
    for (const n of ["a", "b", "c"]) expect(similar.read(of(n))!.beginning).toBeUndefined();
  });

  test("long documents are not compared", () => {
    const similar = new SimilarDocuments();
    const of = (n: number): string => `{"list":[${"1,".repeat(40_000)}1],"n":${n}}`;
    for (const n of [1, 2, 3]) expect(similar.read(of(n))!.beginning).toBeUndefined();
  });

  test("no more than eight beginnings are kept", () => {
    const similar = new SimilarDocuments();
    const of = (kind: number, n: number): string => `{"kind":"${String(kind).repeat(50)}","n":${n}}`;
    for (let kind = 10; kind < 30; kind++) for (const n of [1, 2]) similar.read(of(kind, n));
    const known = Array.from({ length: 20 }, (_, i) => similar.read(of(10 + i, 3))!.beginning !== undefined);
    expect(known).toEqual(Array.from({ length: 20 }, (_, i) => i < 8));
  });
});
