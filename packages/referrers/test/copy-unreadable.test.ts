import { Layout, OcilotError, blobPath, memoryBackend } from "@ocilot/layout";
import { copyLayout } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { expect, test } from "vitest";
import { errorOf } from "./helpers.js";

test("nothing is copied while a manifest of the source cannot be read: it may be a referrer of what is copied", async () => {
  const builder = new LayoutBuilder();
  const image = builder.image();
  builder.entry(image, { tag: "v1" });
  const sbom = builder.referrer(image);
  const source = builder.layout();
  const bytesMany = source.blobs.bytesMany.bind(source.blobs);
  source.blobs.bytesMany = async (ds, options) =>
    (await bytesMany(ds, options)).map((found, i) =>
      ds[i]!.digest === sbom.digest ? new OcilotError("IO_ERROR", "EIO", { path: blobPath(sbom.digest), errno: "EIO" }) : found,
    );
  const target = new Layout(memoryBackend());
  const { text } = await target.index.read();
  expect((await errorOf(copyLayout(source, target, { reference: "v1" }))).code).toBe("IO_ERROR");
  expect((await target.index.read()).text).toBe(text);
  expect(await target.blobs.has(image.digest)).toBe(false);
});
