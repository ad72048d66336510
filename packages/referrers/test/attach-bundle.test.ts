import { type Descriptor } from "@ocilot/layout";
import { attach, manifestOf, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { errorOf } from "./helpers.js";
import { openAll } from "./statements.js";

const CREATED = "org.opencontainers.image.created";

describe("a sigstore bundle is attached as cosign 3 attaches it", () => {
  it.each(["layouts/oras-cosign-bundle", "evidence/cosign-3"])("%s: every byte of each of its manifests", async (name) => {
    const theirs = fixtureLayout(name);
    const view = await openView(theirs);
    const edges = (await readGraph(view)).edges();
    const nodes = await view.nodes(edges.map((e) => e.referrer));
    let count = 0;
    for (const [i, edge] of edges.entries()) {
      const manifest = manifestOf(nodes[i])!;
      if (!manifest.artifactType?.includes("sigstore")) continue;
      const ours = fixtureLayout(name);
      const bundle = await ours.blobs.bytes(manifest.layers[0]!);
      await ours.blobs.delete(edge.referrer.digest);
      const attached = await attach(ours, edge.subject, { sigstoreBundle: bundle, created: manifest.annotations[CREATED]! });
      expect(attached).toEqual(edge.referrer);
      count++;
    }
    expect(count).toBeGreaterThan(0);
  });

  it("without a time the same bundle has the same digest, and a second time changes nothing", async () => {
    const layout = fixtureLayout("evidence/cosign-3");
    const [bundle, subject] = await bundleOf(layout);
    const first = await attach(layout, subject.digest, { sigstoreBundle: bundle });
    const before = await layout.index.read();
    expect(await attach(layout, subject.digest, { sigstoreBundle: bundle })).toEqual(first);
    expect((await layout.index.read()).digest).toBe(before.digest);
  });

  it("a bundle of a message has no predicate type; annotations of one's own are kept, those of the form win", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const layout = builder.entry(image, { tag: "v1" }).layout();
    const bundle = {
      mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.2",
      verificationMaterial: {},
      messageSignature: {
        messageDigest: { algorithm: "SHA2_256", digest: Buffer.from(image.digest.slice(7), "hex").toString("base64") },
        signature: "AAAA",
      },
    };
    const sigstoreBundle = new TextEncoder().encode(JSON.stringify(bundle));
    const annotations = { "org.example.by": "me", "dev.sigstore.bundle.content": "something" };
    const attached = await attach(layout, image.digest, { sigstoreBundle, annotations });
    const json = JSON.parse(new TextDecoder().decode(await layout.blobs.bytes(attached))) as Record<string, unknown>;
    expect(json["artifactType"]).toBe("application/vnd.dev.sigstore.bundle.v0.2+json");
    expect(json["annotations"]).toEqual({ "dev.sigstore.bundle.content": "message-signature", "org.example.by": "me" });
    expect((await openAll(layout)).map((o) => o.statements)).toMatchObject([[{ kind: "signature", version: "0.2", notes: [] }]]);
  });

  it.each(["", "{}", '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}', '{"spdxVersion":"SPDX-2.3"}'])(
    "%j is refused before anything is written",
    async (text) => {
      const layout = fixtureLayout("evidence/cosign-3");
      const [, subject] = await bundleOf(layout);
      const error = await errorOf(attach(layout, subject.digest, { sigstoreBundle: new TextEncoder().encode(text) }));
      expect(error.code).toBe("DOCUMENT_INVALID");
    },
  );
});

describe("a signature of notation is attached as notation attaches it", () => {
  it.each(["layouts/notation", "evidence/notation"])("%s: every byte of each of its manifests", async (name) => {
    const theirs = fixtureLayout(name);
    const view = await openView(theirs);
    const edges = (await readGraph(view)).edges().filter((e) => e.artifactType === "application/vnd.cncf.notary.signature");
    const nodes = await view.nodes(edges.map((e) => e.referrer));
    expect(edges.length).toBeGreaterThan(0);
    for (const [i, edge] of edges.entries()) {
      const manifest = manifestOf(nodes[i])!;
      const ours = fixtureLayout(name);
      const notationSignature = await ours.blobs.bytes(manifest.layers[0]!);
      await ours.blobs.delete(edge.referrer.digest);
      expect(await attach(ours, edge.subject, { notationSignature, created: manifest.annotations[CREATED]! })).toEqual(edge.referrer);
    }
  });

  it.each(["", "{}", '{"payload":"","protected":"","signature":""}'])("%j is refused before anything is written", async (text) => {
    const layout = fixtureLayout("evidence/notation");
    const [found] = await openAll(layout);
    const error = await errorOf(attach(layout, found!.subject, { notationSignature: new TextEncoder().encode(text) }));
    expect(error.code).toBe("DOCUMENT_INVALID");
  });
});

async function bundleOf(layout: ReturnType<typeof fixtureLayout>): Promise<[Uint8Array, Descriptor]> {
  const [found] = await openAll(layout);
  return [await layout.blobs.bytes(found!.statements[0]!.layer!), await layout.resolve(`@${found!.subject}`)];
}
