import { type Descriptor, type Digest, type Layout, OcilotError, blobPath } from "@ocilot/layout";
import { collectGarbage, detach, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { finishDetach } from "../src/write/finish-detach.js";
import { errorOf } from "./helpers.js";

const MARK = "io.ocilot.detached";

/** A tagged image, an index with one child, and two referrers of the image, one listed. */
function make(change: (b: LayoutBuilder, parts: { child: Descriptor; listed: Descriptor; loose: Descriptor }) => void) {
  const builder = new LayoutBuilder();
  const image = builder.image();
  builder.entry(image, { tag: "v1" });
  const child = builder.image({ members: { annotations: { n: "child" } } });
  const index = builder.imageIndex([child]);
  builder.entry(index, { tag: "multi" });
  const listed = builder.referrer(image, { members: { annotations: { n: "listed" } } });
  const loose = builder.referrer(image, { members: { annotations: { n: "loose" } } });
  builder.listed(listed);
  change(builder, { child, listed, loose });
  return { layout: builder.layout(), builder, index, child, listed, loose };
}

/** Reading this manifest fails as on a disk with a fault. */
function unreadable(layout: Layout, digest: Digest): void {
  const bytesMany = layout.blobs.bytesMany.bind(layout.blobs);
  layout.blobs.bytesMany = async (ds, options) =>
    (await bytesMany(ds, options)).map((found, i) =>
      ds[i]!.digest === digest ? new OcilotError("IO_ERROR", "EIO", { path: blobPath(digest), errno: "EIO" }) : found,
    );
}

describe("the end of a detach", () => {
  test("deletes what is marked and what was named, keeps what is referenced again, and forgets the marks", async () => {
    const { layout, child, listed, loose } = make((b, parts) => {
      b.annotate({ [MARK]: [parts.listed, parts.child, parts.loose].map((d) => d.digest).join(" ") });
    });
    await finishDetach(layout, [], {});
    expect(await Promise.all([child, listed, loose].map(async (d) => await layout.blobs.has(d.digest)))).toEqual([true, true, false]);
    expect((await layout.index.read()).annotations).toEqual({});
    await finishDetach(layout, [listed.digest, child.digest], {});
    expect(await Promise.all([child, listed].map(async (d) => await layout.blobs.has(d.digest)))).toEqual([true, true]);
  });

  test("deletes nothing while a manifest cannot be read: it may name what is marked", async () => {
    const { layout, index, child, loose } = make((b, parts) => b.annotate({ [MARK]: `${parts.child.digest} ${parts.loose.digest}` }));
    const { text } = await layout.index.read();
    unreadable(layout, index.digest);
    expect((await errorOf(finishDetach(layout, [], {}))).code).toBe("IO_ERROR");
    expect(await Promise.all([child, loose].map(async (d) => await layout.blobs.has(d.digest)))).toEqual([true, true]);
    expect((await layout.index.read()).text).toBe(text);
  });
});

test("a detach changes nothing while a manifest cannot be read", async () => {
  const { layout, index, listed } = make(() => undefined);
  const { text } = await layout.index.read();
  unreadable(layout, index.digest);
  expect((await errorOf(detach(layout, listed.digest))).code).toBe("IO_ERROR");
  expect((await layout.index.read()).text).toBe(text);
  expect(await layout.blobs.has(listed.digest)).toBe(true);
});

describe("what something else holds is not detached", () => {
  const holders: Record<string, (b: LayoutBuilder, listed: Descriptor) => Descriptor> = {
    "as a layer": (b, listed) => b.image({ members: { layers: [listed] } }),
    "as the config of an artifact": (b, listed) => b.image({ members: { config: listed } }),
    "in a layer of a type that is not known": (b, listed) =>
      b.image({ members: { layers: [b.document({ any: listed.digest }, "application/vnd.example.list+json")] } }),
  };

  test.each(Object.entries(holders))("%s", async (_, hold) => {
    let holder: Descriptor | undefined;
    const { layout, listed, loose } = make((b, parts) => b.entry((holder = hold(b, parts.listed)), { tag: "holder" }));
    const { text } = await layout.index.read();
    const error = await errorOf(detach(layout, listed.digest));
    expect(error).toMatchObject({ code: "WRITE_REFUSED", details: { reason: "held" } });
    expect(error.message).toContain(listed.digest);
    expect([(await layout.index.read()).text, await layout.blobs.has(listed.digest)]).toEqual([text, true]);
    // Once nothing holds it, nothing refuses.
    await layout.untag("holder");
    await collectGarbage(layout, { grace: 0 });
    await layout.index.update(({ entries }) =>
      entries.flatMap((e) => (e.descriptor.digest === holder!.digest ? [{ op: "remove" as const, position: e.position }] : [])),
    );
    await detach(layout, listed.digest);
    expect(await layout.blobs.has(listed.digest)).toBe(false);
    await finishDetach(layout, [loose.digest], {});
    expect(await layout.blobs.has(loose.digest)).toBe(false);
  });

  test.each(Object.entries(holders))("%s: neither does the end of an interrupted detach delete it", async (_, hold) => {
    const { layout, listed } = make((b, parts) => b.entry(hold(b, parts.listed), { tag: "holder" }));
    await finishDetach(layout, [listed.digest], {});
    expect(await layout.blobs.has(listed.digest)).toBe(true);
  });

  test("a corrupt manifest may name it: it waits for a later run, and is no referrer meanwhile", async () => {
    const { builder, index, listed } = make(() => undefined);
    const sound = builder.blobs.get(index.digest)!;
    builder.blobs.set(index.digest, sound.with(sound.length - 3, 0x21));
    const corrupt = builder.layout();
    await detach(corrupt, listed.digest);
    expect(await corrupt.blobs.has(listed.digest)).toBe(true);
    expect((await corrupt.index.read()).annotations).toEqual({ [MARK]: listed.digest });
    expect((await readGraph(await openView(corrupt, { scan: true }))).referrers()).not.toContain(listed.digest);
  });
});
