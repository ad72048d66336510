import { describe, expect, test } from "vitest";
import { type Descriptor, type Digest, Layout, digestOf, memoryBackend } from "../src/index.js";
import { MANIFEST_TYPE, descriptorOf, digestNo, errorOf, text } from "./helpers.js";

const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const entry = (n: number, tag?: string, imageName?: string): Descriptor => ({
  mediaType: MANIFEST_TYPE,
  digest: digestNo(n),
  size: n,
  annotations: {
    ...(tag !== undefined && { "org.opencontainers.image.ref.name": tag }),
    ...(imageName !== undefined && { "io.containerd.image.name": imageName }),
  },
});
const layout = (entries: readonly Descriptor[], blobs: readonly Uint8Array[] = []): Layout =>
  new Layout(
    memoryBackend(
      JSON.stringify({ manifests: entries }),
      blobs.map((b) => [digestOf(b), b] as const),
    ),
  );
const found = async (entries: readonly Descriptor[], ref: string): Promise<Digest> => (await layout(entries).resolve(ref)).digest;

describe("a name", () => {
  test("is an exact tag before anything else", async () => {
    const entries = [entry(1, "host/a:v1"), entry(2, "x", "v1"), entry(3, "v1")];
    expect(await found(entries, "v1")).toBe(digestNo(3));
    expect(await found(entries.slice(0, 2), "v1")).toBe(digestNo(2));
    expect(await found(entries.slice(0, 1), "v1")).toBe(digestNo(1));
  });

  test("may be a full image name in ref.name or in containerd's annotation", async () => {
    expect(await found([entry(1, "host:5000/a/b:v1"), entry(2, "v1", "host/c:v1")], "host:5000/a/b:v1")).toBe(digestNo(1));
    expect(await found([entry(1, "v1", "host/a:v1"), entry(2, "v1", "host/c:v1")], "host/c:v1")).toBe(digestNo(2));
  });

  test("matches as a whole, not as the end of another tag", async () => {
    for (const ref of ["1", "t/a:v1", ":v1", "V1", "v"]) {
      expect((await errorOf(layout([entry(1, "host/a:v1"), entry(2, "v1")]).resolve(ref))).code, ref).toBe("REF_NOT_FOUND");
    }
  });

  test("that several bear is what prefer makes of it", async () => {
    const two = layout([entry(1, "v1"), entry(2, "v1")]);
    const only = (n: number) => async (all: readonly { descriptor: Descriptor }[]) =>
      all.filter((e) => e.descriptor.digest === digestNo(n));
    expect((await two.resolve("v1", { prefer: only(2) as never })).digest).toBe(digestNo(2));
    expect((await errorOf(two.resolve("v1", { prefer: only(3) as never }))).code).toBe("REF_AMBIGUOUS");
    expect((await two.resolve("", { prefer: only(1) as never })).digest).toBe(digestNo(1));
  });

  test("that two images bear (docker save) is ambiguous, and both are listed", async () => {
    const error = await errorOf(layout([entry(1, "v1", "host/a:v1"), entry(2, "v1", "host/b:v1")]).resolve("v1"));
    expect(error).toMatchObject({
      code: "REF_AMBIGUOUS",
      details: { reference: "v1", candidates: [`host/a:v1@${digestNo(1)}`, `host/b:v1@${digestNo(2)}`] },
    });
    expect(error.message).toContain("host/b:v1");
    expect(error.hint).toBeDefined();
  });

  test("may be shortened at the boundary of a path component, as long as it is unique", async () => {
    const entries = [
      entry(1, "1.0", "docker.io/library/app:1.0"),
      entry(2, "1.0", "docker.io/team/app:1.0"),
      entry(3, "host:5000/x/tool:2"),
    ];
    for (const ref of ["library/app:1.0", "docker.io/library/app:1.0"]) expect(await found(entries, ref)).toBe(digestNo(1));
    for (const ref of ["tool:2", "x/tool:2", "2"]) expect(await found(entries, ref)).toBe(digestNo(3));
    expect(await errorOf(layout(entries).resolve("app:1.0"))).toMatchObject({
      code: "REF_AMBIGUOUS",
      details: { candidates: { length: 2 } },
    });
    for (const ref of ["ry/app:1.0", "ol:2", "x/tool"])
      expect((await errorOf(layout(entries).resolve(ref))).code, ref).toBe("REF_NOT_FOUND");
  });

  test("is ambiguous as a suffix of two names", async () => {
    expect((await errorOf(layout([entry(1, "host/a:v1"), entry(2, "x", "host/b:v1")]).resolve("v1"))).code).toBe("REF_AMBIGUOUS");
  });

  test("borne twice by one manifest is the first of them; by two manifests it is ambiguous", async () => {
    const twice = [{ ...entry(1, "v1"), artifactType: "first" }, entry(2, "v2"), { ...entry(1, "v1"), artifactType: "second" }];
    expect(await layout(twice).resolve("v1")).toMatchObject({ digest: digestNo(1), artifactType: "first" });
    expect((await errorOf(layout([entry(1, "v1"), entry(2, "v1")]).resolve("v1"))).code).toBe("REF_AMBIGUOUS");
  });

  test("that is not there is answered with the tags that are", async () => {
    const error = await errorOf(layout([entry(1, "v1"), entry(2, ""), entry(3)]).resolve("v2"));
    expect(error).toMatchObject({ code: "REF_NOT_FOUND", details: { reference: "v2", candidates: ["v1"] } });
    expect(error.hint).toContain("v1");
    expect((await errorOf(layout([entry(3)]).resolve("v2"))).hint).toContain("@digest");
    const lists = layout([entry(1, `sha256-${"a".repeat(64)}`), entry(2, `sha256-${"a".repeat(64)}.sig`), entry(3, "v1")]);
    expect(await errorOf(lists.resolve("v2"))).toMatchObject({ details: { candidates: ["v1"] }, hint: "Its tags are: v1" });
  });
});

describe("no name", () => {
  test("is the only entry, tagged or not, listed once or twice", async () => {
    expect(await found([entry(1)], "")).toBe(digestNo(1));
    expect(await found([entry(1, ""), entry(1, "v1"), entry(1)], "")).toBe(digestNo(1));
  });

  test("is the only tagged manifest beside untagged ones; an empty tag is none", async () => {
    expect(await found([entry(1), entry(2, "v1"), entry(3, ""), entry(2, "v2")], "")).toBe(digestNo(2));
  });

  test("is ambiguous among several", async () => {
    expect(await errorOf(layout([entry(1, "a"), entry(2, "b"), entry(3)]).resolve(""))).toMatchObject({
      code: "REF_AMBIGUOUS",
      details: { candidates: [`a@${digestNo(1)}`, `b@${digestNo(2)}`] },
    });
    expect((await errorOf(layout([entry(1), entry(2)]).resolve(""))).code).toBe("REF_AMBIGUOUS");
  });

  test("is nothing in an empty layout", async () => expect((await errorOf(layout([]).resolve(""))).code).toBe("REF_NOT_FOUND"));
});

describe("@digest", () => {
  const child = text(JSON.stringify({ schemaVersion: 2, config: descriptorOf(text("c")), layers: [] }));
  const nested = text(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [] }));
  const layer = text("layer");

  test("is the entry, with all that it says", async () => {
    const e = entry(1, "v1");
    expect(await layout([entry(2), e, { ...e, artifactType: "later" }]).resolve(`@${e.digest}`)).toEqual(e);
  });

  test("finds what no entry names, and its media type by its content", async () => {
    const l = layout([entry(1)], [child, nested, layer]);
    expect(await l.resolve(`@${digestOf(child)}`)).toEqual(descriptorOf(child));
    expect(await l.resolve(`@${digestOf(nested)}`)).toEqual(descriptorOf(nested, { mediaType: INDEX_TYPE }));
    expect(await l.resolve(`@${digestOf(layer)}`)).toEqual(descriptorOf(layer, { mediaType: "application/octet-stream" }));
  });

  test("may be short where it is unique, with or without its algorithm", async () => {
    const l = layout([entry(1, "v1")], [child, layer]);
    const { digest } = descriptorOf(child);
    for (const ref of [digest.slice(0, 13), digest.slice(7, 13), digest.slice(0, 40)])
      expect((await l.resolve(`@${ref}`)).digest).toBe(digest);
    expect((await l.resolve(`@${digestNo(1).slice(0, 71 - 8)}0000000`)).digest).toBe(digestNo(1));
    expect((await errorOf(l.resolve(`@sha512:${digest.slice(7, 20)}`))).code).toBe("REF_NOT_FOUND");
    expect((await errorOf(l.resolve(`@${digest.slice(7, 12)}`))).code).toBe("DIGEST_INVALID");
    expect(await errorOf(layout([entry(1), entry(2)]).resolve("@sha256:000000"))).toMatchObject({
      code: "REF_AMBIGUOUS",
      details: { candidates: [`@${digestNo(1)}`, `@${digestNo(2)}`] },
    });
  });

  test("of nothing in the layout is REF_NOT_FOUND, of no digest at all DIGEST_INVALID", async () => {
    expect(await errorOf(layout([]).resolve(`@${digestNo(1)}`))).toMatchObject({ code: "REF_NOT_FOUND" });
    for (const ref of ["@", "@v1", "@sha256:../../etc/passwd", "@@"])
      expect((await errorOf(layout([]).resolve(ref))).code).toBe("DIGEST_INVALID");
  });
});
