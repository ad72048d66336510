import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Layout, cloneLayout, digestOf, layoutMembers, tempName, writeArchive } from "@ocilot/layout";
import { beforeAll, describe, expect, test } from "vitest";
import { runWorker, startWorker } from "./harness/run-worker.js";
import { LONG, tempRoot } from "./harness/temp.js";

/** Each which of the kills is tried where time is short; odd, as kills before and after a write take turns. */
const SHARE = LONG ? 1 : 11;
const root = tempRoot();
const sources = { directory: join(root, "source"), tar: join(root, "source.tar"), gzip: join(root, "source.tar.gz") };

beforeAll(async () => {
  const layout = await Layout.create(sources.directory, { sync: false });
  for (const size of [10, 1000, 300_000]) await layout.blobs.put(Buffer.alloc(size, "x"));
  await layout.putDockerDocument("manifest.json", Buffer.from("[]"));
  for (const path of [sources.tar, sources.gzip]) await writeArchive(path, await layoutMembers(layout), { sync: false });
});

/** What is in a directory: names, and the digests of files. */
function contentOf(dir: string): Record<string, string> {
  const names = (readdirSync(dir, { recursive: true }) as string[]).toSorted();
  return Object.fromEntries(names.map((name) => [name, statSync(join(dir, name)).isFile() ? digestOf(readFileSync(join(dir, name))) : ""]));
}

interface Task {
  readonly name: string;
  readonly task: string;
  readonly source: keyof typeof sources;
  readonly target: string;
  /** The target is an empty directory, such as a volume that is mounted there. */
  readonly exists?: boolean;
}

const TASKS: readonly Task[] = [
  { name: "create in a new directory", task: "create", source: "directory", target: "t" },
  { name: "create in an empty directory", task: "create", source: "directory", target: "t", exists: true },
  { name: "clone to a new directory", task: "clone", source: "directory", target: "t" },
  { name: "clone to an empty directory", task: "clone", source: "directory", target: "t", exists: true },
  { name: "unpack to a new directory", task: "clone an archive", source: "tar", target: "t" },
  { name: "unpack to an empty directory", task: "clone an archive", source: "tar", target: "t", exists: true },
  { name: "write an archive", task: "write an archive", source: "directory", target: "t.tar" },
  { name: "write a compressed archive", task: "write an archive", source: "directory", target: "t.tar.gz" },
  { name: "read a compressed archive", task: "read a compressed archive", source: "gzip", target: "t" },
];

describe.each(TASKS)("$name, killed at any write to the file system", (given) => {
  const { task, source, target, exists } = given;
  test("is finished by the next run, and nothing is left beside the output", async () => {
    const run = join(root, `${task}-${target}-${exists ?? false}`.replaceAll(" ", "-"));
    const [out, temp] = [join(run, "out"), join(run, "temp")];
    const args = [task, sources[source], join(out, target), temp];
    const prepare = (): void => {
      rmSync(run, { recursive: true, force: true });
      mkdirSync(exists === true ? join(out, target) : out, { recursive: true });
      mkdirSync(temp);
    };
    prepare();
    const [line] = await runWorker("output-worker.mjs", args, { preload: "killer.mjs" });
    const { count } = JSON.parse(line!.slice("watched ".length)) as { count: number };
    const whole = contentOf(run);
    expect(count).toBeGreaterThan(1);
    const kills = Array.from({ length: count }, (_, i) => [`before:${i + 1}`, `after:${i + 1}`]).flat();
    // Each task tries others of them.
    const first = TASKS.indexOf(given) % SHARE;
    for (const kill of kills.filter((_, i) => i % SHARE === first || i >= kills.length - 4)) {
      prepare();
      const { signal } = await startWorker("output-worker.mjs", args, { preload: "killer.mjs", env: { OCILOT_KILL: kill } }).end;
      expect(signal, kill).toBe("SIGKILL");
      const isDone = JSON.stringify(contentOf(run)) === JSON.stringify(whole);
      // A run that finds the output finished refuses to write it again, and removes what is left beside it.
      if (!isDone || task === "read a compressed archive") await startWorker("output-worker.mjs", args).end;
      expect(contentOf(run), `killed ${kill}`).toEqual(whole);
    }
  });
});

test("what a user has put beside a half moved clone is not removed", async () => {
  const place = join(root, "mine");
  await cloneLayout(sources.directory, place, { sync: false });
  // As the crash between two moves leaves it, made by hand: the index is the clone's, the blobs are not.
  const staged = join(place, tempName().replace(/-\d+-/, "-4206649-"));
  mkdirSync(staged);
  rmSync(join(place, "oci-layout"));
  execFileSync("sh", ["-c", `printf '{"index.json":"%s","blobs":"1"}' "$(stat -c %i index.json)" > "${staged}/.ocilot-moves"`], {
    cwd: place,
  });
  await expect(cloneLayout(sources.directory, place)).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
  expect(readdirSync(place)).toEqual(["blobs", "manifest.json"]);
});
