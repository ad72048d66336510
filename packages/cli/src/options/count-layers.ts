import { statSync } from "node:fs";
import type { ArtifactLayer, NewReferrer } from "@ocilot/referrers";
import { parseLayerFile } from "./layer-file.js";

/** Returns the size of all these files in bytes, or undefined where one is standard input or none of a known size. */
export function layerBytes(texts: readonly string[]): number | undefined {
  let total = 0;
  for (const text of texts) {
    const { path } = parseLayerFile(text);
    const stat = path === "-" ? undefined : statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) return undefined;
    total += stat.size;
  }
  return total;
}

/** Returns a referrer whose layers tell how many bytes of all of them have been read. A layer that is read again is counted once. */
export function countLayers(referrer: NewReferrer, onBytes: (bytes: number) => void): NewReferrer {
  if (!("layers" in referrer) || referrer.layers === undefined) return referrer;
  const read = referrer.layers.map(() => 0);
  const layers = referrer.layers.map((layer, i): ArtifactLayer => {
    const { source } = layer;
    if (source instanceof Uint8Array) return layer;
    const count = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      read[i] = 0;
      for await (const chunk of chunks) {
        read[i]! += chunk.length;
        onBytes(read.reduce((sum, bytes) => sum + bytes, 0));
        yield chunk;
      }
    };
    if (typeof source !== "function") return { ...layer, source: count(source) };
    const again = (): ReturnType<typeof source> => {
      const content = source();
      return content instanceof Uint8Array ? content : count(content);
    };
    return { ...layer, source: again };
  });
  return { ...referrer, layers };
}
