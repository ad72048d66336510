import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Descriptor, IMAGE_CONFIG, IMAGE_MANIFEST, type Layout } from "@ocilot/layout";
import {
  type BundleOutput,
  type BundlePlan,
  type BundlePlanOptions,
  type BundleSource,
  type Receipt,
  directoryTarget,
  makeReceipt,
  planBundle,
  stageBundle,
  unbundle,
  type UnbundleOptions,
  type UnbundleResult,
  verifyLayout,
  writeParts,
} from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "ocilot-bundle-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Bytes that look random and are the same for the same name. */
export function content(name: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = [...name].reduce((sum, c) => (Math.imul(sum, 31) + c.charCodeAt(0)) >>> 0, 7) || 1;
  for (let i = 0; i < size; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** An image of layers by name and size, and its signature. */
export function addImage(
  b: LayoutBuilder,
  tag: string | undefined,
  layers: readonly (readonly [name: string, size: number])[],
  signed = true,
): Descriptor {
  const config = b.blob(JSON.stringify({ architecture: "amd64", os: "linux", tag, layers }), IMAGE_CONFIG);
  const made = layers.map(([name, size]) => b.blob(content(name, size), "application/vnd.oci.image.layer.v1.tar"));
  const image = b.document({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: made }, IMAGE_MANIFEST);
  b.entry(image, tag === undefined ? {} : { tag });
  if (signed) b.listed(b.referrer(image, { artifactType: "application/vnd.example.signature", annotations: { of: tag ?? "" } }));
  return image;
}

export async function plan(sources: Layout | readonly BundleSource[], options: Partial<BundlePlanOptions> = {}): Promise<BundlePlan> {
  const list = Array.isArray(sources) ? (sources as readonly BundleSource[]) : [{ layout: sources as Layout }];
  return await planBundle(await stageBundle(list), { name: "b.tar", ...options });
}

/** Plans and writes the parts of a bundle into a directory. */
export async function bundleInto(
  directory: string,
  sources: Layout | readonly BundleSource[],
  options: Partial<BundlePlanOptions> & BundleOutput = {},
): Promise<string[]> {
  const made = await plan(sources, { limit: 1 << 30, ...options });
  return await writeParts(made, join(directory, options.name ?? "b.tar"), { sync: false, ...options });
}

export async function bring(files: readonly string[], to: string, options: UnbundleOptions = {}): Promise<UnbundleResult> {
  return await unbundle(files, directoryTarget(to, { sync: false }), { sync: false, ...options });
}

export async function receiptOf(layout: Layout): Promise<Receipt> {
  const { evidence } = await verifyLayout(layout);
  return await makeReceipt(evidence!);
}

/** Every file below a directory and its content, without what unbundle remembers. */
export function filesOf(dir: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of (readdirSync(dir, { recursive: true }) as string[]).toSorted())
    if (statSync(join(dir, name)).isFile()) files[name] = readFileSync(join(dir, name)).toString("base64");
  return files;
}
