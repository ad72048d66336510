import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Layout } from "@ocilot/layout";
import { doctor, verifyLayout } from "@ocilot/referrers";
import { LayoutBuilder, tempDir } from "@ocilot/testkit";
import { expect, test } from "vitest";
import { run } from "./helpers.js";

async function signedLayout(): Promise<string> {
  const b = new LayoutBuilder();
  const image = b.image();
  b.entry(image, { tag: "v1" }).listed(b.referrer(image));
  const dir = join(tempDir(), "layout");
  await b.directory(dir);
  return dir;
}

/** Runs what a person would type. */
function shell(command: string): void {
  execFileSync("sh", ["-c", command], { stdio: "pipe" });
}

const fileNames = (dir: string): string[] => (readdirSync(dir, { recursive: true }) as string[]).toSorted();
const open = async (dir: string): Promise<Layout> => await Layout.open(dir, { sync: false });

test.skipIf(process.platform === "win32")(
  "chmod: files that only their owner can read are readable, and nothing else changes",
  async () => {
    const dir = await signedLayout();
    const before = fileNames(dir);
    for (const name of ["index.json", "blobs/sha256"]) chmodSync(join(dir, name), name === "index.json" ? 0o600 : 0o700);
    const trap = (await doctor(await open(dir))).traps.find((t) => t.code === "FILES_PRIVATE")!;
    const finding = (await verifyLayout(await open(dir))).findings.find((f) => f.code === "PERMISSION")!;
    expect([trap.fix, finding.fix]).toEqual([`chmod -R a+rX ${dir}`, `chmod -R a+rX ${dir}`]);
    shell(trap.fix);
    expect(statSync(join(dir, "index.json")).mode & 0o777).toBe(0o644);
    expect((await doctor(await open(dir))).traps.map((t) => t.code)).not.toContain("FILES_PRIVATE");
    expect((await verifyLayout(await open(dir))).findings.map((f) => f.code)).not.toContain("PERMISSION");
    expect(fileNames(dir)).toEqual(before);
  },
);

test.each(["\ufeff{}", '{"manifests":[', ""])("cp: index.json that holds %j is that of another copy again", async (text) => {
  const dir = await signedLayout();
  const other = join(tempDir(), "other");
  cpSync(dir, other, { recursive: true });
  writeFileSync(join(dir, "index.json"), text);
  const { traps } = await doctor(await open(dir));
  expect(traps.map((t) => t.fix)).toEqual([`cp OTHER/index.json ${dir}/index.json`]);
  shell(traps[0]!.fix.replace("OTHER", other));
  expect(readFileSync(join(dir, "index.json"))).toEqual(readFileSync(join(other, "index.json")));
  expect((await run("verify", dir)).code).toBe(0);
});

test.each(["{}", '{"imageLayoutVersion":1}'])("printf: oci-layout that holds %j is a marker again", async (text) => {
  const dir = await signedLayout();
  const before = fileNames(dir);
  writeFileSync(join(dir, "oci-layout"), text);
  const { code, stderr } = await run("ls", dir);
  const command = /Write it with: (printf .*)$/m.exec(stderr)?.[1];
  expect([code, command]).toEqual([4, `printf '{"imageLayoutVersion":"1.0.0"}' > LAYOUT/oci-layout`]);
  shell(command!.replace("LAYOUT", dir));
  expect((await run("verify", dir)).code).toBe(0);
  expect(fileNames(dir)).toEqual(before);
});

test.skipIf(process.platform === "win32")("copy --follow-links: blobs that are links out of the layout are in the new one", async () => {
  const base = await signedLayout();
  const dir = join(tempDir(), "linked");
  mkdirSync(join(dir, "blobs/sha256"), { recursive: true });
  for (const name of ["index.json", "oci-layout"]) cpSync(join(base, name), join(dir, name));
  for (const name of readdirSync(join(base, "blobs/sha256")))
    symlinkSync(join(base, "blobs/sha256", name), join(dir, "blobs/sha256", name));
  const { code, stderr } = await run("copy", "--all", dir, join(tempDir(), "refused"));
  const command = /ocilot (copy --all --follow-links LAYOUT NEW-DIRECTORY)/.exec(stderr)?.[1];
  expect(code).not.toBe(0);
  expect(command).toBeDefined();
  const target = join(tempDir(), "new");
  const words: Record<string, string> = { LAYOUT: dir, "NEW-DIRECTORY": target };
  expect((await run(...command!.split(" ").map((word) => words[word] ?? word))).code).toBe(0);
  expect(fileNames(join(target, "blobs"))).toEqual(fileNames(join(base, "blobs")));
  expect((await run("verify", target)).code).toBe(0);
});
