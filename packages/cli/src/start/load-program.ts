import { join } from "node:path";
import { Script } from "node:vm";
import { openCodeCache } from "./code-cache.js";

type Exports = Record<string, unknown>;
type Require = (id: string) => unknown;
/** Where the chunks of the program are: files beside the entry, strings in one file, assets of an executable. */
export interface ChunkSource {
  /** Stands in front of the names of chunks in stack traces. */
  readonly directory: string;
  /** Returns the text of a chunk. */
  readonly read: (name: string) => string;
}

type Wrapper = (exports: Exports, require: Require, module: { exports: Exports }, filename: string, dirname: string) => void;

/**
 * Returns what a chunk of the bundle exports. Chunks are CommonJS in ASCII; those that they require, now or later, are loaded
 * in the same way. What a command compiled in an earlier run comes from its cache, with the functions that are compiled only when they are
 * first called; `require` and the compile cache of Node keep none of those, and Node 20 has no cache.
 */
export function loadProgram({ directory, read }: ChunkSource, chunk: string, { argv, env }: Pick<NodeJS.Process, "argv" | "env">): Exports {
  // Help and version need one chunk or two, which compile faster than a cache is found.
  const isHelp = argv.some((arg) => arg === "help" || arg === "--help" || arg === "-h");
  const cache = isHelp ? undefined : openCodeCache(argv[2] ?? "", env);
  const loaded = new Map<string, { exports: Exports }>();
  const compiled: { name: string; script: Script }[] = [];

  function load(id: string): unknown {
    if (!id.startsWith("./")) return process.getBuiltinModule(id as "node:fs");
    const name = id.slice(2);
    const known = loaded.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} as Exports };
    loaded.set(name, module);
    const filename = join(directory, name);
    const source = read(name);
    const cachedData = cache?.read(name);
    const wrapped = `(function (exports, require, module, __filename, __dirname) { ${source}\n})`;
    const script = new Script(wrapped, { filename, ...(cachedData !== undefined && { cachedData }) });
    if (cachedData === undefined || script.cachedDataRejected === true) compiled.push({ name, script });
    (script.runInThisContext() as Wrapper)(module.exports, load, module, filename, directory);
    return module.exports;
  }

  const program = load(`./${chunk}`) as Exports;
  if (cache !== undefined) {
    process.once("exit", (code) => {
      // A word that is no command loads nothing but the beginning; a failure says little about what the next run needs.
      if (code !== 0 || loaded.size < 4) return;
      for (const { name, script } of compiled) cache.write(name, script.createCachedData());
    });
  }
  return program;
}
