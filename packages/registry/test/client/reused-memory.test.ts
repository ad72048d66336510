import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { makeCertificates, startTestRegistry } from "@ocilot/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { clientOf, content, open } from "../support.js";

/** More than the buffers of a socket hold, so that reads are long and a slow reader stops them. */
const SIZE = 12 << 20;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "ocilot-reused-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe.each([
  ["http", undefined],
  ["https", makeCertificates()],
])("over %s", (_, tls) => {
  test("blobs that are received at once and read slowly hold their own content", async () => {
    const registry = await open(startTestRegistry(tls && { tls }));
    const { client } = clientOf(`${registry.host}/r`, { insecure: true });
    const blobs = Array.from({ length: 4 }, () => content(SIZE));
    for (const { bytes, d } of blobs) await client.pushBlob(d, { read: (at) => [bytes.subarray(at)] });
    const root = folder();
    await Promise.all(
      blobs.map(async ({ bytes, d }, i) => {
        const [chunks, file] = [[] as Uint8Array[], join(root, String(i))];
        const download = client.downloadBlob(d, file);
        for await (const chunk of client.getBlob(d)) {
          chunks.push(chunk);
          for (let turns = 0; turns < 5; turns++) await turn();
        }
        await download;
        expect(Buffer.concat(chunks).equals(bytes) && readFileSync(file).equals(bytes)).toBe(true);
      }),
    );
  });

  test("a source that uses one memory for all its chunks, whatever their size, is uploaded as it was", async () => {
    const registry = await open(startTestRegistry(tls && { tls }));
    const { client, seen } = clientOf(`${registry.host}/r`, { insecure: true });
    for (const chunkBytes of [1000, 16 << 10, 64 << 10, 256 << 10]) {
      for (const size of [100_000, SIZE]) {
        const { bytes, d } = content(size);
        const memory = Buffer.alloc(chunkBytes);
        await client.pushBlob(d, {
          read: function* (from) {
            for (let at = from; at < size; at += chunkBytes) {
              const count = bytes.copy(memory, 0, at, at + chunkBytes);
              yield memory.subarray(0, count);
              memory.fill(0);
            }
          },
        });
      }
    }
    expect(seen.filter(({ status }) => status >= 400)).toEqual([]);
  });
});

test("the head of a response in pieces, of which the last one brings a long body", async () => {
  const { bytes, d } = content(SIZE);
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", async () => {
      socket.write(`HTTP/1.1 200 OK\r\nX-Long: ${"a".repeat(3000)}\r\nContent-Le`);
      await turn();
      socket.write(Buffer.concat([Buffer.from(`ngth: ${SIZE}\r\n\r\n`), bytes]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => void server.close());
  const file = join(folder(), "blob");
  await clientOf(`${host}/r`).client.downloadBlob(d, file);
  expect(readFileSync(file).equals(bytes)).toBe(true);
});

test("a file that cannot be written ends a download at once with its own error, and no retry", async () => {
  const registry = await open(startTestRegistry());
  const { client, seen } = clientOf(`${registry.host}/r`);
  const { bytes, d } = content(SIZE);
  await client.pushBlob(d, { read: (at) => [bytes.subarray(at)] });
  const before = seen.length;
  await expect(client.downloadBlob(d, "/dev/full")).rejects.toMatchObject({ code: "IO_ERROR", details: { errno: "ENOSPC" } });
  expect(seen.length - before).toBe(1);
});
