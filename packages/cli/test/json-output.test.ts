import { rmSync } from "node:fs";
import { join } from "node:path";
import { CONVENTIONS, FINDINGS, STATEMENT_FORMATS, STATEMENT_KINDS, TOOLS, TRAP_CODES, WRAPPINGS } from "@ocilot/referrers";
import { basicAuthorize, startTestRegistry } from "@ocilot/testkit";
import { expect, onTestFinished, test } from "vitest";
import { listCommands } from "../src/command-line/command-list.js";
import { FIXTURES, copyOf, run, runIn, tempDir } from "./helpers.js";
import { SCHEMAS, schemaErrors } from "./json-schemas.js";

const ORAS = join(FIXTURES, "layouts/oras");
const SBOM = "sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca";

/** Calls whose documents show every form that a command prints; LAYOUT is a copy that a call may write to. */
const CALLS: Readonly<Record<string, () => string[][] | Promise<string[][]>>> = {
  attach: () => [["LAYOUT:v1", join(FIXTURES, "SHA256SUMS"), "--artifact-type", "a/b"]],
  bundle: () => [
    ["LAYOUT", "--output", "DIR/b.tar", "--receipt", "DIR/r.json"],
    ["LAYOUT", "--plan"],
  ],
  convert: () => [
    ["LAYOUT", "--to", "universal", "--dry-run"],
    ["LAYOUT", "--to", "universal"],
  ],
  copy: () => [
    ["LAYOUT:v1", "DIR/out"],
    ["LAYOUT:v1", "DIR/one", "--platform", "linux/amd64", "--rewrite-index"],
    ["--all", "LAYOUT", "DIR/all.tar"],
  ],
  detach: () => [[`LAYOUT@${SBOM}`, "--recursive"]],
  doctor: async () => {
    const registry = await startTestRegistry();
    onTestFinished(async () => await registry.close());
    const reference = `docker://${registry.host}/app:v1`;
    await run("copy", `${ORAS}:v1`, reference);
    return [["LAYOUT"], [join(FIXTURES, "layouts/containerd-export.tar")], [reference]];
  },
  extract: () => [
    ["LAYOUT:v1", "--kind", "sbom", "--output", "DIR/a"],
    ["LAYOUT:v1", "--artifact-type", "application/spdx+json", "--output", "DIR/b"],
  ],
  gc: () => [
    ["LAYOUT", "--grace", "0s", "--dry-run"],
    ["LAYOUT", "--grace", "0s"],
  ],
  init: () => [["DIR/new"]],
  lift: () => [["LAYOUT"], [copyOf("layouts/cosign-tags")]],
  login: async () => {
    const registry = await startTestRegistry({ quirks: { authorize: basicAuthorize({ me: "secret" }) } });
    onTestFinished(async () => await registry.close());
    return [[registry.host, "--username", "me", "--password-stdin", "--authfile", "DIR/auth.json"]];
  },
  logout: () => [["registry.example", "--authfile", "DIR/none.json"]],
  ls: () => [["LAYOUT"], [join(FIXTURES, "edge/buildkit-multi-platform")]],
  receipt: () => [["LAYOUT"], ["LAYOUT", "--output", "DIR/r.json"]],
  referrers: () => [["LAYOUT:v1"], ["LAYOUT:v1", "--recursive"], [join(FIXTURES, "layouts/cosign-tags:v1")]],
  repair: () => {
    const broken = copyOf("layouts/oras");
    rmSync(join(broken, "blobs", SBOM.replace(":", "/")));
    return [[broken], [broken, "--from", ORAS, "--dry-run"], [broken, "--from", ORAS]];
  },
  tag: () => [["LAYOUT:v1", "one", "two"]],
  unbundle: async () => {
    const dir = tempDir();
    await run("bundle", ORAS, "--output", join(dir, "b.tar"));
    return [[join(dir, "b.tar"), "--into", "DIR/into", "--receipt", "DIR/far.json"]];
  },
  untag: () => [["LAYOUT:v1"]],
  verify: () => [
    ["LAYOUT"],
    ["LAYOUT", "--receipt", "DIR/r.json"],
    ["LAYOUT", "--require", "vex"],
    [join(FIXTURES, "edge/wrong-subject-size")],
  ],
};

const commands = await Promise.all((await listCommands()).map((entry) => entry.load()));
const printing = commands.filter((c) => "json" in c.options).map((c) => c.name);

test("every command with --json has a schema and a row here, and every schema a command", () => {
  expect([...SCHEMAS.keys()].filter((name) => name !== "common" && name !== "error").toSorted()).toEqual(printing.toSorted());
  expect(Object.keys(CALLS).toSorted()).toEqual(printing.toSorted());
});

test.each(printing)("%s prints what its schema says", async (name) => {
  const [dir, layout] = [tempDir(), copyOf("layouts/oras")];
  for (const call of await CALLS[name]!()) {
    const argv = call.map((arg) => arg.replace(/^LAYOUT/, layout).replace(/^DIR/, dir));
    const { stdout, stderr } = await runIn({ stdin: "secret", env: { HOME: dir } }, name, ...argv, "--json");
    expect(stdout, `${argv.join(" ")}: ${stderr}`).toMatch(/^\{/);
    expect(schemaErrors(name, stdout), argv.join(" ")).toBeUndefined();
  }
});

test("errors, notes and progress are of error.schema.json", async () => {
  const missing = await run("ls", join(tempDir(), "none"), "--json");
  expect(schemaErrors("error", missing.stderr)).toBeUndefined();
  const { stderr } = await runIn({}, "copy", "--all", ORAS, join(tempDir(), "out"), "--progress", "json", "--log-format", "json");
  const lines = stderr.trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(schemaErrors("error", line), line).toBeUndefined();
});

test("a schema refuses what is missing, unlisted or of another type", () => {
  expect(schemaErrors("untag", '{"tags":["v1"]}')).toBeUndefined();
  for (const text of ["{}", '{"tags":"v1"}', '{"tags":["v1"],"untagged":"v1"}']) expect(schemaErrors("untag", text)).toBeDefined();
});

test("the enumerations are those of the code", () => {
  const { kind, format, wrapping, convention, tool, finding } = SCHEMAS.get("common")!["$defs"] as Record<string, any>;
  expect([kind.enum, format.enum]).toEqual([STATEMENT_KINDS, STATEMENT_FORMATS]);
  expect(wrapping.enum.toSorted()).toEqual(WRAPPINGS.map((w) => w.id).toSorted());
  expect(convention.anyOf[0].enum.toSorted()).toEqual(CONVENTIONS.map((c) => c.id).toSorted());
  expect(tool.enum).toEqual(TOOLS.map((t) => t.id));
  expect(finding.properties.code.enum).toEqual(Object.keys(FINDINGS));
  expect((SCHEMAS.get("doctor") as any).oneOf[0].properties.traps.items.properties.code.enum).toEqual(TRAP_CODES);
});
