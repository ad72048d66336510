import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer } from "@ocilot/server";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const NAMES = ["layout", "referrers", "registry", "server", "cli"];
const require = createRequire(import.meta.url);
const tsc = join(require.resolve("typescript/package.json"), "../bin/tsc");

let project: string;
let packed: string;

/** The TypeScript of a page, block by block; a block of `ts no-run` is compiled only. */
function examples(page: string): { name: string; source: string; isRun: boolean }[] {
  const blocks = readFileSync(join(root, page), "utf8").matchAll(/```ts( no-run)?\n(.*?)```/gs);
  const name = page.replaceAll("/", "-").replace(/\.md$/, "");
  return [...blocks].map(([, mark, source], i) => ({ name: `${name}-${i}`, source: source!, isRun: mark === undefined }));
}

const all = ["README.md", ...NAMES.map((name) => `packages/${name}/README.md`)].flatMap(examples);

/** A new project that has installed what `npm pack` gives of each package. */
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "ocilot-packed-"));
  packed = mkdtempSync(join(tmpdir(), "ocilot-pack-"));
  for (const name of NAMES) {
    execFileSync("npm", ["pack", "--silent", "--pack-destination", packed], { cwd: join(root, "packages", name), stdio: "pipe" });
  }
  install(project, NAMES);
});

/** Makes a project in `directory` that has installed the packed packages of these names and nothing else: no `@types/node` of its own. */
function install(directory: string, names: readonly string[]): void {
  const files = readdirSync(packed);
  const tarballs = names.map((name) =>
    join(
      packed,
      files.find((file) => file.startsWith(name === "cli" ? "ocilot-0" : `ocilot-${name}-`))!,
    ),
  );
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "new-project", private: true, type: "module" }));
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts", ...tarballs], {
    cwd: directory,
    stdio: "pipe",
  });
}

/** Compiles with the TypeScript of the repository, without a configuration other than these arguments. Returns what it prints. */
async function compile(directory: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [tsc, ...args], { cwd: directory, maxBuffer: 1 << 24 }).catch(
    (error: { stdout: string }) => {
      throw new Error(error.stdout);
    },
  );
  return stdout;
}

afterAll(() => {
  for (const directory of [project, packed, ...projects.values()]) rmSync(directory, { recursive: true, force: true });
});

describe("packages as npm installs them", () => {
  test("each holds its README, its licence and the sources that its maps name, and nothing else of the repository", () => {
    for (const file of readdirSync(packed)) {
      const names = execFileSync("tar", ["-tf", join(packed, file)], { encoding: "utf8" })
        .trim()
        .split("\n");
      expect(names, file).toEqual(expect.arrayContaining(["package/README.md", "package/LICENSE", "package/package.json"]));
      expect(names.filter((name) => /(?:\.test\.ts|\.tsbuildinfo|\/test\/.*)$/.test(name))).toEqual([]);
      const directory = join(
        project,
        "node_modules",
        file.startsWith("ocilot-0") ? "ocilot" : file.replace(/^ocilot-(\w+)-.*/, "@ocilot/$1"),
      );
      const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Record<string, unknown>;
      expect(JSON.stringify(manifest)).not.toContain("workspace:");
      for (const key of ["keywords", "homepage", "bugs", "repository", "license", "description"]) expect(manifest[key], key).toBeDefined();
      for (const map of names.filter((name) => name.endsWith(".map"))) {
        const { sources } = JSON.parse(readFileSync(join(directory, map.replace("package/", "")), "utf8")) as { sources: string[] };
        for (const source of sources) expect(names, map).toContain(join(map, "..", source));
      }
    }
  });

  test("ocilot runs, and says what is bundled in it", async () => {
    const { stdout } = await run("npx", ["--no-install", "ocilot", "--version"], { cwd: project });
    const installed = join(project, "node_modules/ocilot");
    const { version } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { version: string };
    expect(stdout.trim().split(/\s/)).toContain(version);
    const { components } = JSON.parse(readFileSync(join(installed, "dist/sbom.cdx.json"), "utf8")) as { components: { name: string }[] };
    const texts = readFileSync(join(installed, "dist/THIRD-PARTY-LICENSES.txt"), "utf8");
    expect(components.map((c) => c.name)).toEqual(expect.arrayContaining(["undici", "yargs", "yaml", "tar-stream"]));
    for (const { name } of components) expect(texts).toContain(`\n${name} `);
    expect(texts).toContain("Permission is hereby granted");
  });

  test("the examples of every README compile under tsc --strict, and run", async () => {
    expect(all.filter((e) => e.isRun).length).toBeGreaterThan(6);
    await using server = await createServer();
    mkdirSync(join(project, "examples"));
    for (const { name, source } of all) {
      writeFileSync(join(project, "examples", `${name}.ts`), source.replaceAll("localhost:5000", server.address));
    }
    const options = ["--strict", "--module", "nodenext", "--target", "es2023", "--outDir", "out"];
    await compile(project, ...options, ...all.map(({ name }) => `examples/${name}.ts`));
    const place = join(project, "place");
    for (const { name } of all.filter((e) => e.isRun)) {
      rmSync(join(place, "layout"), { recursive: true, force: true });
      rmSync(join(place, "new-layout"), { recursive: true, force: true });
      cpSync(join(root, "fixtures/layouts/oras"), join(place, "layout"), { recursive: true });
      cpSync(join(root, "fixtures/layouts"), join(place, "layouts"), { recursive: true });
      const { stdout } = await run(process.execPath, [join(project, "out", `${name}.js`)], { cwd: place });
      if (!name.includes("registry") && !source(name).includes("Layout.create")) expect(stdout, name).not.toBe("");
    }
  });

  // TypeScript 6 loads no types that nobody asks for.
  test.each([
    ["layout alone", ["layout"], ["packages/layout/README.md"]],
    ["layout and referrers", ["layout", "referrers"], ["README.md", "packages/referrers/README.md", "docs/tutorials/typescript.md"]],
  ])("%s compiles where nothing else is installed", async (_, names, pages) => {
    const directory = projectOf(names);
    const files = pages.flatMap(examples).filter(({ source: text }) => names.length > 1 || !text.includes("@ocilot/referrers"));
    expect(files.length).toBeGreaterThan(1);
    for (const { name, source: text } of files) writeFileSync(join(directory, `${name}.ts`), text);
    const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022"];
    await compile(directory, ...options, ...files.map(({ name }) => `${name}.ts`));
  });

  test("the web entries compile in a page, with the types of browsers and none of Node", async () => {
    const directory = projectOf(["layout", "referrers"]);
    const page = examples("packages/layout/README.md").find(({ isRun }) => !isRun);
    const alone =
      'import { Layout, memoryBackend } from "@ocilot/layout/web";\nexport const layout: Layout = new Layout(memoryBackend());\n';
    writeFileSync(join(directory, "page.ts"), page!.source);
    writeFileSync(join(directory, "alone.ts"), alone);
    for (const module of ["nodenext", "esnext"]) {
      const moduleResolution = module === "esnext" ? "bundler" : module;
      const environment = { module, moduleResolution, target: "es2022", lib: ["es2022", "dom"], types: [] };
      const compilerOptions = { strict: true, noEmit: true, listFiles: true, ...environment };
      // The first imports less: what the second brings must not help it.
      for (const files of [["alone.ts"], ["page.ts"]].slice(module === "esnext" ? 1 : 0)) {
        writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
        const read = (await compile(directory)).split("\n");
        expect(read.some((path) => path.includes("@ocilot/layout/dist/web.d.ts"))).toBe(true);
        expect(read.filter((path) => path.includes("@types"))).toEqual([]);
      }
    }
  });
});

const projects = new Map<string, string>();

/** A project that has installed these packages alone; several tests compile in one. */
function projectOf(names: readonly string[]): string {
  const known = projects.get(names.join());
  if (known !== undefined) return known;
  const directory = mkdtempSync(join(tmpdir(), "ocilot-packed-"));
  projects.set(names.join(), directory);
  install(directory, names);
  return directory;
}

const source = (name: string): string => all.find((e) => e.name === name)!.source;
