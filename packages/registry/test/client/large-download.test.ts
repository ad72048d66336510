import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { GrowingHash } from "@ocilot/layout";
import { type FaultRule, startFaultProxy, startTestRegistry } from "@ocilot/testkit";
import { clientOf, content, open } from "../support.js";

const MB = 1024 * 1024;
/** So large that it is hashed in another thread. */
const SIZE = 33 * MB;
const { bytes, d } = content(SIZE);

afterEach(() => vi.restoreAllMocks());

async function downloaded(rules: readonly FaultRule[], left?: Uint8Array) {
  const registry = await open(startTestRegistry());
  registry.repository("r").putBlob(bytes);
  const proxy = await open(startFaultProxy(registry.host, rules));
  const place = mkdtempSync(join(tmpdir(), "ocilot-download-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const file = join(place, "blob");
  if (left !== undefined) writeFileSync(file, left);
  let told = 0;
  await clientOf(`${proxy.host}/r`).client.downloadBlob(d, file, { onBytes: (n) => (told += n) });
  return { isWhole: readFileSync(file).equals(bytes), told, sent: proxy.log.requests.reduce((sum, { bytesOut }) => sum + bytesOut, 0) };
}

test.each<[string, readonly FaultRule[], Uint8Array | undefined, number]>([
  ["at once", [], undefined, SIZE],
  ["after a cut", [{ path: /blobs/, fault: { kind: "cut" } }], undefined, SIZE],
  ["after a flipped bit", [{ path: /blobs/, fault: { kind: "flip" } }], undefined, 2 * SIZE],
  ["after what an earlier process left", [], bytes.subarray(0, 20 * MB), SIZE - 20 * MB],
  ["over other bytes that were left", [], Buffer.alloc(20 * MB, 7), 2 * SIZE - 20 * MB],
  ["over as many other bytes", [], Buffer.alloc(SIZE, 7), SIZE],
])("a large blob arrives %s", async (_, rules, left, moved) => {
  const digest = vi.spyOn(GrowingHash.prototype, "digest");
  const { isWhole, told, sent } = await downloaded(rules, left);
  expect({ isWhole, told }).toEqual({ isWhole: true, told: SIZE });
  expect(sent).toBeLessThanOrEqual(moved * 1.05);
  expect(await digest.mock.results.at(-1)!.value).toBe(d.digest);
});

test("a large blob arrives where the thread fails: it is hashed in the end", async () => {
  vi.spyOn(GrowingHash.prototype, "digest").mockResolvedValue(undefined);
  const drop = vi.spyOn(GrowingHash.prototype, "drop");
  expect(await downloaded([])).toMatchObject({ isWhole: true, told: SIZE });
  expect(drop).toHaveBeenCalledTimes(1);
  await expect(downloaded([{ path: /blobs/, times: 2, fault: { kind: "flip" } }])).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
});

test("a download that fails lets go of the thread before the file is closed", async () => {
  const drop = vi.spyOn(GrowingHash.prototype, "drop");
  await expect(downloaded([{ path: /blobs/, times: 99, fault: { kind: "status", status: 403 } }])).rejects.toThrow();
  expect(drop).toHaveBeenCalledTimes(1);
});
