import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { startTestRegistry } from "@ocilot/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listCommands } from "../src/command-line/command-list.js";
import { completionScript } from "../src/completion/scripts.js";
import { shellWords } from "../src/completion/shell-words.js";
import { BUILT_CLI, buildCli } from "./built-cli.js";
import { FIXTURES, LayoutBuilder, run, tempDir } from "./helpers.js";

const IMAGE = "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8";
const has = (program: string): boolean => spawnSync(program, ["-c", "exit"]).status === 0;

let home: string;
let env: NodeJS.ProcessEnv;

/** A home with `ocilot` on the path, and a directory with a layout and a file to complete. */
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "ocilot-completion-"));
  buildCli();
  mkdirSync(join(home, "bin"));
  writeFileSync(join(home, "bin/ocilot"), `#!/bin/sh\nexec ${process.execPath} ${BUILT_CLI} "$@"\n`);
  chmodSync(join(home, "bin/ocilot"), 0o755);
  cpSync(join(FIXTURES, "layouts/oras"), join(home, "work/layout"), { recursive: true });
  cpSync(join(FIXTURES, "layouts/oras"), join(home, "work/with space"), { recursive: true });
  writeFileSync(join(home, "work/sbom.json"), "{}");
  env = { ...process.env, HOME: home, PATH: `${join(home, "bin")}:${process.env["PATH"]}`, LC_ALL: "C.UTF-8", TERM: "dumb" };
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** What a shell offers for a line; the last word is replaced by each answer as the shell would do it. */
type Shell = (line: string) => string[];

const bash: Shell = (line) => {
  const script = `source <(ocilot completion bash)
    COMP_LINE=$1; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=($COMP_LINE); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
    set -eu -o pipefail; _ocilot; printf '%s\\n' "\${COMPREPLY[@]:-}"`;
  const printed = execFileSync("bash", ["--norc", "-c", script, "bash", line], { env, cwd: join(home, "work"), encoding: "utf8" });
  return printed.split("\n").filter((text) => text !== "");
};

const fish: Shell = (line) => {
  const script = `ocilot completion fish | source; complete -C ${JSON.stringify(line)}`;
  const printed = execFileSync("fish", ["--no-config", "-c", script], { env, cwd: join(home, "work"), encoding: "utf8" });
  return printed.split("\n").flatMap((text) => text.split("\t")[0] || []);
};

/** Types the line into an interactive zsh, asks for the list of completions, and reads what is shown. */
const zsh: Shell = (line) => {
  const script = `zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z "PS1=; stty -echo; autoload -Uz compinit; compinit -u -d $HOME/zcompdump; source <(ocilot completion zsh)"
    zpty -w z "zstyle ':completion:*' list-colors ''; LISTMAX=10000; setopt no_beep no_auto_menu"
    zpty -w z "compadd() { builtin compadd -O found \\"\\$@\\"; local -a args; args=(\\"\\$@\\"); print -rl -- \\"<\\$^found>\\" >> $HOME/found; builtin compadd \\"\\$@\\" }"
    zpty -w z "zle-line-init() { print -n 'REA''DY' }; zle -N zle-line-init"
    zpty -r -m z text '*READY*'
    zpty -n -w z "$1"$'\\t'
    zpty -n -w z $'\\x15'"echo DO''NE"$'\\n'
    zpty -r -m z text '*DONE*'
    zpty -d z`;
  rmSync(join(home, "found"), { force: true });
  writeFileSync(join(home, "found"), "");
  execFileSync("zsh", ["-f", "-c", script, "zsh", line], { env, cwd: join(home, "work"), encoding: "utf8" });
  const found = execFileSync("cat", [join(home, "found")], { encoding: "utf8" });
  return [...new Set([...found.matchAll(/<(.*)>/g)].flatMap((match) => match[1]!.split(" ")))].filter((text) => text !== "");
};

const CASES: [line: string, offered: string[], notOffered: string[]][] = [
  ["ocilot ", ["ls", "copy", "verify", "completion"], ["cp", "--json"]],
  ["ocilot co", ["convert", "copy"], ["ls"]],
  ["ocilot ls --", ["--scan", "--json", "--quiet", "--help"], ["--output"]],
  ["ocilot convert layout --to ", ["universal", "oras", "buildkit"], ["unlisted"]],
  ["ocilot referrers layout:v1 --format ", ["table", "tree", "json"], []],
  ["ocilot -q ls --json --", ["--scan"], ["--json"]],
  ["ocilot doctor layout --for oras,", ["oras,regctl"], ["oras,oras"]],
  ["ocilot completion ", ["bash", "zsh", "fish"], []],
];

describe.each<[string, Shell, (word: string, value: string) => string]>([
  // bash puts an answer in the place of what follows the last colon or at sign.
  ["bash", bash, (word, value) => value.slice(Math.max(word.lastIndexOf(":"), word.lastIndexOf("@"), word.lastIndexOf("=")) + 1)],
  ["zsh", zsh, (_word, value) => value],
  ["fish", fish, (_word, value) => value],
])("%s", (name, shell, piece) => {
  describe.skipIf(!has(name))("on this machine", () => {
    test.each(CASES)("completes %j", (line, offered, notOffered) => {
      const found = shell(line);
      const word = line.split(" ").at(-1)!;
      expect(found).toEqual(expect.arrayContaining(offered.map((value) => piece(word, value))));
      for (const value of notOffered) expect(found).not.toContain(piece(word, value));
    });

    test.each([
      ["./layout:", ["./layout:v1", "./layout:docker.io/library/hello:v1"]],
      ["layout:v", ["layout:v1"]],
      ["layout@sha256:002f", [`layout@${IMAGE}`]],
      ["oci:layout:", ["oci:layout:v1"]],
    ])("completes tags and digests in %s", (word, values) => {
      expect(shell(`ocilot copy ${word}`)).toEqual(expect.arrayContaining(values.map((value) => piece(word, value))));
    });

    test("completes the platforms of the layout that was named", () => {
      expect(shell("ocilot attach layout:v1 -p ").toSorted()).toEqual(["linux/amd64", "linux/arm64"]);
    });

    test("offers nothing and fails nothing where there is nothing", () => {
      for (const line of ["ocilot nonsense ", "ocilot copy nowhere:", "ocilot ls layout extra ", "ocilot cat 'layout", 'ocilot cat "lay\\'])
        expect(shell(line).filter((text) => /v1|sha256/.test(text))).toEqual([]);
    });
  });
});

/**
 * Types each text into one interactive zsh as a person does, and clears the line after it.
 * @returns the line that zsh then held, and what it printed meanwhile
 */
function typed(texts: readonly string[]): { line: string; printed: string }[] {
  const script = `zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z "PS1=; stty -echo columns 200; autoload -Uz compinit; compinit -u -d $HOME/zcompdump; source <(ocilot completion zsh)"
    zpty -w z "setopt no_beep; bindkey -e"
    zpty -w z "keep() { print -rn -- \\"\\$BUFFER\\" > $HOME/line; BUFFER=; print -n 'DO''NE' }; zle -N keep; bindkey '^X^B' keep"
    zpty -w z "zle-line-init() { print -n 'REA''DY' }; zle -N zle-line-init"
    zpty -r -m z text '*READY*'
    for keys in "$@"; do
      zpty -n -w z "$keys"$'\\x18\\x02'
      zpty -r -m z text '*DONE*'
      print -rn -- "$(<$HOME/line)"$'\\x1f'"$text"$'\\x1e'
    done
    zpty -d z`;
  const found = execFileSync("zsh", ["-f", "-c", script, "zsh", ...texts], { env, cwd: join(home, "work"), encoding: "utf8" });
  return found
    .split("\u001e")
    .slice(0, -1)
    .map((text) => {
      const [line = "", printed = ""] = text.split("\u001f");
      return { line, printed };
    });
}

describe.skipIf(!has("zsh"))("a line that is typed in zsh", () => {
  const LINES: [text: string, line: string][] = [
    ["ocilot convert layout --to=un\t", "ocilot convert layout --to=universal"],
    ["ocilot convert layout --to un\t", "ocilot convert layout --to universal"],
    ["ocilot referrers layout:v1 --kind sb\t", "ocilot referrers layout:v1 --kind sbom"],
    ["ocilot ls layout --fields digest,k\t", "ocilot ls layout --fields digest,kinds"],
    ["ocilot verify layo\t", "ocilot verify layout"],
    ["ocilot verify with\t", "ocilot verify with\\ space"],
    ["ocilot attach layout:v1 sbo\t", "ocilot attach layout:v1 sbom.json"],
    ["ocilot copy ./layout:v\t", "ocilot copy ./layout:v1"],
    ["ocilot copy layout@sha256:002f\t", `ocilot copy layout@${IMAGE}`],
    ["ocilot conv\t", "ocilot convert"],
    ["ocilot convert layout --to \t\t", "ocilot convert layout --to buildkit"],
    ["ocilot copy ./layout:\t", "ocilot copy ./layout:"],
  ];

  test("holds the completion and nothing else, and no message is printed", () => {
    const found = typed(LINES.map(([text]) => text));
    expect(found.map(({ line }) => line.trimEnd())).toEqual(LINES.map(([, line]) => line));
    for (const [i, { line, printed }] of found.entries()) {
      expect(printed).not.toMatch(/_ocilot|_files|_describe|zparseopts|compadd|error/);
      // What is typed and what is completed stand in one line; only a list of several candidates takes more.
      if (!LINES[i]![0].endsWith("\t\t") && !line.endsWith(":")) expect(printed).not.toContain("\n");
    }
  });
});

describe.skipIf(!has("fish"))("an open quote in fish", () => {
  test.each([
    ["ocilot copy 'layout:v", ["layout:v1"]],
    ['ocilot copy "./layout:v', ["./layout:v1"]],
    ["ocilot copy 'with space:v", ["with space:v1"]],
    ["ocilot copy 'with s", ["with space/"]],
    ["ocilot convert layout --to 'un", ["universal"]],
    ["ocilot referrers layout:v1 --format 't", ["table", "tree"]],
  ])("%s", (line, offered) => {
    expect(fish(line).toSorted()).toEqual(offered);
  });
});

describe("an answer", () => {
  const ask = async (...words: string[]): Promise<string[]> => (await run("__complete", "zsh", ...words)).stdout.trimEnd().split("\n");

  test("offers every command, and of every command every option", async () => {
    const commands = await listCommands();
    expect(
      (await ask(""))
        .slice(1)
        .map((line) => line.split("\t")[0])
        .toSorted(),
    ).toEqual(commands.map((c) => c.name).toSorted());
    for (const { name, load } of commands) {
      const offered = (await ask(name, "--")).map((line) => line.split("\t")[0]);
      expect(offered).toEqual(expect.arrayContaining(Object.keys((await load()).options).map((option) => `--${option}`)));
    }
  });

  test("says whether the shell adds files or directories", async () => {
    expect(await ask("copy", "")).toEqual(["files open"]);
    expect(await ask("attach", "layout:v1", "")).toEqual(["files"]);
    expect(await ask("init", "")).toEqual(["directories"]);
    expect(await ask("gc", "x", "--grace", "")).toEqual(["none"]);
    expect(await ask("convert", "x", "-o", "")).toEqual(["directories"]);
    expect(await ask("ls", "--", "--")).toEqual(["files"]);
  });

  test("values behind an equals sign", async () => {
    expect(await ask("referrers", "x", "--format=t")).toEqual(["none", "--format=table", "--format=tree"]);
  });

  test("holds nothing from a layout that a shell could act on, and survives what cannot be read", async () => {
    const builder = new LayoutBuilder();
    for (const tag of ["fine", "$(touch x)", "a b", "`id`", "a;b", "\u001b[2J", "-rf", "x\ty", "x\ny", "ü", `sha256-${"a".repeat(64)}`])
      builder.manifest({ artifactType: "a/b" }, builder.tagged(tag));
    const dir = builder.write();
    expect(await ask("cat", `${dir}:`)).toEqual(["none", expect.stringMatching(/:fine\tsha256:[0-9a-f]{12}$/)]);
    for (const text of ["", "{", "[]", '{"manifests":{}}', '{"manifests":[null,1,{"digest":7,"annotations":[]}]}', "x".repeat(5_000_000)]) {
      builder.write(text);
      expect(await ask("cat", `${dir}:`)).toEqual(["none"]);
      expect((await ask("cat", `${dir}:`, "-p", ""))[0]).toBe("none");
    }
    for (const argv of [[], ["zsh"], ["bash"], ["bash", "ocilot '"], ["zsh", "\0"], ["fish", "--", "--"]])
      expect(await run("__complete", ...argv)).toMatchObject({ code: 0, stderr: "" });
  });

  test.each(["oras-backup.tar", "containerd-export.tar", "regctl-export.tar"])("looks into %s, fast and within bounds", async (name) => {
    const path = join(FIXTURES, "layouts", name);
    const expected = JSON.parse((await run("ls", path, "--json")).stdout) as { images: { tags: string[]; digest: string }[] };
    const tags = expected.images.flatMap((image) => image.tags);
    const offered = async (word: string): Promise<string[]> => (await ask("cat", word)).slice(1).map((line) => line.split("\t")[0]!);
    expect(await offered(`${path}:`)).toEqual(expect.arrayContaining(tags.map((tag) => `${path}:${tag}`)));
    expect(await offered(`oci-archive:${path}@`)).toContain(`oci-archive:${path}@${expected.images[0]!.digest}`);
  });

  test("a tar that is cut, hostile, compressed or none offers nothing", async () => {
    const dir = tempDir();
    const whole = readFileSync(join(FIXTURES, "layouts/oras-backup.tar"));
    const lying = Buffer.from(whole);
    lying.write("77777777777", 124);
    const endless = Buffer.from(whole.subarray(0, 512));
    for (const [i, bytes] of [whole.subarray(0, 600), lying, endless, gzipSync(whole), Buffer.alloc(0), Buffer.alloc(100_000)].entries()) {
      writeFileSync(join(dir, `${i}.tar`), bytes);
      for (const word of [`${dir}/${i}.tar:`, `${dir}/${i}.tar@`]) expect((await ask("cat", word)).slice(1)).toEqual([]);
    }
  });

  test("nothing is asked of a registry", async () => {
    const registry = await startTestRegistry();
    await run("copy", join(FIXTURES, "layouts/oras:v1"), `docker://${registry.host}/app:v1`);
    const before = registry.log.size;
    for (const words of [
      ["copy", `docker://${registry.host}/app:`],
      ["attach", `docker://${registry.host}/app:v1`, "-p", ""],
    ])
      await ask(...words);
    expect(registry.log.size).toBe(before);
    await registry.close();
  });

  test("PowerShell: each word ends with a dot, and the script asks so", async () => {
    const asked = async (...words: string[]): Promise<string[]> => {
      const { stdout } = await run("__complete", "powershell", ...words.map((word) => `${word}.`));
      return stdout.trimEnd().split("\n");
    };
    for (const words of [[""], ["co"], ["ls", "--"], ["convert", "x", "--to", ""], ["copy", join(FIXTURES, "layouts/oras:")]])
      expect(await asked(...words)).toEqual(await ask(...words));
    const script = completionScript("powershell");
    expect(script).toContain("Register-ArgumentCompleter -Native -CommandName ocilot");
    expect(script).toMatch(/__complete powershell .*"\$_\."/);
    expect(script).toContain('$value, $describe = $_ -split "`t", 2');
    // Brackets, and quotes outside of one another, are closed.
    const code = script.replaceAll(/#.*$/gm, "").replaceAll(/'[^'\n]*'|"[^"\n]*"/g, "");
    for (const [open, close] of ["{}", "()", "[]"]) expect(code.split(open!).length).toBe(code.split(close!).length);
  });

  test("shell words", () => {
    expect(shellWords('a \'b c\' "d\\"e" f\\ g h')).toEqual({ words: ["a", "b c", 'd"e', "f g", "h"], raw: "h" });
    expect(shellWords("x; ocilot ls ")).toEqual({ words: ["ocilot", "ls", ""], raw: "" });
    expect(shellWords("ocilot cat 'a b")).toEqual({ words: ["ocilot", "cat", "a b"] });
  });
});
