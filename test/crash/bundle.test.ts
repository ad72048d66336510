import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Layout, canCreateLayout, digestOf } from "@ocilot/layout";
import { planBundle, stageBundle, verifyLayout, writeParts } from "@ocilot/referrers";
import { beforeAll, describe, expect, test } from "vitest";
import { putImage } from "./harness/made-layout.js";
import { runWorker, startWorker } from "./harness/run-worker.js";
import { LONG, tempRoot } from "./harness/temp.js";

/** Kills in all, over the tests of this file; a tenth where time is short. */
const KILLS = LONG ? 500 : 50;
const root = tempRoot();
const source = join(root, "source");

beforeAll(async () => {
  const layout = await Layout.create(source, { sync: false });
  for (const tag of ["a", "b"]) await layout.tag(await putImage(layout, tag, [20_000, 22_000, 90_000]), tag);
});

function filesIn(dir: string): Record<string, string> {
  return Object.fromEntries(readdirSync(dir).map((name) => [name, digestOf(readFileSync(join(dir, name)))]));
}

/** Every file below a directory, and its digest. */
function contentOf(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
  return Object.fromEntries(
    files.map((f) => join(f.parentPath, f.name)).map((path) => [relative(dir, path), digestOf(readFileSync(path))]),
  );
}

function emptied(name: string): string {
  const dir = join(root, name);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  return dir;
}

/** That many numbers from 1 to `count`, evenly spread, the last ones among them; all of them where there are fewer. */
function spread(count: number, tries: number): number[] {
  const all = Array.from({ length: count }, (_, i) => i + 1);
  const step = Math.max(1, Math.floor(count / tries));
  return all.filter((n) => n % step === 0 || n > count - 8);
}

/** The instants at which the writes of a worker can be cut, each `before`, `after` or in its middle. */
function killsOf({ count, halves }: { count: number; halves: readonly number[] }): string[] {
  const all = Array.from({ length: count }, (_, i) => [`before:${i + 1}`, ...(halves.includes(i + 1) ? [`half:${i + 1}`] : [])]);
  return [...all.flat(), `after:${count}`];
}

describe("bundle, while it writes its parts", () => {
  test("killed at any write: the next run makes the same files, and leaves no other", { timeout: 7_200_000 }, async () => {
    const whole = emptied("whole");
    const [line] = await runWorker("bundle-worker.mjs", [source, whole], { preload: "killer.mjs" });
    const expected = filesIn(whole);
    expect(Object.keys(expected).length).toBeGreaterThan(3);
    const { count } = JSON.parse(line!.slice("watched ".length)) as { count: number };
    for (const [i, n] of spread(count, KILLS * 0.3).entries()) {
      const out = emptied("killed");
      const kill = `${["before", "after", "half"][i % 3]}:${n}`;
      const { signal } = await startWorker("bundle-worker.mjs", [source, out], { preload: "killer.mjs", env: { OCILOT_KILL: kill } }).end;
      expect(["SIGKILL", null], kill).toContain(signal);
      // A file under its own name is whole, whenever the kill came.
      for (const [name, digest] of Object.entries(filesIn(out)))
        if (!name.startsWith(".ocilot-")) expect([kill, name, digest]).toEqual([kill, name, expected[name]]);
      const { lines, code } = await startWorker("bundle-worker.mjs", [source, out]).end;
      const isDone = Object.keys(filesIn(out)).length === Object.keys(expected).length;
      expect([kill, code, isDone ? [] : lines]).toEqual([kill, 0, []]);
      expect(filesIn(out), kill).toEqual(expected);
    }
  });

  test.each(["ENOSPC", "EIO"])("%s at any write: an error that says so, no stray, and the next run finishes", async (errno) => {
    const out = emptied(`counted-${errno}`);
    const [line] = await runWorker("bundle-worker.mjs", [source, out, errno, "0"]);
    const expected = filesIn(out);
    const { count } = JSON.parse(line!.slice("watched ".length)) as { count: number };
    for (const n of spread(count, KILLS / 10)) {
      const faulty = emptied("faulty");
      const lines = await runWorker("bundle-worker.mjs", [source, faulty, errno, String(n)]);
      const said = lines.find((l) => l.startsWith("failed "));
      if (said !== undefined) {
        expect(JSON.parse(said.slice("failed ".length)), String(n)).toMatchObject({ name: "OcilotError", hint: expect.any(String) });
        expect(said).toContain(errno);
      }
      for (const name of readdirSync(faulty)) expect([n, expected[name]]).toEqual([n, filesIn(faulty)[name]]);
      await runWorker("bundle-worker.mjs", [source, faulty]);
      expect(filesIn(faulty), String(n)).toEqual(expected);
    }
  });
});

/** Parts of the source; the largest layer is cut into pieces. */
async function partsIn(dir: string, repository?: string): Promise<string[]> {
  const sources = [{ layout: await Layout.open(source), ...(repository !== undefined && { repository }) }];
  const plan = await planBundle(await stageBundle(sources), { name: "b.tar", limit: 60_000, created: "2026-01-01T00:00:00Z" });
  return await writeParts(plan, join(dir, "b.tar"), { sync: false });
}

describe("unbundle into a layout", () => {
  test(
    "killed at any write: no tag is without its content, and the same command leaves the same files as a run that nothing cut",
    { timeout: 7_200_000 },
    async () => {
      const parts = await partsIn(emptied("parts"));
      const whole = emptied("far-whole");
      const lines = await runWorker("unbundle-worker.mjs", [whole, ...parts], { preload: "killer.mjs" });
      expect(lines).toContain('sets ["merged"]');
      const expected = contentOf(whole);
      expect(Object.keys(expected)).toContain(".ocilot-bundles/tags.json");
      const watched = JSON.parse(lines.at(-1)!.slice("watched ".length)) as { count: number; halves: number[] };
      const all = killsOf(watched);
      for (const n of spread(all.length, KILLS / 2)) {
        const kill = all[n - 1]!;
        const far = emptied("far");
        const { signal } = await startWorker("unbundle-worker.mjs", [far, ...parts], { preload: "killer.mjs", env: { OCILOT_KILL: kill } })
          .end;
        expect([kill, signal]).toEqual([kill, "SIGKILL"]);
        await expectTagsWhole(far);
        expect([kill, await runWorker("unbundle-worker.mjs", [far, ...parts])]).toEqual([
          kill,
          expect.arrayContaining(['sets ["merged"]']) as string[],
        ]);
        expect(contentOf(far), kill).toEqual(expected);
      }
    },
  );
});

describe("unbundle into a registry", () => {
  test(
    "killed, or the registry killed, at any time: started again it goes on, and no tag is without its content",
    { timeout: 7_200_000 },
    async () => {
      const parts = await partsIn(emptied("parts"), "registry.example/app");
      const cli = new URL("../../packages/cli/dist/ocilot.js", import.meta.url).pathname;
      for (let round = 0; round < KILLS / 10; round++) {
        const [store, state] = [emptied("store"), emptied("state")];
        let isDone = false;
        let said = "";
        for (let attempt = 0; !isDone; attempt++) {
          expect(attempt, said).toBeLessThan(10);
          const server = startWorker("serve-worker.mjs", [store]);
          const url = new URL((await server.said("at ")).slice("at ".length));
          const args = ["unbundle", ...parts, "--into", `docker://${url.host}`, "--plain-http", "--state", state, "--no-sync"];
          const env = { ...process.env, OCILOT_RETRIES: "0" };
          const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "ignore", "pipe"], env });
          child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
          const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
          // The first runs of a round are cut, the client in one and the registry in the next, a little later each time.
          const cut = attempt < 3 ? sleep(150 + ((round * 3 + attempt) % 30) * 40, "cut" as const) : ended;
          if ((await Promise.race([ended, cut])) === "cut") (attempt % 2 === 0 ? child : server.child).kill("SIGKILL");
          isDone = (await ended) === 0;
          server.child.kill("SIGKILL");
          await server.end;
          await expectTagsWhole(join(store, "app"));
        }
        const layout = await Layout.open(join(store, "app"));
        expect(
          (await layout.index.read()).entries
            .flatMap((e) => e.tag ?? [])
            .filter((t) => /^[ab]$/.test(t))
            .toSorted(),
        ).toEqual(["a", "b"]);
      }
    },
  );
});

/** What is listed is whole, however little that is. */
async function expectTagsWhole(store: string): Promise<void> {
  const copy = emptied("look");
  try {
    cpSync(store, copy, { recursive: true });
  } catch {
    return;
  }
  // A layout that is half made is none to anybody.
  if (canCreateLayout(copy)) return;
  const layout = await Layout.open(copy).catch(() => undefined);
  if (layout === undefined) return;
  const { findings } = await verifyLayout(layout);
  expect(findings.filter((f) => f.severity === "error" && f.code !== "REFERRER_UNLISTED").map((f) => `${f.code} ${f.message}`)).toEqual([]);
}
