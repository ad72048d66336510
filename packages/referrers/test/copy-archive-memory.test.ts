import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, ftruncateSync, mkdirSync, openSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { tempDir } from "@ocilot/testkit";
import { expect, test } from "vitest";

const GIB = 2 ** 30;
const isLong = process.env["OCILOT_LONG"] === "1";
/** The whole of it in a long run, a tenth in every other. */
const LAYER_BYTES = isLong ? 4 * GIB : Math.floor((4 * GIB) / 10);
/** What a Node process takes for itself is 60 MiB; the rest is pieces on their way, and what is not yet collected of them. */
const MAX_RSS = 256 * 2 ** 20;

/** A layout of one image whose layer is a hole: it takes no room on the disk. */
function sparseLayout(): string {
  const dir = tempDir();
  const blobs = join(dir, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: zeros(LAYER_BYTES), size: LAYER_BYTES };
  const fd = openSync(join(dir, "hole"), "w");
  ftruncateSync(fd, LAYER_BYTES);
  closeSync(fd);
  renameSync(join(dir, "hole"), join(blobs, layer.digest.slice(7)));
  const put = (mediaType: string, json: unknown): { mediaType: string; digest: string; size: number } => {
    const bytes = Buffer.from(JSON.stringify(json));
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const config = put("application/vnd.oci.image.config.v1+json", { rootfs: { type: "layers", diff_ids: [layer.digest] } });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const image = put(mediaType, { schemaVersion: 2, mediaType, config, layers: [layer] });
  writeFileSync(join(dir, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [image] }));
  writeFileSync(join(dir, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  return dir;
}

function zeros(size: number): string {
  const hash = createHash("sha256");
  const piece = Buffer.alloc(1 << 22);
  for (let at = 0; at < size; at += piece.length) hash.update(piece.subarray(0, Math.min(piece.length, size - at)));
  return `sha256:${hash.digest("hex")}`;
}

/** Copies in a process of its own; returns its largest resident size in bytes. */
async function copy(source: string, sink: string): Promise<number> {
  const dist = (name: string): string => JSON.stringify(new URL(`../../${name}/dist/index.js`, import.meta.url).href);
  const script = `import fs from "node:fs"; import { openLayout } from ${dist("layout")}; import { copyToArchive } from ${dist("referrers")};
    const layout = await openLayout(process.argv[1]);
    await copyToArchive(layout, process.argv[2], { sync: false });
    await layout.close();
    // On Linux maxRSS begins with the size of the process that started this one.
    const own = /VmHWM:\\s*(\\d+) kB/.exec(fs.existsSync("/proc/self/status") ? fs.readFileSync("/proc/self/status", "utf8") : "");
    process.stderr.write(String((own === null ? process.resourceUsage().maxRSS : Number(own[1])) * 1024));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, source, sink], { stdio: ["ignore", "ignore", "pipe"] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect(code, said).toBe(0);
  return Number(said);
}

test(`a layer of ${(LAYER_BYTES / GIB).toFixed(1)} GiB goes into an archive, and from one into the next, in constant memory`, async () => {
  const source = sparseLayout();
  const path = join(tempDir(), "x.tar");
  const figures: Record<string, number> = {};
  figures["directory to standard output"] = await copy(source, "-");
  figures["directory to file"] = await copy(source, path);
  figures["file to standard output"] = await copy(path, "-");
  expect(statSync(path).size).toBeGreaterThan(LAYER_BYTES);
  for (const [what, rss] of Object.entries(figures))
    console.log(`archive ${what}: ${(LAYER_BYTES / GIB).toFixed(1)} GiB, ${Math.round(rss / 2 ** 20)} MiB RSS`);
  for (const [what, rss] of Object.entries(figures)) expect(rss, what).toBeLessThan(MAX_RSS);
});
