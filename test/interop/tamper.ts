import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RawManifest, addBlob, blobPath, readManifest } from "./layouts.js";

/** Puts another manifest in the place of one that `index.json` lists: sound in its digests, and not what was signed. */
export async function tamperWithManifest(
  layout: string,
  digest: string,
  change: (manifest: RawManifest) => Promise<RawManifest> | RawManifest,
): Promise<string> {
  const old = await readManifest(layout, digest);
  const mediaType = old!.mediaType!;
  const bad = await addBlob(layout, mediaType, await change(old!));
  if (bad.digest === digest) throw new Error("nothing was tampered with");
  const path = join(layout, "index.json");
  const index = JSON.parse(await readFile(path, "utf8")) as RawManifest;
  const manifests = index.manifests!.map((d) => (d.digest === digest ? { ...d, digest: bad.digest, size: bad.size } : d));
  await writeFile(path, JSON.stringify({ ...index, manifests }));
  await rm(blobPath(layout, digest));
  return bad.digest;
}

/** As above, with another text in its only layer. */
export async function tamperWithLayer(layout: string, digest: string, change: (text: string) => string): Promise<string> {
  return await tamperWithManifest(layout, digest, async (manifest) => {
    const [layer] = manifest.layers!;
    const text = await readFile(blobPath(layout, layer!.digest), "utf8");
    return { ...manifest, layers: [{ ...layer!, ...(await addBlob(layout, layer!.mediaType, change(text))) }] };
  });
}
