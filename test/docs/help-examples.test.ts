import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { digestOf } from "@ocilot/layout";
import { type TestRegistry, makeCertificates } from "@ocilot/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCli } from "../../packages/cli/test/built-cli.js";
import { ROOT } from "./blocks.js";
import { type Scene, changesBetween, repositoriesOf, sceneOf, sceneOfRegistries } from "./outcome.js";
import { type Printed, Shell } from "./shell.js";

/** The examples of every command, as help, manual pages and docs/cli.md show them. */
const EXAMPLES = [...readFileSync(join(ROOT, "docs/cli.md"), "utf8").matchAll(/^(ocilot .*?) # (.*)$/gm)].map((m): [string, string] => [
  m[1]!,
  m[2]!,
]);

/**
 * What each example prints and changes. Read the difference when it changes: is that what the words beside the example say?
 * `OCILOT_UPDATE=1 npx vitest run test/docs/help-examples.test.ts` writes it.
 */
const TRANSCRIPT = join(ROOT, "test/docs/help-examples.txt");
const IS_UPDATE = process.env["OCILOT_UPDATE"] === "1";

const IMAGE = "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8";
const AMD64 = "sha256:cc14ed4494dc5b54f4422bb110157a230722aa62928e49cc05816049dc9e3b5d";
const ARM64 = "sha256:d1603cd873e065fb4ed5d7bcb85281220f086290f590e3a44e6dcb3c7003cb46";
/** An SBOM of the image that has a signature, and one of linux/amd64 that has none. */
const SIGNED_SBOM = "sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca";
const PLAIN_SBOM = "sha256:67e944231920e45ac41339ffb6dfcb92b12c33aa5e7497c3ba12eb0b53a6cad7";
/** What the second holds. */
const PLAIN_LAYER = "sha256:f6e88e754c76fe640279db723f6612d3ad6f2726f5c7093c4d340308b68fc53c";
/** A layer of linux/amd64. */
const LAYER = "sha256:0998be76c48bfa0bd859ab8a1d06b0b1a17d64a8353f93e96fc3525038a49cc0";

/** Digests that examples shorten. */
const DIGESTS: Readonly<Record<string, string>> = { "sha256:4e1f…": SIGNED_SBOM, "sha256:b238…": SIGNED_SBOM, "sha256:002f…": IMAGE };
/** Of examples in which a shortened digest is another one. */
const OWN_DIGESTS: Readonly<Record<string, string>> = {
  "ocilot cat ./layout@sha256:4e1f… > layer.tar.gz": LAYER,
  "ocilot detach ./layout@sha256:b238…": PLAIN_SBOM,
};
const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, "packages/cli/package.json"), "utf8")) as { version: string };
const blob = (digest: string): string => `layout/blobs/${digest.replace(":", "/")}`;
/** An index without the entries that a jq filter selects. */
const without = (filter: string): string => `jq -c 'del(.manifests[] | select(${filter}))' layout/index.json > i && mv i layout/index.json`;
const OTHER_LAYOUT = (fixture: string): string => `rm -r layout && cp -r "$FIXTURES/${fixture}" layout && chmod -R u+w layout`;
/** What gc keeps for a while because it is new is old. */
const AGED = "find layout -type f -exec touch -t 202601010000 {} +";

/** What has to be done first, so that there is something to do for the example. */
const BEFORE: Readonly<Record<string, string>> = {
  "ocilot bundle docker://registry.example/app:v1 --output app.tar": "rm app.tar",
  "ocilot bundle --list images.txt --output week2.tar --since far.json": "rm week2*",
  "ocilot convert ./layout --to universal,cosign-save": OTHER_LAYOUT("layouts/cosign-tags"),
  "ocilot copy --all ./layout bundle.tar": "rm bundle.tar",
  "ocilot gc ./layout --dry-run": `ocilot detach layout@${PLAIN_SBOM} && ocilot detach layout@${SIGNED_SBOM} --recursive && ${AGED} && touch ${blob(PLAIN_LAYER)}`,
  "ocilot gc ./layout": `ocilot detach layout@${PLAIN_SBOM} && ${AGED}`,
  "ocilot gc ./layout --prune-dangling --grace 0s": `${without(`.digest == "${IMAGE}"`)} && rm ${blob(IMAGE)}`,
  "ocilot init ./layout": "rm -r layout",
  "ocilot lift ./layout": OTHER_LAYOUT("layouts/cosign-tags"),
  "ocilot lift ./layout --from cosign-tags --dry-run": OTHER_LAYOUT("layouts/cosign-tags"),
  "ocilot lift ./layout --from legacy": OTHER_LAYOUT("edge/legacy-artifact-manifests"),
  "ocilot logout ghcr.io": "ocilot login ghcr.io --username me --password-stdin < token.txt",
  "ocilot referrers ./layout:v1 --kind signature,sbom": "ocilot attach layout:v1 image.sigstore.json",
  "ocilot repair ./layout --from ./backup --dry-run": `rm ${blob(LAYER)} && echo other > ${blob(AMD64)}`,
  "ocilot repair ./layout --from bundle.tar --from ./backup": `rm ${blob(LAYER)} && echo other > ${blob(AMD64)}`,
  "ocilot repair ./layout": without(`.digest == "${PLAIN_SBOM}"`),
  "ocilot tag ./layout@sha256:002f… v1": `ocilot untag layout:v1 && ocilot tag layout@${AMD64} v1`,
  "ocilot unbundle app.tar --into ./layout": "rm -r layout",
  "ocilot unbundle week2.part-002-of-003.tar --into ./layout": "rm -r layout",
  "ocilot verify docker://site.example/app --against far.json --allow-added --presence":
    "ocilot copy docker://registry.example/app:v1 docker://site.example/app:v1",
};

/** What is other for a user: 4 GB large, in the root directory, or at a port that others use. */
const PLACES: readonly (readonly [string, string])[] = [
  ["--split 4G", "--split 1M"],
  ["/mnt/", "mnt/"],
  [" --addr 0.0.0.0:443", ""],
];

/** A statement, as JSON in single quotes. */
const provenanceOf = (digest: string): string =>
  `'${JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "hello", digest: { sha256: digest.slice("sha256:".length) } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: { buildDefinition: { buildType: "https://example.org/build" } },
  })}'`;
const spdxOf = (name: string): string => `'${JSON.stringify({ spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT", name })}'`;
const SETUP = `
set -e
export HOME=$PWD
cp -r "$FIXTURES/layouts/oras" layout
chmod -R u+w layout
printf %s ${spdxOf("hello")} > sbom.spdx.json
printf '{}' > scan.json
printf '{"version":1}' > other-scan.json
echo secret > token.txt
printf %s ${spdxOf("hello for amd64")} > sbom.json
ocilot attach layout:v1 sbom.json --artifact-type application/spdx+json --platform linux/amd64
printf %s ${spdxOf("hello for arm64")} > sbom.json
ocilot attach layout:v1 sbom.json --artifact-type application/spdx+json --platform linux/arm64
printf %s ${provenanceOf(AMD64)} > provenance.json
ocilot attach layout:v1 provenance.json --platform linux/amd64
printf %s ${provenanceOf(ARM64)} > provenance.json
ocilot attach layout:v1 provenance.json --platform linux/arm64
ocilot receipt layout --output far.json
printf %s ${provenanceOf(IMAGE)} > provenance.json
ocilot attach layout:v1 provenance.json
ocilot receipt layout --output before.json
ocilot attach layout:v1 other-scan.json --artifact-type application/vnd.example.scan
seq 1 250000 > large.bin
ocilot attach layout:v1 large.bin --artifact-type application/vnd.example.large
ocilot extract "$FIXTURES/layouts/oras-cosign-bundle:v1" --kind signature --output bundle-files
cp bundle-files/* image.sigstore.json
rm -r bundle-files large.bin other-scan.json sbom.json provenance.json
ocilot cat layout@${SIGNED_SBOM} | jq -c '.annotations["org.example.copy"] = "true"' > signature-manifest.json
cp -r layout later
ocilot detach later@${PLAIN_SBOM}
ocilot tag later:v1 v2
ocilot receipt later --output after.json
rm -r later
cp -r layout backup
ocilot copy --all layout bundle.tar
for place in registry.example/app registry.example/tools registry.local/app registry.local/web; do ocilot copy layout:v1 docker://$place:v1; done
ocilot bundle docker://registry.example/app:v1 --output app.tar
ocilot bundle layout --output week2.tar --split 1M
echo docker://registry.example/app:v1 > images.txt
mkdir -p mnt images/team .zfunc .config/fish/completions .local/share/bash-completion/completions
cp app.tar mnt/
cp -r "$FIXTURES/layouts/oras" images/team/app
cp "$FIXTURES/layouts/skopeo-archive.tar" images/base.tar
echo '# of the user' > profile.ps1
printf '%s' "$CERTIFICATE" > cert.pem
printf '%s' "$KEY" > key.pem
echo "$ACCOUNT" > users
`;
/** What `htpasswd -nbB -C 4 x pw` gives. */
const ACCOUNT = "x:$2b$04$bgZvDpY.nLKm1im7hMnZn.WknoMM4lnyRA7WH1u./kXg37FfKYsLC";

const { cert, key, ca } = makeCertificates();
const recorded = new Map(
  readFileSync(TRANSCRIPT, "utf8")
    .split(/^(?=\$ ocilot )/m)
    .map((text) => [/^\$ (.*)/.exec(text)?.[1] ?? "", text.trimEnd()]),
);
const seen = new Map<string, string>();
let shell: Shell;
/** What the registries hold before an example. */
const prepared = new Map<string, Map<string, Stored>>();
type Stored = Pick<ReturnType<TestRegistry["repository"]>, "blobs" | "manifests" | "tags">;

beforeAll(async () => {
  buildCli();
  shell = new Shell({ PROFILE: "profile.ps1", SOURCE_DATE_EPOCH: "1767225600", CERTIFICATE: cert, KEY: key, ACCOUNT });
  const { code, text } = await shell.run(SETUP);
  expect(code, text).toBe(0);
  // Those that only examples name.
  await shell.named("site.example ghcr.io");
  for (const [host, registry] of shell.registries)
    prepared.set(host, new Map(repositoriesOf(registry).map((name) => [name, stored(registry.repository(name))])));
});
afterAll(async () => {
  await shell.close();
  if (IS_UPDATE) writeFileSync(TRANSCRIPT, `${EXAMPLES.map(([call]) => seen.get(call) ?? recorded.get(call) ?? "").join("\n\n")}\n`);
});

test("every command has an example, and nothing is kept for one that is gone", () => {
  const calls = EXAMPLES.map(([call]) => call);
  expect(new Set(calls.map((call) => call.split(" ")[1])).size).toBe(readdirSync(join(ROOT, "packages/cli/src/commands")).length);
  for (const call of [...Object.keys(BEFORE), ...Object.keys(OWN_DIGESTS)]) expect(calls).toContain(call);
  for (const [name] of [...Object.entries(DIGESTS), ...PLACES]) expect(calls.join("\n")).toContain(name);
  if (!IS_UPDATE) expect([...recorded.keys()]).toEqual(calls);
});

describe("an example of help ends as it says, prints and changes what it is recorded to", () => {
  test.each(EXAMPLES)("%s", async (call, words) => {
    const { code, transcript } = await run(call, words);
    expect(["0", /\bexit (\d+)\b/.exec(words)?.[1]], transcript).toContain(String(code));
    if (!IS_UPDATE) expect(transcript).toBe(recorded.get(call));
  });
});

/** Runs an example in a directory of its own, with everything that examples name. */
async function run(call: string, words: string): Promise<{ code: number; transcript: string }> {
  for (const [host, registry] of shell.registries)
    for (const name of repositoriesOf(registry)) restore(registry.repository(name), prepared.get(host)!.get(name));
  const here = "cd ../here && export HOME=$PWD";
  const ready = await shell.run(`rm -rf ../here && cp -r . ../here && ${here} && ${BEFORE[call] ?? ":"}`);
  expect(ready.code, ready.text).toBe(0);
  const digests = Object.entries({ ...DIGESTS, ...(OWN_DIGESTS[call] && { [/sha256:\w+…/.exec(call)![0]]: OWN_DIGESTS[call] }) });
  const placed = PLACES.reduce((text, [own, ours]) => text.replace(own, ours), call);
  const command = digests.reduce((text, [short, digest]) => text.replaceAll(short, digest), placed);
  const before = await scene();
  const ran = call.startsWith("ocilot serve ")
    ? await served(`${here} && exec ${command} --addr 127.0.0.1:0`)
    : call === "ocilot login ghcr.io"
      ? await typed(`${here} && ${command}`, [
          [/Username for .*: $/, "me"],
          [/Password of .*: $/, "secret"],
        ])
      : await shell.run(`${here} && { ${command}; }`);
  const changes = changesBetween(before, await scene());
  const known = new Set([...before.values()].flat().flatMap((line) => line.match(/sha256:[0-9a-f]{64}/g) ?? []));
  const lines = [`$ ${call}`, `# ${words}`, ...(ran.text === "" ? [] : [ran.text.trimEnd()]), ...changes, `exit ${ran.code}`];
  return { code: ran.code, transcript: record(call, lines.join("\n"), known) };
}

/** Keeps a transcript, without what is other at each run. */
function record(call: string, lines: string, known: ReadonlySet<string>): string {
  const text = shell
    .unnamed(lines)
    .replaceAll(join(shell.home, "here"), "/here")
    .replaceAll(VERSION, "VERSION")
    .replace(/(written to report.html) .*/, "$1")
    .replaceAll(/(?<=ocilot\/)[0-9a-f]{16}(?=\/)/g, "…")
    .replaceAll(/[ \t]+$/gm, "")
    // The addresses of registries are in what is made of their content.
    .replaceAll(/(sha256[:-]|\b)([0-9a-f]{12})[0-9a-f]{52}\b/g, (all, kind: string, head: string) =>
      /docker:\/\/|--list /.test(call) && !known.has(all.replace("-", ":")) ? `${kind}…` : `${kind}${head}`,
    );
  seen.set(call, text);
  return text;
}

async function scene(): Promise<Scene> {
  return new Map([...(await sceneOf(join(shell.home, "here"))), ...sceneOfRegistries(shell.registries)]);
}

function stored({ blobs, manifests, tags }: Stored): Stored {
  return { blobs: new Map(blobs), manifests: new Map(manifests), tags: new Map(tags) };
}

function restore({ blobs, manifests, tags }: Stored, old: Stored | undefined): void {
  refill(blobs, old?.blobs);
  refill(manifests, old?.manifests);
  refill(tags, old?.tags);
}

function refill<T>(map: Map<string, T>, content: ReadonlyMap<string, T> = new Map()): void {
  map.clear();
  for (const [name, value] of content) map.set(name, value);
}

/** Starts a server, asks it, and interrupts it. */
async function served(command: string): Promise<Printed> {
  const server = start("bash", ["-c", `exec 2>&1; ${command}`]);
  const [, url] = await server.said(/ at (https?:\/\/\S+)/);
  const answers: string[] = [];
  const ask = async (method: string, path: string, user?: string): Promise<string> => {
    const [status, body] = await answerOf(method, `${url}${path}`, user);
    answers.push(`${method} ${path}${user === undefined ? "" : " with a password"}: ${status} ${body}`);
    return body;
  };
  const { repositories } = JSON.parse(await ask("GET", "/v2/_catalog")) as { repositories: string[] };
  for (const name of repositories) await ask("GET", `/v2/${name}/tags/list`);
  const pushed = `/v2/new/app/blobs/uploads/?digest=${digestOf(new TextEncoder().encode("pushed"))}`;
  await ask("POST", pushed);
  await ask("POST", pushed, "x:pw");
  server.child.kill("SIGINT");
  const { code, text } = await server.end;
  return { code, text: `${text.replaceAll(url!, url!.replace(/\d+$/, "PORT"))}${answers.join("\n")}` };
}

async function answerOf(method: string, url: string, auth?: string): Promise<[status: number | undefined, body: string]> {
  const { request: send } = url.startsWith("https:") ? https : http;
  const asked = send(url, { method, ca, ...(auth !== undefined && { auth }) }).end(method === "POST" ? "pushed" : undefined);
  const [answer] = (await once(asked, "response")) as [http.IncomingMessage];
  const body = await textOf(answer);
  return [answer.statusCode, method === "GET" || answer.statusCode! >= 400 ? body.trim() : ""];
}

/** Runs a command at a terminal, and types an answer after each question. */
async function typed(command: string, answers: readonly (readonly [question: RegExp, answer: string])[]): Promise<Printed> {
  const terminal = start("script", ["-qec", await shell.named(command), "/dev/null"]);
  for (const [question, answer] of answers) {
    await terminal.said(question);
    terminal.child.stdin.write(`${answer}\r`);
  }
  const { code, text: printed } = await terminal.end;
  // Whether the terminal shows an answer depends on when it comes.
  const said = answers.map(([, answer]) => answer).join("|");
  const shown = new RegExp(`^(?:${said})?\n|(?<=: )(?:${said})$`, "gm");
  return { code, text: printed.replaceAll("\r", "").replaceAll(shown, "") };
}

interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  /** Waits until the output so far matches. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  readonly end: Promise<Printed>;
}

function start(program: string, args: readonly string[]): Started {
  const child = spawn(program, args, { cwd: shell.work, env: shell.env });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk));
  const end = once(child, "close").then(([code]): Printed => ({ code: (code as number | null) ?? 1, text: printed }));
  const said = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(printed);
      if (found !== null) return found;
      await Promise.race([once(child.stdout, "data"), end.then(() => expect.fail(`ended without ${pattern}: ${printed}`))]);
    }
  };
  return { child, said, end };
}
