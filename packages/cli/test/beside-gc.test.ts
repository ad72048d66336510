import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FIXTURES, copyLayout, tempDir } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";

const CLI = fileURLToPath(new URL("../dist/ocilot.js", import.meta.url));
const IS_LONG = process.env["OCILOT_LONG"] === "1";
const [ATTACHES, COPIES, CHECKS] = IS_LONG ? [200, 100, 40] : [20, 10, 4];

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

function start(...args: string[]): { child: ChildProcess; done: Promise<Outcome> } {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const done = new Promise<Outcome>((resolve) => {
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece: Buffer) => void (output += piece.toString()));
    child.on("close", (code) => resolve({ code, output }));
  });
  return { child, done };
}

/** Runs a command `times` times, one after the other, and returns what failed. */
async function failures(times: number, args: (i: number) => string[] | Promise<string[]>): Promise<Outcome[]> {
  const failed: Outcome[] = [];
  for (let i = 0; i < times; i++) {
    const outcome = await start(...(await args(i))).done;
    if (outcome.code !== 0) failed.push(outcome);
  }
  return failed;
}

interface Listed {
  readonly images: readonly {
    readonly digest: string;
    readonly referrers: number;
    readonly platforms: readonly { readonly referrers: number }[];
  }[];
}

/** Lists a layout `times` times, and returns what failed or showed fewer images or referrers than the time before. */
async function lostIn(dir: string, times: number): Promise<unknown[]> {
  const lost: unknown[] = [];
  let before = new Map<string, number>();
  for (let i = 0; i < times; i++) {
    const { code, output } = await start("ls", dir, "--json").done;
    if (code !== 0) {
      lost.push({ code, output });
      continue;
    }
    const counts = new Map(
      (JSON.parse(output) as Listed).images.map(({ digest, referrers, platforms }) => [
        digest,
        platforms.reduce((sum, p) => sum + p.referrers, referrers),
      ]),
    );
    for (const [digest, count] of before) if ((counts.get(digest) ?? -1) < count) lost.push({ digest, count, output });
    before = counts;
  }
  return lost;
}

describe("beside a looping gc --grace 0s", () => {
  test(
    `${ATTACHES} attaches and ${COPIES} copies succeed, verify never calls the layout damaged, and ls never shows less than before`,
    { timeout: 3_600_000 },
    async () => {
      expect(existsSync(CLI), "npm run build makes it").toBe(true);
      const dir = join(tempDir(), "layout");
      await copyLayout(join(FIXTURES, "layouts/oras"), dir);
      const source = join(FIXTURES, "layouts/regclient");
      const over = new AbortController();
      let collections = 0;
      const collecting = (async (): Promise<void> => {
        while (!over.signal.aborted) {
          await start("gc", dir, "--grace", "0s", "--no-sync").done;
          collections++;
        }
      })();
      try {
        const files = tempDir();
        const attach = async (i: number): Promise<string[]> => {
          const file = join(files, `${i}.json`);
          await writeFile(file, JSON.stringify({ i }));
          return ["attach", `${dir}:v1`, `${file}:application/json`, "--artifact-type", "application/vnd.example.scan", "--no-sync"];
        };
        const copy = (i: number): string[] => ["copy", `${source}:v1`, `${dir}:copy${i}`, "--no-sync"];
        const [attaches, copies, checks, lists] = await Promise.all([
          failures(ATTACHES, attach),
          failures(COPIES, copy),
          failures(CHECKS, () => ["verify", dir]),
          lostIn(dir, CHECKS),
        ]);
        expect({ attaches, copies, checks, lists }).toEqual({ attaches: [], copies: [], checks: [], lists: [] });
      } finally {
        over.abort();
        await collecting;
      }
      expect(collections).toBeGreaterThan(0);
      const last = await start("verify", dir).done;
      expect([last.code, last.output.includes("error")]).toEqual([0, false]);
      const listed = await start("referrers", `${dir}:v1`, "--json").done;
      const { manifests } = JSON.parse(listed.output) as { manifests: { artifactType: string }[] };
      expect(manifests.filter((m) => m.artifactType === "application/vnd.example.scan")).toHaveLength(ATTACHES);
      if (IS_LONG)
        console.log(`${ATTACHES} attaches, ${COPIES} copies, ${CHECKS} verify and ls beside ${collections} collections: 0 failed`);
    },
  );
});
