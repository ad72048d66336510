import {
  chmodSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { type IndexEdit, Layout, digestOf } from "../src/index.js";
import { acquireLock } from "../src/directory/lock.js";
import { hostId } from "../src/filesystem/temp-file.js";
import { plant } from "./lock-helpers.js";
import { DEAD_PID, descriptorOf, digestNo, dirWith, errorOf, layoutWith, namesIn, text, treeOf } from "./helpers.js";

const open = async (dir: string): Promise<Layout["index"]> => (await Layout.open(dir)).index;
const note = (key: string): IndexEdit[] => [{ op: "annotate-index", set: { [key]: "x" } }];
const foreign = (i: number): string => `{"schemaVersion":2,"manifests":[],"foreign":${i}}`;
const indexOf = (dir: string): string => readFileSync(join(dir, "index.json"), "utf8");

describe("update", () => {
  test("replaces the file and returns what now stands there", async () => {
    const dir = layoutWith();
    const index = await open(dir);
    const next = await index.update(() => note("a"));
    expect(next.text).toBe('{"schemaVersion":2,"manifests":[],"annotations":{"a":"x"}}');
    expect(indexOf(dir)).toBe(next.text);
    expect(next.digest).toBe(digestOf(text(next.text)));
    expect(await index.read()).toEqual(next);
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test.each([
    ["no edits", []],
    ["edits that change nothing", [{ op: "annotate-index", set: { a: "b" }, unset: ["c"] }]],
  ] as [string, IndexEdit[]][])("%s: the file keeps its inode and its time, on which olareg keys its cache", async (_, edits) => {
    const dir = layoutWith('{"annotations":{"\\u0061":"b"}}');
    const before = treeOf(dir)["index.json"];
    const result = await (await open(dir)).update(() => edits);
    expect(result.annotations).toEqual({ a: "b" });
    expect(treeOf(dir)["index.json"]).toBe(before);
  });

  test.skipIf(process.platform === "win32").each([0o600, 0o644, 0o664, 0o444])("keeps the mode %o of the file", async (mode) => {
    const dir = layoutWith();
    chmodSync(join(dir, "index.json"), mode);
    await (await open(dir)).update(() => note("a"));
    expect(statSync(join(dir, "index.json")).mode & 0o777).toBe(mode);
    expect(indexOf(dir)).toContain('"a"');
  });

  test("what the edit throws comes out as it is, and nothing is left behind", async () => {
    const dir = layoutWith();
    const before = treeOf(join(dir, "blobs"));
    const mistake = new TypeError("x is not a function");
    await expect((await open(dir)).update(() => Promise.reject(mistake))).rejects.toBe(mistake);
    await expect((await open(dir)).update(() => [{ op: "remove", position: 0 }])).rejects.toBeInstanceOf(RangeError);
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(treeOf(join(dir, "blobs"))).toEqual(before);
    await (await open(dir)).update(() => note("still works"));
  });

  test("an edit that would make the index unreadable is not written", async () => {
    const dir = layoutWith();
    const bad: IndexEdit = { op: "insert", before: 0, descriptor: { ...descriptorOf(text("x")), size: -1 } };
    expect((await errorOf((await open(dir)).update(() => [bad]))).code).toBe("LAYOUT_INVALID");
    expect(indexOf(dir)).toBe('{"schemaVersion":2,"manifests":[]}');
  });

  test("a signal that has fired stops it before anything is replaced", async () => {
    const dir = layoutWith();
    const index = await open(dir);
    const before = indexOf(dir);
    expect((await errorOf(index.update(() => note("a"), { signal: AbortSignal.abort() }))).code).toBe("ABORTED");
    const stop = new AbortController();
    const late = index.update(
      () => {
        stop.abort();
        return note("a");
      },
      { signal: stop.signal },
    );
    expect((await errorOf(late)).code).toBe("ABORTED");
    expect(indexOf(dir)).toBe(before);
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("100 at once from two handles: none is lost", async () => {
    const dir = layoutWith();
    const handles = [await open(dir), await open(dir)];
    await Promise.all(Array.from({ length: 100 }, (_, i) => handles[i % 2]!.update(() => note(`n${i}`), { wait: 600_000 })));
    expect(Object.keys((await handles[0]!.read()).annotations)).toHaveLength(100);
  });
});

test("bytes that have not changed are parsed once", async () => {
  const dir = layoutWith();
  const index = await open(dir);
  const first = await index.read();
  expect(await index.read()).toBe(first);
  writeFileSync(join(dir, "index.json"), foreign(1));
  expect((await index.read()).text).toBe(foreign(1));
});

describe("a program that takes no lock", () => {
  test("changes the file while an edit is planned: it is planned again, and both changes are there", async () => {
    const dir = layoutWith();
    let calls = 0;
    const result = await (
      await open(dir)
    ).update((base) => {
      calls++;
      if (calls === 1) writeFileSync(join(dir, "index.json"), foreign(1));
      expect(base.text.includes("foreign")).toBe(calls > 1);
      return note("mine");
    });
    expect(calls).toBe(2);
    expect(result.text).toBe('{"schemaVersion":2,"manifests":[],"foreign":1,"annotations":{"mine":"x"}}');
    expect(indexOf(dir)).toBe(result.text);
  });

  test("changes it again and again: INDEX_CONFLICT, and its work stands", async () => {
    const dir = layoutWith();
    let calls = 0;
    const update = (await open(dir)).update(() => {
      writeFileSync(join(dir, "index.json"), foreign(++calls));
      return note("mine");
    });
    const error = await errorOf(update);
    expect(error.code).toBe("INDEX_CONFLICT");
    expect(error.details).toMatchObject({ found: digestOf(text(foreign(calls))) });
    expect(calls).toBeGreaterThan(1);
    expect(indexOf(dir)).toBe(foreign(calls));
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("has truncated the file and not yet written it: the reader waits for the rest", async () => {
    const dir = layoutWith();
    const index = await open(dir);
    for (const torn of ["", '{"schemaVersion":2,"mani', '{"manifests":[{"mediaType":"a']) {
      writeFileSync(join(dir, "index.json"), torn);
      const completed = sleep(200).then(() => writeFileSync(join(dir, "index.json"), foreign(7)));
      expect((await index.read()).text).toBe(foreign(7));
      await completed;
    }
  });

  test.each([-3600, 3600])("left it torn %i seconds ago: an error at once, for nobody will complete it", async (offset) => {
    const dir = layoutWith('{"schemaVersion":2,"mani');
    const then = Date.now() / 1000 + offset;
    utimesSync(join(dir, "index.json"), then, then);
    let late = false;
    const timer = setImmediate(() => (late = true));
    const error = await errorOf((await open(dir)).read());
    expect(late).toBe(false);
    clearImmediate(timer);
    expect(error).toMatchObject({ code: "LAYOUT_INVALID", details: { file: "index.json" } });
  });

  test("a fault that time does not mend is not waited for, however new the file is", async () => {
    for (const source of ['{"manifests":[{}]}', "\ufeff{}", "[]"]) {
      let late = false;
      const index = await open(layoutWith(source));
      const timer = setImmediate(() => (late = true));
      expect((await errorOf(index.read())).code).toBe("LAYOUT_INVALID");
      expect(late).toBe(false);
      clearImmediate(timer);
    }
  });
});

describe("what must not be edited", () => {
  test.each(["\ufeff{}", '{"manifests":[]', '{"manifests":[{}]}', '{"manifests":[],"manifests":[]}', "{}{}"])(
    "%j is left as it is",
    async (source) => {
      const dir = layoutWith(source);
      utimesSync(join(dir, "index.json"), 1, 1);
      const before = treeOf(dir)["index.json"];
      expect((await errorOf((await open(dir)).update(() => note("a")))).code).toMatch(/^(LAYOUT_INVALID|WRITE_REFUSED)$/);
      expect(treeOf(dir)["index.json"]).toBe(before);
      expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
    },
  );

  test("a link inside the layout is read, and never replaced by a file", async () => {
    const dir = layoutWith();
    renameSync(join(dir, "index.json"), join(dir, "real.json"));
    symlinkSync("real.json", join(dir, "index.json"));
    const index = await open(dir);
    expect((await index.read()).entries).toEqual([]);
    expect(await index.update(() => [])).toMatchObject({ entries: [] });
    const before = treeOf(dir)["real.json"];
    const error = await errorOf(index.update(() => note("a")));
    expect(error).toMatchObject({ code: "WRITE_REFUSED", details: { reason: "link", file: "index.json" } });
    expect(treeOf(dir)["real.json"]).toBe(before);
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout", "real.json"]);
  });

  test("a link out of the layout is not even read", async () => {
    const dir = layoutWith();
    renameSync(join(dir, "index.json"), join(dirWith({}), "index.json"));
    symlinkSync(join(dirWith({ "secret.json": "{}" }), "secret.json"), join(dir, "index.json"));
    expect((await errorOf((await open(dir)).read())).code).toBe("LINK_OUTSIDE");
  });

  test("a sparse file of 300 MiB is refused without reading it", async () => {
    const dir = layoutWith();
    truncateSync(join(dir, "index.json"), 300 * 1024 * 1024);
    expect((await errorOf((await open(dir)).read())).code).toBe("LIMIT_EXCEEDED");
  });
});

test("a blob put after the index was read is named by the index only once it is there", async () => {
  const dir = layoutWith();
  const layout = await Layout.open(dir);
  const d = await layout.blobs.put(text("{}"), { mediaType: "a/b" });
  await layout.index.update(() => [{ op: "insert", before: 0, descriptor: d }]);
  expect((await layout.resolve(`@${d.digest}`)).size).toBe(2);
  expect((await errorOf(layout.resolve(`@${digestNo(3)}`))).code).toBe("REF_NOT_FOUND");
});

describe("the lock around an update", () => {
  test("is waited for as long as the caller says, or until the signal", async () => {
    const dir = layoutWith();
    const lock = await acquireLock(dir, { wait: 0 });
    const index = await open(dir);
    for (const wait of [0, 1]) expect((await errorOf(index.update(() => note("a"), { wait }))).code).toBe("LOCK_BUSY");
    const stop = new AbortController();
    const waiting = index.update(() => note("a"), { wait: 50_000, signal: stop.signal });
    stop.abort();
    expect((await errorOf(waiting)).code).toBe("ABORTED");
    const patient = index.update(() => note("late"));
    await sleep(20);
    await lock.release();
    expect((await patient).annotations).toEqual({ late: "x" });
  });

  test("is waited for half a minute if the caller does not say how long", async () => {
    const dir = layoutWith();
    const lock = await acquireLock(dir, { wait: 0 });
    const index = await open(dir);
    const real = Date.now.bind(Date);
    let calls = 0;
    vi.spyOn(Date, "now").mockImplementation(() => real() + (calls++ < 1 ? 0 : 29_000));
    const waiting = errorOf(index.update(() => note("a")));
    await sleep(50);
    expect(await Promise.race([waiting, sleep(1, "still waiting")])).toBe("still waiting");
    vi.spyOn(Date, "now").mockImplementation(() => real() + 31_000);
    expect((await waiting).code).toBe("LOCK_BUSY");
    vi.restoreAllMocks();
    await lock.release();
  });

  test("of a dead process is cleared without a write", async () => {
    const dir = layoutWith();
    plant(dir, { host: hostId(), pid: DEAD_PID, nonce: "aa" });
    const before = indexOf(dir);
    await (await open(dir)).clearDeadLock?.();
    expect([indexOf(dir), namesIn(dir)]).toEqual([before, ["blobs", "index.json", "oci-layout"]]);
  });
});

test("an index.json that is gone is an error that names the directory, to read and to write", async () => {
  const dir = layoutWith();
  const index = await open(dir);
  rmSync(join(dir, "index.json"));
  for (const action of [index.read(), index.update(() => note("a"))]) {
    const error = await errorOf(action);
    expect(error).toMatchObject({ code: "NOT_A_LAYOUT", details: { path: realpathSync(dir) } });
    expect(error.hint).toContain("index.json");
  }
  expect(namesIn(dir)).toEqual(["blobs", "oci-layout"]);
});
