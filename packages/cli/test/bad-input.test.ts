import { mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { copyOf, run, treeOf } from "./helpers.js";

const entry = (fields: object): string =>
  JSON.stringify({
    schemaVersion: 2,
    manifests: [{ mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${"0".repeat(64)}`, size: 2, ...fields }],
  });

/** Long ago, so that a broken file does not look like one that is being written. */
function put(dir: string, name: string, content: string | Buffer): void {
  writeFileSync(join(dir, name), content);
  utimesSync(join(dir, name), 1000, 1000);
}

const CASES: Record<string, { code: number; says: RegExp; spoil: (dir: string) => void }> = {
  "a directory that is no layout": {
    code: 3,
    says: /has no oci-layout file/,
    spoil: (dir) => {
      rmSync(join(dir, "oci-layout"));
      rmSync(join(dir, "index.json"));
    },
  },
  "a layout without index.json": { code: 3, says: /has no index\.json/, spoil: (dir) => rmSync(join(dir, "index.json")) },
  "a path that is not there": { code: 3, says: /does not exist/, spoil: (dir) => rmSync(dir, { recursive: true }) },
  "a file instead of a directory": {
    code: 3,
    says: /is neither a directory nor a tar archive/,
    spoil: (dir) => {
      rmSync(dir, { recursive: true });
      writeFileSync(dir, "");
    },
  },
  "a truncated index.json": {
    code: 4,
    says: /index\.json/,
    spoil: (dir) => {
      truncateSync(join(dir, "index.json"), 200);
      utimesSync(join(dir, "index.json"), 1000, 1000);
    },
  },
  "an empty index.json": { code: 4, says: /index\.json is empty/, spoil: (dir) => put(dir, "index.json", "") },
  "an index.json with a byte order mark": {
    code: 4,
    says: /byte order mark/,
    spoil: (dir) => put(dir, "index.json", '\ufeff{"schemaVersion":2,"manifests":[]}'),
  },
  "an index.json that is an array": { code: 4, says: /is not an object/, spoil: (dir) => put(dir, "index.json", "[]") },
  "an oci-layout that is not JSON": { code: 4, says: /oci-layout/, spoil: (dir) => put(dir, "oci-layout", "hello") },
  "a digest with ../ in it": {
    code: 4,
    says: /\$\.manifests\[0\]\.digest/,
    spoil: (dir) => put(dir, "index.json", entry({ digest: "sha256:../../../../etc/passwd" })),
  },
  "a size of -1": { code: 4, says: /\$\.manifests\[0\]\.size is -1/, spoil: (dir) => put(dir, "index.json", entry({ size: -1 })) },
  "a size of 2^60": { code: 4, says: /\$\.manifests\[0\]\.size is 115/, spoil: (dir) => put(dir, "index.json", entry({ size: 2 ** 60 })) },
  "JSON nested 100,000 deep": {
    code: 4,
    says: /nested deeper/,
    spoil: (dir) => put(dir, "index.json", `{"manifests":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
  },
  "an index.json that leads out of the layout": {
    code: 6,
    says: /leads out of the layout/,
    spoil: (dir) => {
      rmSync(join(dir, "index.json"));
      symlinkSync("/etc/hostname", join(dir, "index.json"));
    },
  },
  "an index.json that is a directory": {
    code: 6,
    says: /not a regular file/,
    spoil: (dir) => {
      rmSync(join(dir, "index.json"));
      mkdirSync(join(dir, "index.json"));
    },
  },
};

describe("bad input: one clear error, the right exit code, nothing changed", () => {
  const commands: Record<string, (dir: string) => string[]> = {
    ls: (dir) => ["ls", dir],
    referrers: (dir) => ["referrers", `${dir}:v1`],
    cat: (dir) => ["cat", `${dir}:v1`],
    extract: (dir) => ["extract", `${dir}:v1`, "--artifact-type", "a/b", "--output", `${dir}-files`],
    convert: (dir) => ["convert", dir, "--to", "universal"],
    "convert --output": (dir) => ["convert", dir, "--to", "universal", "--output", `${dir}-copy`],
  };
  for (const [name, { code, says, spoil }] of Object.entries(CASES)) {
    test.each(Object.keys(commands))(`${name}: %s`, async (command) => {
      const dir = copyOf("layouts/oras");
      spoil(dir);
      const parent = join(dir, "..");
      const before = treeOf(parent);
      const found = await run(...commands[command]!(dir));
      expect(found.stderr.split("\n").filter((l) => l.startsWith("ocilot: "))).toHaveLength(1);
      expect(found.stderr).toMatch(says);
      expect(found.code).toBe(code);
      expect(found.stdout).toBe("");
      expect(found.stderr.length).toBeLessThan(1000);
      expect(treeOf(parent)).toEqual(before);
      const json = await run(...commands[command]!(dir), ...(command === "cat" || command === "extract" ? [] : ["--json"]));
      expect(json.code).toBe(code);
      if (command === "ls") expect(JSON.parse(json.stderr)).toHaveProperty("error.code");
    });
  }
});
