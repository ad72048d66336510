import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Descriptor, IMAGE_MANIFEST, sniffManifest } from "@ocilot/layout";
import { fixtureNames, fixtureParts } from "@ocilot/testkit";
import { mutateBytes, mutateJson } from "./mutate.js";
import type { Prng } from "./prng.js";

const CORPUS = fileURLToPath(new URL("corpus", import.meta.url));
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
export const encode = (value: string): Uint8Array => new TextEncoder().encode(value);

/** The inputs that are kept in the repository for a target, one for each line of a `.txt`. */
export function corpus(name: string): Uint8Array[] {
  const files = readdirSync(CORPUS).filter((f) => f === name || f.startsWith(`${name}.`) || f.startsWith(`${name}-`));
  return files.flatMap((f) => {
    const bytes = readFileSync(join(CORPUS, f));
    return f.endsWith(".txt") ? bytes.toString("utf8").split("\n").map(encode) : [new Uint8Array(bytes)];
  });
}

export const fixtures = (["layouts", "edge"] as const).flatMap((group) =>
  fixtureNames(group).map((name) => fixtureParts(`${group}/${name}`)),
);
export const indexes = fixtures.map((p) => encode(p.text));
export const manifests = fixtures.flatMap((p) => [...p.blobs.values()]).filter((b) => b.length < 4000 && sniffManifest(b).includes("vnd."));

/** By structure where the seed is a document, else, and once in three times, by bytes. */
export function documents(seed: Uint8Array, other: Uint8Array, rng: Prng): Uint8Array {
  const parsed = rng.once(3) ? undefined : parsedSeed(seed);
  return parsed === undefined ? mutateBytes(seed, other, rng) : encode(JSON.stringify(mutateJson(parsed, rng)) ?? "");
}

const parsedSeeds = new WeakMap<Uint8Array, { readonly value: unknown }>();

function parsedSeed(seed: Uint8Array): unknown {
  let parsed = parsedSeeds.get(seed);
  if (parsed === undefined) {
    try {
      parsed = { value: JSON.parse(text(seed)) as unknown };
    } catch {
      parsed = { value: undefined };
    }
    parsedSeeds.set(seed, parsed);
  }
  return parsed.value;
}

/** The tars of the corpus, cut to their first members: a header is what is to be changed, and not a layer. */
export function tars(): Uint8Array[] {
  return corpus("tar").map((bytes) => bytes.subarray(0, 8192));
}

/** The layer of a referrer that holds a statement, and what is said of it. */
export interface StatementSeed {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly artifactType: string;
}

/** The statements of every tool, with the media types under which they are stored. */
export function statements(): StatementSeed[] {
  const names = ["evidence/cosign-2", "evidence/cosign-3", "evidence/notation", "evidence/oras", "edge/buildkit-sbom-and-provenance"];
  return names.flatMap((name) => {
    const { blobs } = fixtureParts(name);
    return [...blobs.values()].flatMap((bytes) => {
      if (bytes.length > 8000 || sniffManifest(bytes) !== IMAGE_MANIFEST) return [];
      const { artifactType, config, layers } = JSON.parse(text(bytes)) as {
        artifactType?: string;
        config: Descriptor;
        layers: Descriptor[];
      };
      return layers.flatMap((layer): StatementSeed[] => {
        const content = blobs.get(layer.digest);
        const isImage = layer.mediaType.includes("image.layer");
        return content === undefined || isImage || content.length > 8000
          ? []
          : [{ bytes: content, mediaType: layer.mediaType, artifactType: artifactType ?? config.mediaType }];
      });
    });
  });
}
