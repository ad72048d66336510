import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { escapeJson, renderJson } from "../src/render/json.js";
import { printable } from "../src/render/printable.js";
import { commandLine, shellQuote } from "../src/render/shell-quote.js";
import { LayoutBuilder, run, runIn, tempDir } from "./helpers.js";

/** One of each kind: C0, DEL, C1, reordering, zero width, tag character, separators, variation selector, soft hyphen, filler. */
const HOSTILE = [
  "\u0007",
  "\u001b",
  "\u007f",
  "\u009b",
  "\u202e",
  "\u2066",
  "\u200b",
  "\u200d",
  "\u{e0041}",
  "\u2028",
  "\u2029",
  "\ufeff",
  "\ufe0f",
  "\u00ad",
  "\u3164",
  "\u061c",
];
const TEXT = `v${HOSTILE.join("x")}1`;

/** What a terminal could act on, or hide, in raw output. */
function rawIn(text: string): string[] {
  return [...text].filter((c) => c !== "\n" && /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(c));
}

function hostileLayout(): { dir: string; digest: string } {
  const builder = new LayoutBuilder();
  const image = builder.manifest({ artifactType: "test/app" }, builder.tagged(TEXT));
  const index = builder.index([{ ...image, platform: { os: `linux${TEXT}`, architecture: "amd64" } }], builder.tagged(`i${TEXT}`));
  builder.manifest({ artifactType: `test/${TEXT}`, subject: image, annotations: { [TEXT]: TEXT } }, { artifactType: `test/${TEXT}` });
  builder.artifact(image, "test/files", [`file-${TEXT}.txt`]);
  builder.manifest({ subject: { ...image, digest: index.digest, size: 1 } }, { annotations: { [TEXT]: TEXT } });
  return { dir: builder.write(), digest: image.digest };
}

describe("nothing from a layout reaches a terminal raw", () => {
  const commands: [string, (dir: string, digest: string) => string[]][] = [
    ["ls", (dir) => ["ls", dir]],
    ["ls --verbose", (dir) => ["ls", dir, "--verbose"]],
    ["ls --format tree", (dir) => ["ls", dir, "--format", "tree"]],
    ["ls --fields", (dir) => ["ls", dir, "--fields", "image,tags,platform"]],
    ["ls --json", (dir) => ["ls", dir, "--json"]],
    ["referrers", (dir, d) => ["referrers", `${dir}@${d}`, "-r"]],
    ["referrers --format table", (dir, d) => ["referrers", `${dir}@${d}`, "--format", "table"]],
    ["referrers --fields", (dir, d) => ["referrers", `${dir}@${d}`, "--fields", "type,digest"]],
    ["referrers --json", (dir, d) => ["referrers", `${dir}@${d}`, "--json"]],
    ["referrers -r --json", (dir, d) => ["referrers", `${dir}@${d}`, "-r", "--json"]],
    ["a tag that is not there", (dir) => ["cat", `${dir}:nothing`]],
    ["a hostile tag that is not there", (dir) => ["cat", `${dir}:no${TEXT}`]],
    ["the same in JSON", (dir) => ["referrers", `${dir}:no${TEXT}`, "--json"]],
    ["an ambiguous path", (dir) => ["cat", dir]],
    ["an unknown option", (dir) => ["ls", dir, `--no${TEXT}`]],
    ["an unknown command", () => [`ls${TEXT}`]],
    ["verify", (dir) => ["verify", dir]],
    ["verify --json", (dir) => ["verify", dir, "--json"]],
    ["doctor", (dir) => ["doctor", dir]],
    ["doctor --json", (dir) => ["doctor", dir, "--json"]],
    ["convert --dry-run", (dir) => ["convert", dir, "--to", "universal", "--dry-run"]],
    ["convert --json", (dir) => ["convert", dir, "--to", "universal", "--dry-run", "--json"]],
    ["copy", (dir, d) => ["copy", `${dir}@${d}`, join(dir, "../out")]],
    ["copy --all --json", (dir) => ["copy", "--all", dir, join(dir, "../out"), "--json"]],
    ["tag", (dir, d) => ["tag", `${dir}@${d}`, "fine"]],
    ["tag with a hostile name", (dir, d) => ["tag", `${dir}@${d}`, TEXT]],
    ["untag", (dir) => ["untag", `${dir}:${TEXT}`]],
    ["extract", (dir, d) => ["extract", `${dir}@${d}`, "--artifact-type", "test/files", "--output", join(dir, "../files")]],
    ["extract of a type that is not there", (dir, d) => ["extract", `${dir}@${d}`, "--artifact-type", `x${TEXT}`, "--output", "x"]],
    ["gc", (dir) => ["gc", dir, "--dry-run"]],
    ["repair", (dir) => ["repair", dir, "--dry-run"]],
    ["lift", (dir) => ["lift", dir, "--dry-run"]],
    ["receipt", (dir) => ["receipt", dir]],
    ["receipt --json", (dir) => ["receipt", dir, "--json"]],
    ["view", (dir) => ["view", dir]],
  ];
  test.each(commands)("%s", async (_name, argv) => {
    const { dir, digest } = hostileLayout();
    for (const env of [{}, { OCILOT_LOG_FORMAT: "json" }]) {
      const { stdout, stderr } = await runIn({ env }, ...argv(dir, digest));
      expect(rawIn(argv.toString().includes("--fields") ? stdout.replaceAll("\t", "") : stdout), stdout).toEqual([]);
      expect(rawIn(stderr), stderr).toEqual([]);
    }
  });

  test("in JSON the value is unchanged", async () => {
    const { dir, digest } = hostileLayout();
    const { images } = JSON.parse((await run("ls", dir, "--json")).stdout) as { images: { tags: string[] }[] };
    expect(images.flatMap((i) => i.tags)).toContain(TEXT);
    const { manifests } = JSON.parse((await run("referrers", `${dir}@${digest}`, "--json")).stdout) as {
      manifests: { artifactType: string; annotations?: object }[];
    };
    expect(manifests).toContainEqual(expect.objectContaining({ artifactType: `test/${TEXT}`, annotations: { [TEXT]: TEXT } }));
  });

  test("a receipt that was printed is the receipt that is written to a file", async () => {
    const { dir } = hostileLayout();
    const [printed, file] = [join(dir, "../printed.json"), join(dir, "../file.json")];
    writeFileSync(printed, (await run("receipt", dir)).stdout);
    await run("receipt", dir, "--output", file);
    expect((JSON.parse(readFileSync(printed, "utf8")) as { roots: { tag?: string }[] }).roots.map((r) => r.tag)).toContain(TEXT);
    expect(await run("receipt", "diff", printed, file)).toMatchObject({ code: 0 });
  });

  test("every character of Unicode is passed on as it is or escaped", () => {
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const c = String.fromCodePoint(code);
      if (rawIn(c).length === 0 && c !== "\n") continue;
      expect(rawIn(printable(c)), code.toString(16)).toEqual([]);
      const json = renderJson(c, 0);
      expect(rawIn(json), code.toString(16)).toEqual([]);
      expect(JSON.parse(json)).toBe(c);
    }
    expect(printable("ok ünïcödé 漢字 🙂")).toBe("ok ünïcödé 漢字 🙂");
    expect(escapeJson('{\n  "a": "b"\n}')).toBe('{\n  "a": "b"\n}');
  });
});

describe("a command that is suggested can be pasted", () => {
  const words = [
    "plain",
    "with space",
    "it's",
    "$HOME",
    "`id`",
    "a;b",
    "*",
    "-x",
    "ü",
    "",
    "tab\there",
    "new\nline",
    "esc\u001b[0m",
    "\u202e",
    'q"q',
    "back\\slash",
    "!x",
    "~",
  ];

  test.each(words)("%j", (word) => {
    const quoted = shellQuote(word);
    expect(rawIn(quoted)).toEqual([]);
    expect(quoted).not.toContain("\n");
    expect(execFileSync("bash", ["-c", `printf %s ${quoted}`], { encoding: "utf8" })).toBe(word);
  });

  test("a hint quotes the path of the layout", async () => {
    const dir = join(tempDir(), "it's a $(layout)");
    await run("init", dir);
    const builder = new LayoutBuilder();
    builder.manifest({}, builder.tagged("v1"));
    await run("copy", "--all", builder.write(), `${dir}.tar`);
    const { stderr } = await run("gc", `${dir}.tar`);
    const hint = /hint: Copy it to a directory first: (.*)$/m.exec(stderr)![1]!;
    expect(execFileSync("bash", ["-c", `printf '%s\\n' ${hint}`], { encoding: "utf8" }).split("\n")[3]).toBe(`${dir}.tar`);
    expect(commandLine("ocilot", "cat", "a b")).toBe("ocilot cat 'a b'");
  });
});
