// The layouts that the benchmark works on, made once and kept: plain JSON and random bytes, no tool involved.
import { spawnSync } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";
const INDEX = "application/vnd.oci.image.index.v1+json";
const EMPTY = { mediaType: "application/vnd.oci.empty.v1+json", digest: digest("{}"), size: 2, data: "e30=" };

/** Makes what `make` makes in a fresh directory, unless it is there from an earlier run. */
export function cached(root, name, make) {
  const path = join(root, name);
  if (existsSync(path)) return path;
  const temp = `${path}.part`;
  rmSync(temp, { recursive: true, force: true });
  mkdirSync(join(temp, "blobs", "sha256"), { recursive: true });
  make(temp);
  renameSync(temp, path);
  return path;
}

/** `count` referrers spread over `subjects` images, as oras lists them. */
export function makeReferrers(directory, count, subjects) {
  put(directory, "{}");
  const entries = [];
  const images = [];
  for (let i = 0; i < subjects; i++) {
    const image = putImage(directory, [], { i });
    images.push(image);
    entries.push({ ...image, annotations: { "org.opencontainers.image.ref.name": `v${i}` } });
  }
  for (let i = 0; i < count; i++) {
    const annotations = { "org.example.number": String(i), "org.opencontainers.image.created": "2026-01-01T00:00:00Z" };
    const artifactType = "application/vnd.example.sbom";
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType,
      config: EMPTY,
      layers: [EMPTY],
      subject: images[i % subjects],
      annotations,
    };
    entries.push({ mediaType: MANIFEST, ...put(directory, JSON.stringify(manifest)), annotations, artifactType });
  }
  finish(directory, entries);
}

/** One image with `count` referrers, each with a small blob of its own. */
export function makeOwnReferrers(directory, count) {
  put(directory, "{}");
  const image = putImage(directory, [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...put(directory, "a layer") }]);
  const { data: _, ...config } = EMPTY;
  const artifactType = "application/vnd.example.sbom";
  const entries = [{ ...image, annotations: { "org.opencontainers.image.ref.name": "v0" } }];
  for (let i = 0; i < count; i++) {
    const layers = [{ mediaType: "application/spdx+json", ...put(directory, `{"spdxVersion":"SPDX-2.3","name":"number ${i}"}`) }];
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, artifactType, config, layers, subject: image };
    entries.push({ mediaType: MANIFEST, ...put(directory, JSON.stringify(manifest)), artifactType });
  }
  finish(directory, entries);
}

/** One image of four layers of random bytes, `bytes` in all. */
export function makeBigImage(directory, bytes) {
  const layers = [0, 1, 2, 3].map((i) => ({ mediaType: "application/vnd.oci.image.layer.v1.tar", ...putRandom(directory, bytes / 4, i) }));
  finish(directory, [{ ...putImage(directory, layers), annotations: { "org.opencontainers.image.ref.name": "v0" } }]);
}

/** An image of one layer of `bytes` zeros, which take no room on most disks. */
export function makeZeros(directory, bytes) {
  const chunk = Buffer.alloc(1 << 24);
  const hash = createHash("sha256");
  for (let done = 0; done < bytes; done += chunk.length) hash.update(chunk);
  const hex = hash.digest("hex");
  const path = join(directory, "blobs", "sha256", hex);
  writeFileSync(path, "");
  truncateSync(path, bytes);
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: `sha256:${hex}`, size: bytes };
  finish(directory, [{ ...putImage(directory, [layer]), annotations: { "org.opencontainers.image.ref.name": "v0" } }]);
}

/**
 * 20 images of 10 layers with an SBOM each, and the same a week later, when the last layer of each has changed; layers that did not are
 * small, as they have to be there only. Returns the paths of those that did.
 */
export function makeWeeks(directories, layerBytes) {
  const manifests = directories.map(() => []);
  const changed = [];
  for (const directory of directories) mkdirSync(join(directory, "blobs", "sha256"), { recursive: true });
  for (let i = 0; i < 20; i++) {
    const same = Array.from({ length: 9 }, (_, n) => `layer ${n} of image ${i}`.repeat(1000));
    for (const [week, directory] of directories.entries()) {
      const last = putRandom(directory, layerBytes, 9);
      const layers = [...same.map((text) => put(directory, text)), last].map((l) => ({ mediaType: LAYER, ...l }));
      const image = putImage(directory, layers, { i, week });
      const sbom = { mediaType: "application/spdx+json", ...put(directory, JSON.stringify({ of: image.digest })) };
      const artifactType = sbom.mediaType;
      const manifest = { schemaVersion: 2, mediaType: MANIFEST, artifactType, config: EMPTY, layers: [sbom], subject: image };
      put(directory, "{}");
      manifests[week].push({ ...image, annotations: { "org.opencontainers.image.ref.name": `app${i}` } });
      manifests[week].push({ mediaType: MANIFEST, ...put(directory, JSON.stringify(manifest)), artifactType });
      if (week === directories.length - 1) changed.push(join(directory, "blobs", "sha256", last.digest.slice(7)));
    }
  }
  for (const [week, directory] of directories.entries()) finish(directory, manifests[week]);
  return changed;
}

/** The same layout in another convention; blobs are shared as hard links. */
export function makeConverted(directory, source, convention, ocilot) {
  rmSync(directory, { recursive: true, force: true });
  run("cp", ["-rl", source, directory]);
  // index.json must not be shared: it is replaced, never written in place, but the copy must not depend on that.
  run("cp", ["--remove-destination", join(source, "index.json"), join(directory, "index.json")]);
  run(process.execPath, [ocilot, "convert", directory, "--to", convention, "--only", "--no-sync"]);
}

function run(command, args) {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}

function finish(directory, manifests) {
  writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
}

/** Stores an image and its config, to which `extra` is added, and gives its descriptor. */
function putImage(directory, layers, extra = {}) {
  const rootfs = { type: "layers", diff_ids: layers.map((l) => l.digest) };
  const config = put(directory, JSON.stringify({ architecture: "amd64", os: "linux", rootfs, ...extra }));
  const image = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
    layers,
  };
  return { mediaType: MANIFEST, ...put(directory, JSON.stringify(image)) };
}

function put(directory, text) {
  const d = digest(text);
  writeFileSync(join(directory, "blobs", "sha256", d.slice(7)), text);
  return { digest: d, size: Buffer.byteLength(text) };
}

function putRandom(directory, size, i) {
  const temp = join(directory, `layer-${i}`);
  const file = openSync(temp, "w");
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(1 << 22);
  for (let left = size; left > 0; left -= chunk.length) {
    randomFillSync(chunk);
    const part = chunk.subarray(0, Math.min(left, chunk.length));
    hash.update(part);
    writeSync(file, part);
  }
  closeSync(file);
  const hex = hash.digest("hex");
  renameSync(temp, join(directory, "blobs", "sha256", hex));
  return { digest: `sha256:${hex}`, size };
}

function digest(text) {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
