import { type Descriptor, Layout, memoryBackend } from "@ocilot/layout";
import { ReferrerGraph, copyLayout, openView, readGraph, verifyLayout } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { expect, it } from "vitest";

/** The digests that a layout lists when it is asked which blobs it has, call by call. */
function listings(layout: Layout): string[][] {
  const calls: string[][] = [];
  const { blobs } = layout;
  const list = blobs.list.bind(blobs);
  Object.assign(blobs, {
    async *list(options: { readonly skip?: ReadonlySet<string> } = {}) {
      const call: string[] = [];
      calls.push(call);
      for await (const found of list()) {
        if (options.skip?.has(found.digest) === true) continue;
        call.push(found.digest);
        yield found;
      }
    },
  });
  return calls;
}

function imageWithReferrer(): { b: LayoutBuilder; image: Descriptor } {
  const b = new LayoutBuilder();
  const image = b.image();
  b.entry(image, { tag: "v1" }).listed(b.referrer(image));
  return { b, image };
}

it("verify looks at the file of no blob that something needs, where nothing is left over", async () => {
  const { b } = imageWithReferrer();
  const layout = b.layout();
  const calls = listings(layout);
  const { findings } = await verifyLayout(layout);
  expect(findings.map((f) => f.code)).not.toContain("UNREFERENCED_BLOB");
  expect(calls.flat()).toEqual([]);
});

it("verify finds the one blob that is left over", async () => {
  const { b } = imageWithReferrer();
  const loose = b.blob("nothing names this");
  const layout = b.layout();
  const { findings } = await verifyLayout(layout);
  expect(findings.filter((f) => f.code === "UNREFERENCED_BLOB").map((f) => f.digest)).toEqual([loose.digest]);
});

it("a graph knows the referrers of edges that are added later, and of all subjects", async () => {
  const { b, image } = imageWithReferrer();
  const graph = await readGraph(await openView(b.layout()));
  const [edge] = graph.edges();
  expect([...graph.referrers()]).toEqual([edge!.referrer.digest]);
  const other = { ...edge!, subject: edge!.referrer.digest, referrer: image };
  graph.add(other);
  graph.add({ ...edge!, evidence: [] });
  expect(graph.referrers()).toEqual(new Set([edge!.referrer.digest, image.digest]));
  expect(graph.size).toBe(2);
  expect(new ReferrerGraph(graph.edges()).referrers()).toEqual(graph.referrers());
});

it("a copy opens each manifest of its source twice, to know it and to copy it, and none of a new target", async () => {
  const b = new LayoutBuilder();
  const image = b.image();
  b.entry(image, { tag: "v1" });
  for (let i = 0; i < 3; i++) b.listed(b.referrer(image, { annotations: { i: String(i) } }));
  const [source, target] = [b.layout(), new Layout(memoryBackend())];
  const reads = [source, target].map(({ blobs }) => {
    const asked: string[] = [];
    const bytesMany = blobs.bytesMany.bind(blobs);
    Object.assign(blobs, {
      bytesMany: async (ds: readonly Descriptor[]) => {
        asked.push(...ds.map((d) => d.digest));
        return await bytesMany(ds);
      },
    });
    return asked;
  });
  const { manifests } = await copyLayout(source, () => Promise.resolve(target), { reference: "v1" });
  expect(manifests).toBe(4);
  const opened = (await openView(b.layout())).entries.map((e) => reads[0]!.filter((d) => d === e.descriptor.digest).length);
  expect(opened).toEqual([2, 2, 2, 2]);
  expect(reads[1]).toEqual([]);
});
