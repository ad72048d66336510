import { readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { openArchive } from "../../src/index.js";
import { hostTag } from "../../src/filesystem/temp-file.js";
import { DEAD_PID, dirWith, errorOf, tempDir } from "../helpers.js";
import { archiveWith, layoutMembers, refusal, tar } from "./tar-maker.js";

test("what unpacks to more than the limit is refused, and takes no more room than that", async () => {
  const bomb = gzipSync(Buffer.concat([tar(layoutMembers(), new Uint8Array()), Buffer.alloc(64 << 20)]));
  expect(bomb.length).toBeLessThan(100_000);
  expect(await refusal(bomb, { maxSize: 1 << 20 })).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 1 << 20 } });
});

test("a gzip inside a gzip is no archive", async () => {
  expect((await refusal(gzipSync(gzipSync(tar(layoutMembers()))))).code).toBe("NOT_A_LAYOUT");
});

test("one that is cut short, or has something behind it, is refused", async () => {
  const packed = gzipSync(tar(layoutMembers()));
  expect((await refusal(packed.subarray(0, -20))).code).toBe("ARCHIVE_INVALID");
  expect((await refusal(Buffer.concat([packed, Buffer.from("something else")]))).code).toBe("ARCHIVE_INVALID");
});

test("where there is no room for it, that is told, and no file stays open", async () => {
  const open = (): number => readdirSync("/proc/self/fd").length;
  const path = archiveWith(gzipSync(tar(layoutMembers())));
  const before = open();
  expect((await errorOf(openArchive(path, { tempDir: "/no/such" }))).code).toBe("IO_ERROR");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(open()).toBe(before);
});

test("no temporary file has a name, during or after", async () => {
  const dir = tempDir();
  const layout = await openArchive(archiveWith(gzipSync(tar(layoutMembers()))), { tempDir: dir });
  expect(readdirSync(dir)).toEqual([]);
  await layout.close();
  expect(readdirSync(dir)).toEqual([]);
  await errorOf(openArchive(archiveWith(gzipSync(Buffer.alloc(9999))), { tempDir: dir, maxSize: 10 }));
  expect(readdirSync(dir)).toEqual([]);
});

test("temporary files of processes that have ended are removed by the next archive, and nothing else is", async () => {
  const dead = `.ocilot-tmp-${hostTag()}-${DEAD_PID}-000000000000`;
  const alive = `.ocilot-tmp-${hostTag()}-${process.pid}-000000000000`;
  const dir = dirWith({ [dead]: "x", [alive]: "x", "tmp-of-others": "x", ".ocilot-else": "x" });
  await (await openArchive(archiveWith(gzipSync(tar(layoutMembers()))), { tempDir: dir })).close();
  expect(readdirSync(dir).toSorted()).toEqual([".ocilot-else", alive, "tmp-of-others"].toSorted());
});
