import { type Descriptor, type Digest, IMAGE_INDEX, digestOf } from "@ocilot/layout";
import { type ReferrerEdge, convert, openView, readGraph, responseDescriptor, responseText } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, fixtureNames, fixtureParts } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { sameLine } from "../src/records/response-index.js";

interface List {
  readonly fixture: string;
  readonly digest: Digest;
  readonly lines: readonly Descriptor[];
}

/** Every blob of the fixtures that is a referrers response: an index without platforms whose children name a subject. */
function listsIn(fixture: string): List[] {
  const { blobs } = fixtureParts(fixture);
  const jsonOf = (bytes: Uint8Array | undefined): Record<string, any> | undefined => {
    if (bytes?.[0] !== 0x7b) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, any>;
    } catch {
      return undefined;
    }
  };
  const lists: List[] = [];
  for (const [digest, bytes] of blobs) {
    const json = jsonOf(bytes);
    if (json?.["mediaType"] !== IMAGE_INDEX || !Array.isArray(json["manifests"])) continue;
    const lines = json["manifests"] as Descriptor[];
    if (lines.every((l) => l.platform === undefined && jsonOf(blobs.get(l.digest))?.["subject"] !== undefined))
      lists.push({ fixture, digest, lines });
  }
  return lists;
}

const fixtures = [...fixtureNames("layouts").map((n) => `layouts/${n}`), ...fixtureNames("edge").map((n) => `edge/${n}`)];
const lists = fixtures.flatMap(listsIn);
/** What hand or an old registry client wrote: no artifact types, no annotations. */
const INEXACT = new Set(["edge/inexact-fallback-list"]);

describe("a list made anew has the bytes that regclient and olareg wrote", () => {
  it.each(lists.filter((l) => !INEXACT.has(l.fixture)).map((l) => [l.fixture, l.digest, l] as const))(
    "%s %s",
    async (fixture, digest, list) => {
      const view = await openView(fixtureLayout(fixture));
      const edges = new Map((await readGraph(view)).edges().map((e) => [e.referrer.digest, e]));
      const orphaned = list.lines.filter((l) => !edges.has(l.digest));
      // A dropped list stays in blobs/ and may name what nothing else leads to any more.
      if (orphaned.length > 0) expect(view.entries.map((e) => e.descriptor.digest)).not.toContain(digest);
      else expect(digestOf(encode(responseText(list.lines.map((l) => responseDescriptor(edges.get(l.digest)!)))))).toBe(digest);
    },
  );

  it("covers lists of regctl, of olareg, of both in turn, and of the edge cases", () => {
    const writers = new Set(lists.map((l) => l.fixture));
    expect([...writers]).toEqual(
      expect.arrayContaining(["layouts/regclient", "layouts/olareg", "layouts/regclient-served-by-olareg", "edge/sha512-subject"]),
    );
    expect(lists.length).toBeGreaterThan(12);
  });
});

describe("the text of a list", () => {
  const edge = (more: Partial<ReferrerEdge>): ReferrerEdge => ({
    subject: digestOf(encode("subject")),
    referrer: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: digestOf(encode("referrer")), size: 8 },
    link: "S",
    verified: true,
    annotations: {},
    evidence: [],
    ...more,
  });

  it("escapes as Go does: <>&, U+2028, control characters; emoji stay raw, a lone surrogate becomes U+FFFD", () => {
    const annotations = { k: '<a>&\u2028\u2029\u0001\b\f\n\r\t"\\\u{1F408}\ud800' };
    expect(responseText([responseDescriptor(edge({ annotations }))])).toContain(
      '"annotations":{"k":"\\u003ca\\u003e\\u0026\\u2028\\u2029\\u0001\\b\\f\\n\\r\\t\\"\\\\\u{1F408}\ufffd"}',
    );
  });

  it("sorts annotations by their bytes, not as JavaScript orders keys or compares UTF-16", () => {
    const text = responseText([responseDescriptor(edge({ annotations: { "\u{1F408}": "", "￿": "", b: "", 10: "", 9: "", Z: "" } }))]);
    expect(/"annotations":\{(.*?)\}/.exec(text)![1]!.match(/"[^"]+"(?=:)/g)).toEqual(['"10"', '"9"', '"Z"', '"b"', '"￿"', '"\u{1F408}"']);
  });

  it("leaves out empty annotations and a missing artifact type, and ends without a newline", () => {
    const { mediaType, digest, size } = edge({}).referrer;
    expect(responseText([responseDescriptor(edge({}))])).toBe(
      `{"schemaVersion":2,"mediaType":"${IMAGE_INDEX}","manifests":[{"mediaType":"${mediaType}","digest":"${digest}","size":${size}}]}`,
    );
  });

  it("of no referrers is the 88 bytes that olareg leaves after the last delete", () => {
    expect(encode(responseText([]))).toHaveLength(88 + '{"schemaVersion":2,"mediaType":"","manifests":[]}'.length - 49);
    expect(digestOf(encode(responseText([])))).toBe(digestOf(encode(`{"schemaVersion":2,"mediaType":"${IMAGE_INDEX}","manifests":[]}`)));
  });
});

describe("a list that conversion writes", () => {
  it("has the types and annotations of the manifests, whatever their entries say", async () => {
    const builder = new LayoutBuilder();
    const subject = builder.image();
    const referrer = builder.referrer(subject, { annotations: { b: "2", a: "<1>" }, artifactType: "a/b" });
    builder.entry(subject, { tag: "v1" }).entry(referrer, { artifactType: "wrong/type", annotations: { a: "wrong" } });
    const { plan } = await convert(builder.layout(), { to: "regclient" });
    const list = plan.steps.find((s) => s.op === "put");
    const { mediaType, digest, size } = referrer;
    expect(list!.text).toBe(
      `{"schemaVersion":2,"mediaType":"${IMAGE_INDEX}","manifests":[{"mediaType":"${mediaType}","digest":"${digest}","size":${size},` +
        `"annotations":{"a":"\\u003c1\\u003e","b":"2"},"artifactType":"a/b"}]}`,
    );
  });

  it("made anew is sorted by digest; one that gains a line keeps the order it had", async () => {
    const builder = new LayoutBuilder();
    const subject = builder.image();
    const referrers = Array.from({ length: 6 }, () => builder.referrer(subject));
    const byDigest = referrers.map((d) => d.digest).toSorted();
    builder.entry(subject, { tag: "v1" });
    for (const r of referrers) builder.listed(r);
    expect(linesOf((await convert(builder.layout(), { to: "olareg" })).plan.steps)).toEqual(byDigest);

    const old = byDigest.slice(1, 5).toReversed();
    builder.entry(builder.list(old.map((d) => referrers.find((r) => r.digest === d)!)), {
      annotations: { "org.olareg.referrer.subject": subject.digest },
    });
    expect(linesOf((await convert(builder.layout(), { to: "olareg" })).plan.steps)).toEqual([...old, byDigest[0], byDigest[5]]);
  });
});

function linesOf(steps: readonly { op: string; text?: string }[]): Digest[] {
  const put = steps.filter((s) => s.op === "put");
  expect(put).toHaveLength(1);
  return (JSON.parse(put[0]!.text!) as { manifests: Descriptor[] }).manifests.map((d) => d.digest);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe("two lines of a list", () => {
  const line: Descriptor = new LayoutBuilder().image();
  const x64 = { os: "linux", architecture: "amd64" };

  it("say the same where all their members do", () => {
    for (const more of [{}, { urls: ["https://one.test"] }, { data: "e30=" }, { platform: x64 }])
      expect(sameLine({ ...line, ...more }, structuredClone({ ...line, ...more })), JSON.stringify(more)).toBe(true);
  });

  it.each([
    ["urls", { urls: ["https://one.test"] }, { urls: ["https://two.test"] }],
    ["data", { data: "e30=" }, { data: "e30K" }],
    ["platform", { platform: x64 }, { platform: { ...x64, architecture: "arm64" } }],
  ])("differ where only their %s does", (_, one, other) => {
    expect(sameLine({ ...line, ...one }, { ...line, ...other })).toBe(false);
    expect(sameLine({ ...line, ...one }, line)).toBe(false);
  });
});
