import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, IMAGE_MANIFEST, Layout, memoryBackend } from "@ocilot/layout";
import { attach, planBundle, stageBundle, writeParts } from "@ocilot/referrers";

const IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json";
const IMAGE_LAYER = "application/vnd.oci.image.layer.v1.tar";

/** Stores an image manifest; images of different names differ. Its layers have the sizes given. */
export async function putImage(layout: Layout, name: string, sizes: readonly number[] = []): Promise<Descriptor> {
  const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const config = await layout.blobs.put(bytes({ architecture: "amd64", os: "linux", config: { Labels: { name } } }), {
    mediaType: IMAGE_CONFIG,
  });
  const layers: Descriptor[] = [];
  for (const [i, size] of sizes.entries()) layers.push(await layout.blobs.put(new Uint8Array(size).fill(i), { mediaType: IMAGE_LAYER }));
  return await layout.blobs.put(bytes({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers }), { mediaType: IMAGE_MANIFEST });
}

/** A new layout in `dir` with one image under the tag v1. */
export async function makeLayout(dir: string): Promise<Descriptor> {
  const layout = await Layout.create(dir, { sync: false });
  const image = await putImage(layout, "first");
  await layout.tag(image, "v1");
  return image;
}

/** As {@link makeLayout}, and in its directory `source` a layout with an image of large layers under the tag `large`. */
export async function makeLayoutWithSource(dir: string): Promise<void> {
  await makeLayout(dir);
  const source = await Layout.create(join(dir, "source"), { sync: false });
  await source.tag(await putImage(source, "large", [200_000, 300_000]), "large");
}

/** As {@link makeLayout}, and in its directory a bundle of five parts: layers of two, and one in pieces. */
export async function makeLayoutWithBundle(dir: string): Promise<void> {
  await makeLayout(dir);
  const source = new Layout(memoryBackend());
  const image = await putImage(source, "bundled", [20_000, 22_000, 90_000]);
  await source.tag(image, "bundled");
  await attach(source, image, { artifactType: "application/vnd.example.signature" });
  const plan = await planBundle(await stageBundle([{ layout: source }]), { name: "b.tar", limit: 50_000, created: "2026-01-01T00:00:00Z" });
  const files = await writeParts(plan, join(dir, "b.tar"), { sync: false });
  if (files.length !== 5) throw new Error(`${files.length} parts`);
  for (const [i, file] of files.entries()) renameSync(file, join(dir, `part-${i + 1}.tar`));
  rmSync(join(dir, "b.sha256"));
}
