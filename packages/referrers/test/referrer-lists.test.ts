import { type Descriptor, type Digest, IMAGE_SPEC_SUBJECT, OLAREG_SUBJECT } from "@ocilot/layout";
import { openView, referrersTag } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { type Lists, findLists, listsOf } from "../src/records/referrer-lists.js";
import { responseDescriptor, responseText, sameLine } from "../src/records/response-index.js";

const read = async (builder: LayoutBuilder): Promise<Lists> => await findLists(await openView(builder.layout()));
/** Each record as `convention at position for subjects: lines`. */
const shown = ({ records }: Lists, names: Readonly<Record<string, Descriptor>>): string[] => {
  const nameOf = (digest: string): string => Object.entries(names).find(([, d]) => d.digest === digest)?.[0] ?? digest;
  return records.map(({ convention, entry, subjects, lines }) => {
    const said = lines.map((l) => `${nameOf(l.node.descriptor.digest)} ${l.verdict}`).join(", ");
    return `${convention} at ${entry.position} for ${subjects.map(nameOf).join("+")}: ${said}`;
  });
};
const codes = ({ problems }: Lists): string[] => problems.map((p) => `${p.code} at ${p.position}`);
const image = (builder: LayoutBuilder, n: string): Descriptor => builder.image({ members: { annotations: { n } } });

describe("a list", () => {
  test("is known by each annotation and by its tag; an entry may serve several conventions", async () => {
    const b = new LayoutBuilder();
    const subject = b.image();
    const sbom = b.referrer(subject);
    const list = b.list([sbom]);
    b.entry(subject, { tag: "v1" });
    b.entry(list, { annotations: { [OLAREG_SUBJECT]: subject.digest } });
    b.entry(list, { annotations: { [IMAGE_SPEC_SUBJECT]: subject.digest } });
    b.entry(list, { tag: referrersTag(subject.digest), annotations: { [OLAREG_SUBJECT]: subject.digest } });
    const lists = await read(b);
    expect(shown(lists, { subject, sbom })).toEqual([
      "olareg at 1 for subject: sbom right",
      "image-spec at 2 for subject: sbom right",
      "olareg at 3 for subject: sbom right",
      "regclient at 3 for subject: sbom right",
    ]);
    expect(codes(lists)).toEqual(["DUPLICATE_LIST at 3"]);
    expect(lists.problems[0]!.message).toBe(`a second list for olareg ${subject.digest}; tools read only one of the two`);
    expect(lists.records[2]!.lines).toBe(lists.records[3]!.lines);
    expect(listsOf(lists, "olareg", subject.digest).map((r) => r.entry.position)).toEqual([1, 3]);
    expect(listsOf(lists, "regclient", sbom.digest)).toEqual([]);
    expect([lists.unclaimed, lists.realTags]).toEqual([[], []]);
  });

  test("has a verdict and a problem for each line that its manifest does not confirm", async () => {
    const b = new LayoutBuilder();
    const subject = image(b, "subject");
    const other = image(b, "other");
    const right = b.referrer(subject);
    const foreign = b.referrer(other);
    const absent = b.referrer(subject, { members: { annotations: { n: "absent" } } });
    const damaged = b.referrer(subject, { members: { annotations: { n: "damaged" } } });
    const stale = image(b, "stale");
    const odd = b.document({ subject }, "application/vnd.acme+json");
    b.entry(subject, { tag: "v1" }).entry(
      b.list([...[right, foreign, absent, damaged, stale].map((d) => b.line(d)), { ...odd }], { exact: false }),
      {
        annotations: { [OLAREG_SUBJECT]: subject.digest },
      },
    );
    b.forget(absent).blobs.set(damaged.digest, new Uint8Array(damaged.size));
    const lists = await read(b);
    expect(shown(lists, { subject, right, foreign, absent, damaged, stale, odd })).toEqual([
      "olareg at 1 for subject: right right, foreign foreign, absent unverified, damaged unverified, stale stale, odd stale",
    ]);
    expect(lists.problems.map((p) => [p.code, p.digest, p.position])).toEqual([
      ["FOREIGN_LINE", foreign.digest, 1],
      ["UNVERIFIED_LINE", absent.digest, 1],
      ["UNVERIFIED_LINE", damaged.digest, 1],
      ["STALE_LINE", stale.digest, 1],
      ["STALE_LINE", odd.digest, 1],
    ]);
    const [toForeign, toAbsent, toDamaged, toStale] = lists.problems.map((p) => p.message);
    expect(toForeign).toMatch(/^the list sha256:\w+ names sha256:\w+, which refers to another subject$/);
    expect(toAbsent).toContain(": which is missing from the layout");
    expect(toDamaged).not.toContain("missing");
    expect(toDamaged).not.toContain("undefined");
    expect(toStale).toContain(", which has no subject");
  });
});

describe("what is not a list", () => {
  test("an annotation that is no digest, or on something else", async () => {
    const b = new LayoutBuilder();
    const subject = b.image();
    const damaged = b.imageIndex([]);
    const absent = b.imageIndex([subject]);
    const referrer = b.referrer(subject, { shape: "index" });
    b.entry(b.list([]), { annotations: { [OLAREG_SUBJECT]: "sha256:x" } });
    b.entry(b.list([]), { annotations: { [IMAGE_SPEC_SUBJECT]: "" } });
    b.entry(subject, { annotations: { [OLAREG_SUBJECT]: subject.digest } });
    // An ordinary use of this annotation: the entry of a referrer.
    b.entry(subject, { annotations: { [IMAGE_SPEC_SUBJECT]: subject.digest } });
    b.entry(absent, { annotations: { [OLAREG_SUBJECT]: subject.digest } });
    b.entry(damaged, { annotations: { [IMAGE_SPEC_SUBJECT]: subject.digest } });
    b.entry(referrer, { annotations: { [OLAREG_SUBJECT]: subject.digest } });
    b.forget(absent).blobs.set(damaged.digest, new Uint8Array(damaged.size));
    const lists = await read(b);
    expect(lists.records).toEqual([]);
    expect(codes(lists)).toEqual([
      "INVALID_SUBJECT at 0",
      "INVALID_SUBJECT at 1",
      "AMBIGUOUS_LIST at 2",
      "UNREADABLE at 5",
      "AMBIGUOUS_LIST at 6",
    ]);
    expect(lists.problems[0]).toMatchObject({
      message: `${OLAREG_SUBJECT} is "sha256:x", which is not a digest`,
      digest: b.entries[0]!["digest"],
    });
    expect(lists.problems[2]!.message).toBe(`${OLAREG_SUBJECT} is on an entry that is not a list`);
    expect(lists.problems[3]!.digest).toBe(damaged.digest);
  });

  test("a tag on an image, on an index of something else or with platforms, and on what is missing", async () => {
    const b = new LayoutBuilder();
    const tag = (hex: string): string => `sha256-${hex.repeat(64)}`;
    const platform = { os: "linux", architecture: "amd64" };
    const gone = b.image();
    const holders = [b.image(), b.imageIndex([b.image()]), b.list([{ ...gone, platform }], { exact: false }), gone];
    for (const [i, d] of holders.entries()) b.entry(d, { tag: tag(String(i)) });
    const own = b.imageIndex([gone]);
    b.entry(own, { tag: referrersTag(own.digest) }).forget(gone);
    const lists = await read(b);
    expect(lists.records).toEqual([]);
    expect(lists.realTags.map((e) => e.position)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("the subject of a list under a tag", () => {
  test("is what its lines say, as far as the tag fits it", async () => {
    const b = new LayoutBuilder();
    const [subject, other] = [image(b, "subject"), image(b, "other")];
    const [right, foreign] = [b.referrer(subject), b.referrer(other)];
    b.entry(b.list([right, foreign]), { tag: referrersTag(subject.digest) });
    const lists = await read(b);
    expect(shown(lists, { subject, right, foreign })).toEqual(["regclient at 0 for subject: right right, foreign foreign"]);
  });

  test("is what the tag says where no line can be read, and unknown for a shortened tag", async () => {
    const b = new LayoutBuilder();
    const subject = b.image({ algorithm: "sha512" });
    const gone = b.referrer(subject);
    const list = b.list([gone]);
    b.forget(gone);
    const whole = `sha256:${"a".repeat(64)}`;
    b.entry(list, { tag: whole.replace(":", "-") });
    b.entry(list, { tag: referrersTag(subject.digest) });
    b.entry(b.list([]), { tag: `sha256-${"b".repeat(64)}` });
    const lists = await read(b);
    expect(lists.records.map((r) => [r.entry.position, r.subjects])).toEqual([
      [0, [whole]],
      [1, []],
      [2, [`sha256:${"b".repeat(64)}`]],
    ]);
    expect(lists.unclaimed.map((r) => r.entry.position)).toEqual([1]);
  });
});

test("one tag for two sha512 subjects is reported, and each has its list", async () => {
  const b = new LayoutBuilder();
  const hex = "c".repeat(64);
  const [one, two] = ["1", "2"].map((n) => ({ ...b.image(), digest: `sha512:${hex}${n.repeat(64)}` as Digest }));
  const lines = [b.referrer(one!), b.referrer(two!)];
  b.entry(b.list(lines), { tag: referrersTag(one!.digest) });
  expect(referrersTag(two!.digest)).toBe(referrersTag(one!.digest));
  const lists = await read(b);
  expect(codes(lists)).toEqual(["TAG_COLLISION at 0"]);
  expect(lists.problems[0]!.message).toContain(` and sha512:${hex}`);
  for (const subject of [one!, two!]) expect(listsOf(lists, "regclient", subject.digest)).toEqual(lists.records);
  expect(lists.records[0]!.lines.map((l) => l.verdict)).toEqual(["right", "right"]);
});

test("only what looks like a list is opened, and all manifests that lists lead to in one batch", async () => {
  const b = new LayoutBuilder();
  const subjects = ["1", "2", "3"].map((n) => image(b, n));
  for (const s of subjects)
    b.entry(s, { tag: "v1" })
      .entry(s, { annotations: { other: "x" } })
      .entry(b.list([b.referrer(s)]), { annotations: { [OLAREG_SUBJECT]: s.digest } });
  const layout = b.layout();
  const bytesMany = layout.blobs.bytesMany.bind(layout.blobs);
  const batches: number[] = [];
  layout.blobs.bytesMany = async (ds, options) => {
    batches.push(ds.length);
    return await bytesMany(ds, options);
  };
  await findLists(await openView(layout));
  expect(batches).toEqual([3, 3]);
});

describe("a line of a list", () => {
  const line: Descriptor = {
    mediaType: "a/b",
    digest: `sha256:${"a".repeat(64)}` as Digest,
    size: 1,
    artifactType: "t",
    annotations: { a: "1" },
  };
  test.each([
    [{ digest: `sha256:${"b".repeat(64)}` as Digest }],
    [{ size: 2 }],
    [{ mediaType: "a/c" }],
    [{ artifactType: "u" }],
    [{ annotations: { a: "2" } }],
    [{ annotations: { b: "1" } }],
    [{ annotations: { a: "1", b: "2" } }],
    [{ annotations: {} }],
    [{ urls: ["https://example.org"] }],
    [{ data: "YQ==" }],
    [{ platform: { os: "linux", architecture: "amd64" } }],
  ] as [Partial<Descriptor>][])("is another one with %j", (change) => {
    expect([sameLine(line, { ...line, ...change }), sameLine({ ...line, ...change }, line)]).toEqual([false, false]);
    expect(sameLine({ ...line, ...change }, { ...line, ...change })).toBe(true);
  });

  test.each([
    [{ urls: ["https://a.example"] }, { urls: ["https://b.example"] }],
    [{ data: "YQ==" }, { data: "Yg==" }],
    [{ platform: { os: "linux", architecture: "a" } }, { platform: { os: "linux", architecture: "b" } }],
  ])("is another one if both have it and it differs: %j", (a, b) => {
    expect([sameLine({ ...line, ...a }, { ...line, ...b }), sameLine({ ...line, ...b }, { ...line, ...a })]).toEqual([false, false]);
  });

  test("is another one if one of several annotations differs", () => {
    const [one, other] = ["2", "3"].map((b) => ({ ...line, annotations: { a: "1", b } }));
    expect([sameLine(one!, other!), sameLine(other!, one!)]).toEqual([false, false]);
  });

  test("is the same whatever the order of its annotations", () => {
    const [one, other] = [
      { a: "1", b: "2" },
      { b: "2", a: "1" },
    ].map((annotations) => ({ ...line, annotations }));
    expect(sameLine(one!, other!)).toBe(true);
  });

  test("has only what the manifest has", () => {
    const edge = { referrer: { mediaType: "a/b", digest: line.digest, size: 1 }, annotations: {} } as Parameters<
      typeof responseDescriptor
    >[0];
    expect(responseDescriptor(edge)).toStrictEqual({ mediaType: "a/b", digest: line.digest, size: 1 });
    expect(responseDescriptor({ ...edge, artifactType: "t", annotations: { a: "1" } })).toEqual(line);
  });

  test("stands in a document that is right for any number of lines", () => {
    for (const count of [0, 1, 999, 1000, 1001, 2000]) {
      const { manifests } = JSON.parse(responseText(Array.from({ length: count }, () => line))) as { manifests: unknown[] };
      expect(manifests).toEqual(Array.from({ length: count }, () => line));
    }
  });
});
