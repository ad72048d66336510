import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { FINDINGS, TRAPS } from "@ocilot/referrers";
import { repositoryReport } from "../src/report/repository-report.js";
import { renderReport } from "../src/report/render-report.js";
import { sarifLog } from "../src/report/sarif.js";
import type { Report } from "../src/report/report.js";
import { FIXTURES, LayoutBuilder, copyOf, run } from "./helpers.js";

const read = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");
const isSarif = new Ajv2020({ allErrors: true }).compile(JSON.parse(read("sarif.schema.json")) as object);
const LAYOUTS = ["layouts", "edge"].flatMap((dir) =>
  readdirSync(join(FIXTURES, dir))
    .filter((name) => !/\.(md|json|pub)$/.test(name))
    .map((name) => `${dir}/${name}`),
);

interface Sarif {
  runs: [{ tool: { driver: { rules: { id: string; helpUri: string }[] } }; results: SarifResult[] }];
}

interface SarifResult {
  ruleId: string;
  ruleIndex: number;
  level: string;
  message: { text: string };
  locations: [
    { physicalLocation: { artifactLocation: { uri: string } }; logicalLocations?: { name?: string; fullyQualifiedName?: string }[] },
  ];
}

function sarif(text: string): Sarif["runs"][0] {
  const log = JSON.parse(text) as Sarif;
  expect(isSarif(log), JSON.stringify(isSarif.errors)).toBe(true);
  return log.runs[0];
}

interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
  text: string;
}

/** Parses XML without comments, CDATA and processing instructions; throws where it is not well formed. */
function xml(text: string): Element {
  const [, body] = /^<\?xml version="1\.0" encoding="UTF-8"\?>\n([^]*)$/.exec(text)!;
  const root: Element = { name: "", attributes: {}, children: [], text: "" };
  const stack = [root];
  const unescaped = (s: string): string => {
    expect(s.replaceAll(/&(amp|lt|gt|quot);/g, "")).not.toMatch(/[&<]/);
    return s.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  };
  const token = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  for (let m = token.exec(body!), end = 0; end < body!.length; m = token.exec(body!)) {
    expect(m, `at ${body!.slice(end, end + 80)}`).not.toBeNull();
    end = token.lastIndex;
    const [, close, name, given, empty, chars] = m!;
    if (chars !== undefined) stack.at(-1)!.text += unescaped(chars);
    else if (close === "/") expect(stack.pop()!.name).toBe(name);
    else {
      const attributes = Object.fromEntries([...given!.matchAll(/([a-z]+)="([^"]*)"/g)].map((a) => [a[1]!, unescaped(a[2]!)]));
      const element = { name: name!, attributes, children: [], text: "" };
      stack.at(-1)!.children.push(element);
      if (empty === "") stack.push(element);
    }
  }
  expect(stack).toEqual([root]);
  return root.children[0]!;
}

/** Test cases by name, after the figures of the suite were compared with them. */
function junit(text: string): Map<string, Element | undefined> {
  const suites = xml(text);
  const [suite] = suites.children;
  const cases = suite!.children;
  const having = (name: string): number => cases.filter((c) => c.children.some((child) => child.name === name)).length;
  for (const { attributes } of [suites, suite!])
    expect(attributes).toMatchObject({ tests: String(cases.length), failures: String(having("failure")), errors: "0" });
  expect(suite!.attributes["skipped"]).toBe(String(having("skipped")));
  return new Map(cases.map((c) => [c.attributes["name"]!, c.children[0]]));
}

describe.each(LAYOUTS)("%s", (name) => {
  const path = join(FIXTURES, name);

  test("verify and doctor say the same as SARIF, as JUnit and as JSON", async () => {
    const plain = await run("verify", path, "--json");
    const { findings } = JSON.parse(plain.stdout) as { findings: { code: string; severity: string }[] };
    const log = await run("verify", path, "--format", "sarif");
    expect(log.code).toBe(plain.code);
    const { results, tool } = sarif(log.stdout);
    expect(results.map((r) => r.ruleId)).toEqual(findings.map((f) => f.code));
    expect(results.map((r) => r.level)).toEqual(findings.map((f) => (f.severity === "info" ? "note" : f.severity)));
    for (const r of results) expect(tool.driver.rules[r.ruleIndex]!.id).toBe(r.ruleId);
    const suite = await run("verify", path, "--format", "junit");
    expect(suite.code).toBe(plain.code);
    const failed = [...junit(suite.stdout).values()].filter((c) => c?.name === "failure");
    expect(failed.length > 0).toBe(plain.code === 4);

    const diagnosis = await run("doctor", path, "--json");
    const { traps } = JSON.parse(diagnosis.stdout) as { traps: { code: string; places: object[] }[] };
    const doctor = sarif((await run("doctor", path, "--format", "sarif")).stdout);
    expect(doctor.results.map((r) => r.ruleId)).toEqual(traps.flatMap((t) => t.places.map(() => t.code)));
    const tools = junit((await run("doctor", path, "--format", "junit")).stdout);
    const sick = [...tools].filter(([title, child]) => title.includes("finds every referrer") && child?.name === "failure");
    expect(sick.length > 0).toBe(diagnosis.code === 7);
  });
});

test("locations are files of the layout, relative where the layout was given so", async () => {
  const dir = copyOf("layouts/oras");
  const [blob] = readdirSync(join(dir, "blobs/sha256"));
  rmSync(join(dir, "blobs/sha256", blob!));
  writeFileSync(join(dir, "a b.txt"), "");
  const before = process.cwd();
  process.chdir(join(dir, ".."));
  try {
    for (const [given, root] of [
      ["./layout", "layout/"],
      ["layout/", "layout/"],
      [dir, `file://${dir}/`],
    ] as const) {
      const { results } = sarif((await run("verify", given, "--format", "sarif")).stdout);
      const uriOf = (r: SarifResult): string => r.locations[0].physicalLocation.artifactLocation.uri;
      expect(uriOf(results.find((r) => r.ruleId === "BLOB_MISSING")!)).toBe(`${root}blobs/sha256/${blob}`);
      expect(uriOf(results.find((r) => r.ruleId === "FOREIGN_FILE")!)).toBe(`${root}a%20b.txt`);
    }
  } finally {
    process.chdir(before);
  }
});

test("of an archive the archive is the file, and its member is named", async () => {
  const { results } = sarif((await run("doctor", join(FIXTURES, "layouts/containerd-export.tar"), "--format", "sarif")).stdout);
  const [first] = results[0]!.locations;
  expect(first.physicalLocation.artifactLocation.uri).toMatch(/^file:\/\/.*\/containerd-export\.tar$/);
  expect(first.logicalLocations![0]!.name).toMatch(/^(index\.json|blobs\/sha256\/[0-9a-f]{64})$/);
});

test("rules lead to an anchor of a page that has it", async () => {
  const pages = {
    findings: read("../../../docs/findings.md"),
    doctor: read("../../../docs/doctor.md"),
    registries: read("../../../docs/registries.md"),
  };
  const registry = repositoryReport({ clients: [], problems: [], healthy: true } as never, {
    target: "",
    kind: "registry",
    version: "1.0.0",
  });
  const all = [
    ...Object.keys(FINDINGS).map((id) => ["findings", id] as const),
    ...Object.keys(TRAPS).map((id) => ["doctor", id] as const),
    ...registry.rules.map(({ id }) => ["registries", id] as const),
  ];
  for (const [page, id] of all) expect(pages[page], `${page}.md#${id}`).toContain(`<a id="${id}"></a>`);
  const { tool } = sarif((await run("doctor", join(FIXTURES, "layouts/regclient"), "--format", "sarif")).stdout);
  for (const { id, helpUri } of tool.driver.rules) expect(helpUri).toBe(`https://github.com/ocilot/ocilot/blob/main/docs/doctor.md#${id}`);
});

test("requirements and receipts are tests only where they were asked for", async () => {
  const path = join(FIXTURES, "layouts/oras");
  const names = async (...more: string[]): Promise<string> =>
    [...junit((await run("verify", path, "--format", "junit", ...more)).stdout).keys()].join();
  expect(await names()).not.toMatch(/REQUIREMENT_|RECEIPT_/);
  expect(await names("--require", "no-dangling")).toMatch(/REQUIREMENT_DANGLING/);
  const failed = junit((await run("verify", path, "--format", "junit", "--require", "vex")).stdout);
  expect(
    [...failed].filter(([name, child]) => name.startsWith("REQUIREMENT_REFERRER: ") && child?.name === "failure").length,
  ).toBeGreaterThan(0);
});

test("the summary goes to standard error, and nowhere with --quiet", async () => {
  const path = join(FIXTURES, "layouts/oras");
  expect((await run("verify", path, "--format", "sarif")).stderr).toContain("6 manifests, 13 blobs");
  expect((await run("verify", path, "--format", "sarif", "--quiet")).stderr).toBe("");
  expect(await run("verify", path, "--format", "sarif", "--json")).toMatchObject({ code: 2 });
});

test("what cannot be read as a layout is a report as well", async () => {
  const dir = new LayoutBuilder().write("{");
  const { results } = sarif((await run("verify", dir, "--format", "sarif")).stdout);
  expect(results.map((r) => r.ruleId)).toEqual(["UNREADABLE"]);
  expect(junit((await run("verify", dir, "--format", "junit")).stdout).get("UNREADABLE: index.json")?.name).toBe("failure");
});

const HOSTILE = "]]><script>&\u001b[2J\"'\u0000\uFFFE\u202E\n%0A $(id)";

test("text from a layout breaks neither format", () => {
  const issue = {
    rule: "BLOB_MISSING",
    severity: "error",
    message: HOSTILE,
    file: `blobs/${HOSTILE}`,
    path: HOSTILE,
    digest: HOSTILE,
    fix: HOSTILE,
  } as const;
  const report: Report = {
    command: "verify",
    target: HOSTILE,
    kind: "directory",
    version: "1.0.0",
    rules: [{ id: "BLOB_MISSING", severity: "error", meaning: "missing", fix: "", page: "findings" }],
    issues: [issue, { ...issue, severity: "info" }],
    checks: [
      { name: HOSTILE, outcome: "failed", message: HOSTILE },
      { name: `${HOSTILE}2`, outcome: "skipped", message: HOSTILE },
    ],
  };
  for (const kind of ["directory", "archive", "registry"] as const) sarif(JSON.stringify(sarifLog({ ...report, kind })));
  const text = renderReport(report, "junit");
  expect([...text].filter((c) => c !== "\n" && /[\p{Cc}\p{Cf}\uFFFE]/u.test(c))).toEqual([]);
  expect(xml(text).children[0]!.attributes["name"]).toContain("<script>&");
});

test("a repository: older clients are shown, current ones are judged", () => {
  const client = { title: "t", found: 1, total: 2, missing: [] };
  const digest = `sha256:${"a".repeat(64)}`;
  const problem = { code: "NOT_STORED", subject: digest, referrer: digest, message: "gone", fix: "push it again" } as const;
  const diagnosis = { layout: "docker://r.example/a", referrersApi: true, healthy: false, referrers: 2 };
  const clients = [
    { ...client, id: "referrers" },
    { ...client, id: "cosign-tags", title: "old" },
  ] as const;
  const report = repositoryReport({ ...diagnosis, clients, problems: [problem] } as never, {
    target: "docker://r.example/a",
    kind: "registry",
    version: "1.0.0",
  });
  const { results } = sarif(renderReport(report, "sarif"));
  expect(results[0]!.locations[0].physicalLocation.artifactLocation.uri).toBe("docker://r.example/a");
  const cases = junit(renderReport(report, "junit"));
  expect([...cases.values()].map((c) => c?.name)).toEqual(["failure", "skipped", "failure", undefined, undefined, undefined]);
});

describe("--report", () => {
  test.each(["verify", "doctor"])("%s writes what --format prints, from one run", async (name) => {
    const layout = copyOf("layouts/oras");
    const files = ["r.sarif", "r.xml", "r.json"].map((file) => join(layout, "..", `${name}-${file}`));
    const { stdout, code } = await run(name, layout, ...files.flatMap((file) => ["--report", file]));
    expect(stdout).toBe((await run(name, layout)).stdout);
    for (const [i, format] of ["sarif", "junit", "json"].entries()) {
      const printed = await run(name, layout, "--format", format);
      expect(readFileSync(files[i]!, "utf8")).toBe(printed.stdout);
      expect(printed.code).toBe(code);
    }
    // Older reports are replaced.
    for (const file of files) expect((await run(name, layout, "--report", file)).code).toBe(code);
  });

  test("a report that cannot be written fails before anything is checked, and replaces no other file", async () => {
    const layout = copyOf("layouts/oras");
    const index = readFileSync(join(layout, "index.json"), "utf8");
    expect(await run("verify", layout, "--report", "report.txt")).toMatchObject({ code: 2, stdout: "" });
    expect(await run("verify", layout, "--report", join(layout, "none/r.sarif"))).toMatchObject({ code: 3, stdout: "" });
    expect(await run("verify", layout, "--report", join(layout, "index.json"))).toMatchObject({ code: 6, stdout: "" });
    expect(readFileSync(join(layout, "index.json"), "utf8")).toBe(index);
    for (const [name, text] of [
      ["pom.xml", '<?xml version="1.0"?><project/>'],
      ["notes.sarif", "notes"],
      ["other.sarif", '{"version":1}'],
      ["package.json", '{"name":"x"}'],
    ] as const) {
      const path = join(layout, "..", name);
      writeFileSync(path, text);
      const refused = await run("doctor", layout, "--report", path);
      expect(refused, name).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("only an older report is replaced") });
      expect(readFileSync(path, "utf8")).toBe(text);
    }
  });

  test("nothing is written where there is no layout", async () => {
    const layout = copyOf("layouts/oras");
    const file = join(layout, "../none.sarif");
    for (const name of ["verify", "doctor"]) expect(await run(name, join(layout, "none"), "--report", file)).toMatchObject({ code: 3 });
    expect(existsSync(file)).toBe(false);
  });
});
