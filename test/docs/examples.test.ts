import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "./blocks.js";

const LIBRARIES = ["layout", "referrers", "registry", "server"];
const entryOf = (name: string, entry = "index"): string => join(ROOT, "packages", name, `src/${entry}.ts`);
/** Every entry whose exports a page of the API may show, main entries first. */
const ENTRIES = [...LIBRARIES.map((name) => [name, "index"] as const), ["layout", "web"] as const, ["referrers", "web"] as const];
/** The pages that name functions to a person who begins. */
const PAGES = [
  "README.md",
  ...readdirSync(join(ROOT, "docs/tutorials")).map((name) => `docs/tutorials/${name}`),
  ...LIBRARIES.map((name) => `packages/${name}/README.md`),
];

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  types: ["node"],
  paths: {
    ...Object.fromEntries(LIBRARIES.map((name) => [`@ocilot/${name}`, [entryOf(name)]])),
    "@ocilot/layout/spec": [join(ROOT, "packages/layout/src/spec/index.ts")],
    "@ocilot/layout/web": [join(ROOT, "packages/layout/src/web.ts")],
    "@ocilot/referrers/web": [join(ROOT, "packages/referrers/src/web.ts")],
  },
};

interface Example {
  /** The export, and for a method its name. */
  readonly name: string;
  readonly library: string;
  readonly code: string;
}

let program: ts.Program;
let exported: { readonly library: string; readonly name: string; readonly symbol: ts.Symbol }[];
let examples: Example[];

/** The examples in the comments of a symbol, and of what is in it. */
function examplesIn(library: string, name: string, symbol: ts.Symbol): Example[] {
  const own = symbol.getJsDocTags().filter((tag) => tag.name === "example");
  const code = own.map((tag) => ({ library, name, code: fenced(ts.displayPartsToString(tag.text)) }));
  if ((symbol.flags & ts.SymbolFlags.Class) === 0) return code;
  const members = [...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])];
  return [...code, ...members.flatMap((member) => examplesIn(library, `${name}.${member.name}`, member))];
}

function fenced(text: string): string {
  const [, code] = /^```ts\n(.*)\n```$/s.exec(text) ?? [];
  if (code === undefined) throw new Error(`an example is a block of ts: ${text}`);
  return code;
}

beforeAll(() => {
  program = ts.createProgram(
    ENTRIES.map(([name, entry]) => entryOf(name, entry)),
    OPTIONS,
  );
  const checker = program.getTypeChecker();
  const seen = new Set<ts.Symbol>();
  exported = ENTRIES.flatMap(([library, entry]) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entryOf(library, entry))!)!;
    return checker.getExportsOfModule(module).map((symbol) => ({
      library,
      name: symbol.name,
      symbol: (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol),
    }));
  })
    .filter(({ symbol }) => (symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class)) !== 0)
    .filter(({ symbol }) => !seen.has(symbol) && seen.add(symbol));
  examples = exported.flatMap(({ library, name, symbol }) => examplesIn(library, name, symbol));
});

test("every function and class that a page for people names has an example, and it is used there", () => {
  const words = new Set(PAGES.flatMap((page) => readFileSync(join(ROOT, page), "utf8").match(/[A-Za-z]\w*/g) ?? []));
  const shown = new Set(examples.map(({ library, name }) => `${library}: ${name.split(".")[0]}`));
  const named = exported.filter(({ name }) => words.has(name)).map(({ library, name }) => `${library}: ${name}`);
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((name) => !shown.has(name))).toEqual([]);
  for (const { name, code } of examples) expect(code, name).toContain(name.split(".")[0]);
});

test("every exported function has an example, except one that is exported for the sibling packages only", () => {
  const shown = new Set(examples.map(({ library, name }) => `${library}: ${name}`));
  const functions = exported.filter(({ symbol }) => (symbol.flags & ts.SymbolFlags.Function) !== 0);
  const internal = functions.filter(({ symbol }) => symbol.getJsDocTags().some((tag) => tag.name === "internal"));
  expect(functions.length).toBeGreaterThan(200);
  expect(internal.length).toBeLessThan(20);
  const without = functions.filter((f) => !internal.includes(f)).map(({ library, name }) => `${library}: ${name}`);
  expect(without.filter((name) => !shown.has(name))).toEqual([]);
});

test("every example compiles as it stands in a module of its own", () => {
  const files = new Map(examples.map((example, i) => [join(ROOT, `test/docs/.example-${i}.ts`), example] as const));
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (path, ...rest) => {
    const example = files.get(path);
    return example === undefined
      ? getSourceFile(path, ...rest)
      : ts.createSourceFile(path, `${example.code}\nexport {};\n`, ts.ScriptTarget.ES2023);
  };
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path)?.code ?? readFile(path);
  const compiled = ts.createProgram([...files.keys()], OPTIONS, host, program);
  const faults = [...files].flatMap(([path, { library, name }]) => {
    const file = compiled.getSourceFile(path)!;
    const found = [...compiled.getSyntacticDiagnostics(file), ...compiled.getSemanticDiagnostics(file)];
    return found.map((d) => `${library}: ${name}: ${ts.flattenDiagnosticMessageText(d.messageText, "\n")}`);
  });
  expect(faults).toEqual([]);
});

describe("a page of the API", () => {
  test("names every parameter: none is a pattern, which TypeDoc shows as __namedParameters", () => {
    const unnamed = exported.flatMap(({ library, name, symbol }) =>
      [symbol, ...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])]
        .flatMap((s) => s.declarations ?? [])
        .filter((d) => ts.isFunctionLike(d) && !(d.name && ts.isPrivateIdentifier(d.name)))
        .flatMap((d) => (d as ts.SignatureDeclaration).parameters)
        .filter((p) => !ts.isIdentifier(p.name))
        .map((p) => `${library}: ${name}: ${p.getText()}`),
    );
    expect(unnamed).toEqual([]);
  });
});
