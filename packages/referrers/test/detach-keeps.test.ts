import { type Descriptor, type Digest, type Layout, OcilotError, blobPath } from "@ocilot/layout";
import { detach } from "@ocilot/referrers";
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
  return { layout: builder.layout(), index, child, listed, loose };
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
