import * as fs from "node:fs";
import { link, lutimes, mkdir, readlink, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { takeBuildkitLock } from "../../src/directory/buildkit-lock.js";
import { Layout, cloneLayout } from "../../src/index.js";
import { namesIn, tempDir, text } from "../helpers.js";

vi.mock("node:fs/promises", { spy: true });
vi.mock("node:fs", { spy: true });
afterEach(() => {
  for (const call of [link, lutimes, mkdir, readlink, symlink]) vi.mocked(call as typeof link).mockReset();
  for (const call of [fs.linkSync, fs.readlinkSync, fs.symlinkSync]) vi.mocked(call as typeof fs.linkSync).mockReset();
});

const fault = (code: string): Error => Object.assign(new Error(code), { code, syscall: "x" });

/** FAT, exFAT and some network volumes; and Windows for a user who may not make symbolic links. */
function withoutLinks(code: string): void {
  for (const call of [link, lutimes, readlink, symlink]) vi.mocked(call as typeof link).mockRejectedValue(fault(code));
  for (const call of [fs.linkSync, fs.readlinkSync, fs.symlinkSync])
    vi.mocked(call as typeof fs.linkSync).mockImplementation(() => {
      throw fault(code);
    });
}

test.each(["EPERM", "ENOTSUP", "ENOSYS"])("a layout is made, written and cloned where every link answers %s", async (code) => {
  withoutLinks(code);
  const dir = join(tempDir(), "layout");
  const layout = await Layout.create(dir);
  const config = await layout.blobs.put(text("{}"), { mediaType: "application/vnd.oci.empty.v1+json" });
  const manifest = text(JSON.stringify({ schemaVersion: 2, artifactType: "text/plain", config, layers: [config] }));
  const image = await layout.blobs.put(manifest, { mediaType: "application/vnd.oci.image.manifest.v1+json" });
  await Promise.all(["v1", "v2", "v3"].map(async (name) => await layout.tag(image, name)));
  await layout.untag("v2");
  expect((await layout.index.read()).entries.map((e) => e.tag).toSorted()).toEqual(["v1", "v3"]);
  expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  await cloneLayout(dir, `${dir}-2`);
  const clone = await Layout.open(`${dir}-2`);
  expect(await clone.blobs.bytes(await clone.resolve("v3"))).toEqual(Buffer.from(manifest));
});

test.each(["ENOSPC", "EDQUOT"])("BuildKit's lock on a disk that answers %s: without links that is the error", async (code) => {
  withoutLinks("EPERM");
  vi.mocked(mkdir).mockRejectedValue(fault(code));
  await expect(takeBuildkitLock(tempDir())).rejects.toMatchObject({ code });
});
