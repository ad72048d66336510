import { type Descriptor, type Layout } from "@ocilot/layout";
import { classifyReferrers, extractDocument, openReferrers, openView, readGraph, resolveReferrers } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { errorOf } from "./helpers.js";

/** Counts what is read of the blobs of a layout. */
function counted(layout: Layout): { readonly blobs: Set<string> } {
  const blobs = new Set<string>();
  const { blobs: store } = layout;
  const note = (d: Descriptor): void => void blobs.add(d.digest);
  for (const method of ["bytes", "open"] as const) {
    const original = store[method].bind(store) as (d: Descriptor, o?: object) => unknown;
    Object.assign(store, { [method]: (d: Descriptor, o?: object) => (note(d), original(d, o)) });
  }
  const many = store.bytesMany.bind(store);
  Object.assign(store, { bytesMany: async (ds: readonly Descriptor[], o?: object) => (ds.forEach(note), await many(ds, o)) });
  return { blobs };
}

describe("what it costs to know kinds", () => {
  it("a listing of ten thousand referrers with kinds reads no blob and no manifest twice", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" });
    const types = ["application/spdx+json", "application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.example.thing"];
    const annotations = { "dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1" };
    for (let i = 0; i < 10_000; i++) b.listed(b.referrer(image, { artifactType: types[i % 3]!, annotations }));
    const layout = b.layout();
    const view = await openView(layout);
    const edges = (await readGraph(view)).edges();
    const read = counted(layout);
    const kinds = [...(await classifyReferrers(view, edges)).values()].flat().map((c) => c.kind);
    expect([kinds.length, new Set(kinds)]).toEqual([10_000, new Set(["sbom", "provenance", "other"])]);
    await resolveReferrers(view, edges, layout.blobs);
    expect(read.blobs.size).toBe(0);
  });

  it("only what no manifest tells is looked into", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" });
    const statement = JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      predicateType: "https://spdx.dev/Document",
      predicate: {},
    });
    const type = "application/vnd.in-toto+json";
    const told = b.blob(`${statement} `, type);
    const untold = b.blob(statement, type);
    b.listed(
      b.referrer(image, {
        artifactType: type,
        annotations: { "in-toto.io/predicate-type": "https://spdx.dev/Document" },
        members: { layers: [told] },
      }),
    );
    b.listed(b.referrer(image, { artifactType: type, members: { layers: [untold] } }));
    b.listed(b.referrer(image, { artifactType: "application/spdx+json" }));
    const layout = b.layout();
    const view = await openView(layout);
    const edges = (await readGraph(view)).edges();
    const read = counted(layout);
    const kinds = [...(await resolveReferrers(view, edges, layout.blobs)).values()].flat().map((c) => c.kind);
    expect([kinds, [...read.blobs]]).toEqual([["sbom", "sbom", "sbom"], [untold.digest]]);
  });

  it("an envelope over the limit is not read to be unwrapped, and streams as it is stored", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" });
    const type = "application/vnd.in-toto+json";
    const content = JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      predicateType: "https://spdx.dev/Document",
      predicate: { text: "x".repeat(5000) },
    });
    b.listed(
      b.referrer(image, {
        artifactType: type,
        annotations: { "in-toto.io/predicate-type": "https://spdx.dev/Document" },
        members: { layers: [b.blob(content, type)] },
      }),
    );
    const layout = b.layout();
    const view = await openView(layout);
    const opened = await openReferrers(view, (await readGraph(view)).edges(), layout.blobs, { maxBytes: 1000 });
    const [statement] = [...opened.values()].flat();
    expect(statement).toMatchObject({ kind: "sbom", notes: [{ code: "TOO_LARGE" }] });
    const read = counted(layout);
    const error = await errorOf(extractDocument(statement!, layout.blobs, { maxBytes: 1000 }));
    expect([error.code, error.hint, read.blobs.size]).toEqual(["LIMIT_EXCEEDED", "--raw writes the blob as it is stored.", 0]);
    const { content: raw } = await extractDocument(statement!, layout.blobs, { raw: true });
    let text = "";
    for await (const part of raw as AsyncIterable<Uint8Array>) text += Buffer.from(part).toString();
    expect(text).toBe(content);
  });
});
