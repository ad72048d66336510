// Bundles the command line into dist/ in two passes. The first bundles every command once and runs it, to get what is
// made of their definitions: help, manual pages, what completion knows. The second bundles the program itself: a small
// entry, a chunk for each command that is loaded only when it runs, and those texts in place of the modules that make
// them, so that --help loads no command. Types come from `tsc -b`, which must have built the libraries before.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "rolldown";
import { writeThirdParty } from "./third-party.mjs";

const root = fileURLToPath(new URL(".", import.meta.url));
const dist = process.argv[2] ?? join(root, "dist");
const { version, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const files = readdirSync(join(root, "src/commands"))
  .filter((name) => name.endsWith(".ts"))
  .map((name) => basename(name, ".ts"));

const common = {
  cwd: root,
  platform: "node",
  transform: { target: "node20.19", define: { OCILOT_VERSION: JSON.stringify(version), "import.meta.resolve": "undefined" } },
  logLevel: "warn",
};

/** Replaces modules by generated ones; `sources` by the end of their path. */
function replace(sources) {
  const entries = Object.entries(sources);
  const find = (id) => entries.find(([end]) => id.replaceAll("\\", "/").endsWith(end))?.[1];
  return { name: "replace", load: (id) => find(id) };
}

/**
 * What yargs needs of its platform. Its own module for Node (lib/platform-shims/esm.mjs) loads `assert`, translations, a finder
 * of package.json files and the tables that measure text; none of that is used, for help is made at build time.
 */
const YARGS_PLATFORM = `
  import { inspect } from "node:util";
  import { basename, dirname, extname, join, relative, resolve } from "node:path";
  import Parser from "yargs-parser";
  import { getProcessArgvBin } from "../../build/lib/utils/process-argv.js";
  const format = (text, ...values) => values.reduce((t, v) => t.replace("%s", v), text);
  const unused = (name) => () => { throw new Error("yargs: " + name + " is not in this build"); };
  const check = (isWrong) => (a, b, message) => { if (isWrong(a, b)) throw new Error(message); };
  export default {
    assert: { notStrictEqual: check((a, b) => a === b), strictEqual: check((a, b) => a !== b) },
    cliui: () => ({ div() {}, span() {}, toString: () => "" }), findUp: () => undefined, getCallerFile: unused("getCallerFile"), getEnv: (name) => process.env[name],
    getProcessArgvBin, inspect, mainFilename: process.cwd(), Parser, path: { basename, dirname, extname, join, relative, resolve },
    process: { argv: () => process.argv, cwd: process.cwd, emitWarning: process.emitWarning, execPath: () => process.execPath,
      exit: (code) => process.exit(code), nextTick: process.nextTick, stdColumns: null },
    readFileSync: unused("readFileSync"), readdirSync: unused("readdirSync"), require: unused("require"),
    stringWidth: (text) => text.length,
    y18n: { __: format, __n: (one, many, n, ...values) => format(n === 1 ? one : many, ...values), getLocale: () => "en", setLocale() {}, updateLocale() {} },
  };`;

/** Modules of Node that take long to load and that few commands use: each is loaded when something of it is first called. */
const LAZY = new Set([
  "node:child_process",
  "node:crypto",
  "node:fs/promises",
  "node:os",
  "node:stream/consumers",
  "node:stream/promises",
  "node:timers/promises",
  "node:util",
  "node:worker_threads",
  "node:zlib",
]);

/** Every function and class becomes a stand-in; what is no function (a constant) would be refused by whoever reads it. */
const lazyBuiltins = {
  name: "lazy-builtins",
  // undici reads constants of these modules when it is loaded, and only commands that use a registry load it.
  resolveId: (id, importer) => (LAZY.has(id) && importer?.includes("/undici/") !== true ? `\0lazy:${id}` : undefined),
  load(id) {
    if (!id.startsWith("\0lazy:node:")) return undefined;
    const name = id.slice("\0lazy:".length);
    const functions = Object.entries(process.getBuiltinModule(name)).filter(
      ([key, value]) => typeof value === "function" && key !== "default",
    );
    // A stand-in without traps: what is called for every blob must cost no more than a call.
    const isPlain = ([key, value]) =>
      /^[a-z]/.test(key) && Reflect.ownKeys(value).every((k) => ["length", "name", "prototype"].includes(k));
    return [
      `const all = () => process.getBuiltinModule(${JSON.stringify(name)});`,
      "const plain = (key) => { let real; return (...args) => (real ??= all()[key])(...args); };",
      "const lazy = (key) => new Proxy(function () {}, {",
      "  apply: (_, self, args) => Reflect.apply(all()[key], self, args), construct: (_, args) => Reflect.construct(all()[key], args),",
      "  get: (_, member) => all()[key][member] });",
      "export default /* @__PURE__ */ new Proxy({}, { get: (_, member) => all()[member] });",
      ...functions.map((f) => `export const ${f[0]} = /* @__PURE__ */ ${isPlain(f) ? "plain" : "lazy"}(${JSON.stringify(f[0])});`),
    ].join("\n");
  },
};

/** Node lacks blake3 and layouts seldom use it: its tables are made when the first such digest is computed. */
const lazyBlake3 = {
  name: "lazy-blake3",
  resolveId: (id, importer) => (id === "@noble/hashes/blake3.js" && !importer?.startsWith("\0") ? "\0lazy:blake3" : undefined),
  load: (id) =>
    id === "\0lazy:blake3"
      ? [
          `const real = () => require(${JSON.stringify(createRequire(join(root, "../layout/package.json")).resolve("@noble/hashes/blake3.js"))}).blake3;`,
          // Called as a whole, and piece by piece.
          "export const blake3 = /* @__PURE__ */ Object.assign((bytes) => real()(bytes), { create: () => real().create() });",
        ].join("\n")
      : undefined,
};

/** Text in which every character is one byte is read, kept and compiled faster. */
const ascii = {
  name: "ascii",
  generateBundle(_, bundle) {
    const escaped = (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
    for (const chunk of Object.values(bundle)) if (chunk.type === "chunk") chunk.code = chunk.code.replaceAll(/[^\0-\x7f]/g, escaped);
  },
};

async function generated() {
  mkdirSync(join(root, "dist"), { recursive: true });
  const dir = mkdtempSync(join(root, "dist/.generate-"));
  try {
    const imports = files.map((name, i) => `import { command as c${i} } from "../commands/${name}.ts";`).join("\n");
    const list = `${imports}\nconst all = [${files.map((_, i) => `c${i}`).join(", ")}];
      export const listCommands = async () => all.map((c) => ({ name: c.name, aliases: c.aliases ?? [], load: async () => c }));`;
    await build({
      ...common,
      input: { generate: "src/manual/generate.ts" },
      plugins: [replace({ "/src/command-line/command-list.ts": list })],
      output: { dir, format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
    });
    return await (await import(pathToFileURL(join(dir, "generate.mjs")).href)).generate();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The modules that `ls` and `referrers` consist of: the commands that are run most, and the least that every other needs as well. */
async function coreModules() {
  const bundles = ["ls", "referrers"].map((name) =>
    build({ ...common, input: `src/commands/${name}.ts`, write: false, plugins: [lazyBuiltins, lazyBlake3] }),
  );
  return new Set(
    (await Promise.all(bundles)).flatMap(({ output }) => {
      const entry = output.find((chunk) => chunk.isEntry);
      const needed = output.filter((chunk) => chunk === entry || entry.imports.includes(chunk.fileName));
      return needed.flatMap((chunk) => Object.keys(chunk.modules ?? {}));
    }),
  );
}

for (const name of existsSync(dist) ? readdirSync(dist) : []) if (name.endsWith(".js")) rmSync(join(dist, name));
const { commands, help, completion, manual } = await generated();
rmSync(join(dist, "man"), { recursive: true, force: true });
mkdirSync(join(dist, "man"), { recursive: true });
for (const { file, text } of manual) writeFileSync(join(dist, "man", file), text);
const core = await coreModules();
for (const { name } of commands) if (!files.includes(name)) throw new Error(`src/commands/ has no file named after the command ${name}`);

const table = commands
  .map(
    (c) =>
      `{ name: ${JSON.stringify(c.name)}, aliases: ${JSON.stringify(c.aliases)}, load: async () => (await import("../commands/${c.name}.ts")).command }`,
  )
  .join(",\n");
const { output } = await build({
  ...common,
  // The entry loads the program by itself (src/start/), so that nothing is shared between the two.
  input: { program: "src/main.ts" },
  plugins: [
    replace({
      "/platform-shims/esm.mjs": YARGS_PLATFORM,
      "/src/command-line/command-list.ts": `const commands = [${table}];\nexport const listCommands = async () => commands;`,
      "/src/manual/help-text.ts": `export const helpText = async (name = "") => (await import("./help-texts.ts")).TEXTS[name];`,
      "/src/completion/command-models.ts": `const models = ${JSON.stringify(completion)};\nexport const commandModels = async () => models;`,
      "/src/manual/help-texts.ts": `export const TEXTS = ${JSON.stringify(help)};`,
    }),
    lazyBuiltins,
    lazyBlake3,
    ascii,
    // yargs renders the help of a command each time before it checks the arguments, in case they are wrong.
    {
      name: "no-help-ahead",
      transform: (code, id) => (id.endsWith("/yargs/build/lib/command.js") ? code.replace(/^.*\.cacheHelpMessage\(\);$/m, "") : undefined),
    },
    { name: "help-texts", resolveId: (id) => (id === "./help-texts.ts" ? join(root, "src/manual/help-texts.ts") : undefined) },
  ],
  output: {
    dir: dist,
    format: "cjs",
    minify: true,
    chunkFileNames: "[name]-[hash].js",
    codeSplitting: {
      // Each file costs time at every start, and so does code that is not used: what nearly every command needs is one file,
      // what some share another.
      groups: [
        // What runs before any command is chosen, and what all of them report with.
        {
          name: "main",
          test: /cli.src.(cli|io|output|version|exit-code)\.ts$|cli.src.command-line.(?!parse|yargs)|cli.src.manual.help-text\.|cli.src.render.(report-error|json|printable|progress|text)|cli.src.options.output|layout.(src|dist).errors\./,
          priority: 3,
        },
        { name: "core", test: (id) => core.has(id) && !id.includes("/commands/"), priority: 2 },
        { name: "shared", minShareCount: 2, priority: 1 },
      ],
    },
  },
});
writeThirdParty(dist, output, { version, license });
await build({ ...common, input: { ocilot: "src/ocilot.ts" }, plugins: [lazyBuiltins], output: { dir: dist, format: "cjs", minify: true } });
// CommonJS starts faster: no asynchronous loading, and of a module of Node only what is used is looked at.
writeFileSync(join(dist, "package.json"), '{ "type": "commonjs" }\n');
chmodSync(join(dist, "ocilot.js"), 0o755);
