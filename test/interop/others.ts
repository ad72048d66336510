import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { INDEX, MANIFEST, blobsOf, copyOf, inScratch, tagsOf } from "./layouts.js";
import { run } from "./tools.js";

/** What programs that know nothing of referrers answer about a layout; two of these can be compared. */
export interface Behaviour {
  /** `tool tag` → what it printed; only what succeeded. */
  readonly answers: ReadonlyMap<string, string>;
  readonly tags: readonly string[];
  /** `umoci gc`, on a copy: did it end well, and what was left. */
  readonly gc: { readonly code: number; readonly left: readonly string[] };
}

/** Asks skopeo and umoci, and crane where there is a registry, about every image that has one of these tags. */
export async function behaviourOf(layout: string, tags: readonly string[], registry: string | undefined): Promise<Behaviour> {
  const answers = new Map<string, string>();
  const images = (await tagsOf(layout)).filter(({ tag }) => tags.includes(tag));
  for (const { tag } of images) {
    const raw = await run("skopeo", ["inspect", "--raw", `oci:${layout}:${tag}`]);
    if (raw.code === 0) answers.set(`skopeo inspect --raw ${tag}`, raw.stdout);
    const stat = await run("umoci", ["stat", "--json", "--image", `${layout}:${tag}`]);
    if (stat.code === 0) answers.set(`umoci stat ${tag}`, stat.stdout);
  }
  if (registry !== undefined) for (const tag of await validByCrane(layout, images, registry)) answers.set(`crane validate ${tag}`, "");
  const ls = await run("umoci", ["ls", "--layout", layout]);
  return { answers, tags: ls.code === 0 ? ls.stdout.split("\n").filter(Boolean) : [], gc: await collect(layout) };
}

/** Pushes the layout as crane does, whole, and tells the tags of the images that crane then finds well-formed. */
async function validByCrane(layout: string, images: Awaited<ReturnType<typeof tagsOf>>, registry: string): Promise<string[]> {
  const repository = `${registry}/validate-${randomUUID()}`;
  const { code } = await run("crane", ["push", "--insecure", "--index", layout, `${repository}:all`]);
  if (code !== 0) return [];
  const valid: string[] = [];
  for (const { tag, descriptor } of images) {
    if (descriptor.mediaType !== INDEX && descriptor.mediaType !== MANIFEST) continue;
    const outcome = await run("crane", ["validate", "--insecure", "--remote", `${repository}@${descriptor.digest}`]);
    if (outcome.code === 0) valid.push(tag);
  }
  return valid;
}

async function collect(layout: string): Promise<Behaviour["gc"]> {
  return await inScratch(async (here) => {
    const copy = await copyOf(layout, join(here, "gc"));
    const { code } = await run("umoci", ["gc", "--layout", copy]);
    return { code, left: await blobsOf(copy) };
  });
}
