import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, type Digest, IMAGE_INDEX, Layout } from "@ocilot/layout";
import { putImage } from "../crash/harness/made-layout.js";

/** A layout with what ocilot must leave alone, and the texts of it in `index.json`. */
export interface BaseLayout {
  readonly dir: string;
  readonly images: readonly Descriptor[];
  readonly tags: ReadonlyMap<string, Digest>;
  readonly foreign: readonly string[];
}

/** Makes a layout of an image, an index of two, and entries and members that nobody knows. */
export async function makeBase(dir: string): Promise<BaseLayout> {
  mkdirSync(dir, { recursive: true });
  const layout = await Layout.create(dir, { sync: false });
  const [image, amd64, arm64] = [await putImage(layout, "image"), await putImage(layout, "amd64"), await putImage(layout, "arm64")];
  const list = JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [amd64, arm64] });
  const index = await layout.blobs.put(new TextEncoder().encode(list), { mediaType: IMAGE_INDEX });
  const blob = await layout.blobs.put(new TextEncoder().encode("not ours"), { mediaType: "application/vnd.example.foreign" });
  const tagged = (d: Descriptor, name: string): string =>
    `{"mediaType":"${d.mediaType}","size":${d.size},"digest":"${d.digest}","x-2":{"b":1,"1":2.50},"annotations":{"org.opencontainers.image.ref.name":"${name}","z":"","a":"é"}}`;
  const [first, last] = ['"x-first": 9007199254740993123', '"x-last":{"10":1,"9":2}'];
  const [one, two, three] = [tagged(image, "v1"), tagged(index, "multi"), JSON.stringify({ "x-note": [1, "two"], ...blob })];
  // The tag v1 may be given to something else; the rest of its entry stays.
  const foreign = [first, last, two, three, one.slice(0, one.indexOf(',"annotations"')), '"z":"","a":"é"}}'];
  writeFileSync(
    join(dir, "index.json"),
    `{ ${first},\n"schemaVersion":2,"manifests":[\n ${one},\n ${two},\n ${three}\n],"annotations":{"x":"y"},${last}}\n`,
  );
  const tags = new Map([
    ["v1", image.digest],
    ["multi", index.digest],
  ]);
  return { dir, images: [image, index, amd64, arm64], tags, foreign };
}

/** The text of `index.json`. */
export function indexText(dir: string): string {
  return readFileSync(join(dir, "index.json"), "utf8");
}
