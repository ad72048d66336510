// Measures `ocilot serve` beside docker-registry, both on the loopback interface, with the same clients. Run alone on the machine:
//   npm run build && node test/bench/serve.mjs [--small] [--only TEXT]
// --only measures the jobs whose title contains TEXT.
// docker-registry is what test/tools/install.sh unpacks; without it only ocilot is measured. Prints a table in Markdown.
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/ocilot.js", import.meta.url));
const TOOLS = join(process.env.OCILOT_TOOLS ?? join(homedir(), ".cache", "ocilot-tools"), "bin");
const SMALL = process.argv.includes("--small");
const SIZES = SMALL
  ? { layer: 8 << 20, gets: 1000, pushes: 100, manyPushes: 500, referrers: 500, lists: 20, flat: 5000 }
  : { layer: 256 << 20, gets: 10_000, pushes: 1000, manyPushes: 5000, referrers: 10_000, lists: 100, flat: 100_000 };
const ONLY = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : "";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

const root = mkdtempSync(join(tmpdir(), "ocilot-serve-bench-"));
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

const digestOf = (bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Writes a layout: an image of four large layers under `big`, and a small one under `v1`, with referrers that oras lists. */
function makeLayout(path) {
  mkdirSync(join(path, "blobs", "sha256"), { recursive: true });
  const put = (content, mediaType) => {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes);
    writeFileSync(join(path, "blobs", "sha256", digest.slice(7)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const config = put('{"architecture":"amd64","os":"linux"}', "application/vnd.oci.image.config.v1+json");
  const layers = Array.from({ length: 4 }, () => put(randomFillSync(Buffer.alloc(SIZES.layer)), "application/vnd.oci.image.layer.v1.tar"));
  const big = put(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers }), MANIFEST);
  const small = put(
    JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [put("layer", "application/octet-stream")] }),
    MANIFEST,
  );
  const empty = put("{}", "application/vnd.oci.empty.v1+json");
  const tagged = (d, tag) => ({ ...d, annotations: { "org.opencontainers.image.ref.name": tag } });
  const manifests = [tagged(big, "big"), tagged(small, "v1")];
  for (let i = 0; i < SIZES.referrers; i++) {
    const artifactType = "application/vnd.example.sbom";
    const annotations = { "org.example.no": String(i) };
    const d = put(
      JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, artifactType, config: empty, layers: [empty], subject: small, annotations }),
      MANIFEST,
    );
    manifests.push({ ...d, annotations, artifactType });
  }
  writeFileSync(join(path, "index.json"), JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
  writeFileSync(join(path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  return { layers, config, small, empty };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

async function start(program, args, port) {
  const child = spawn(program, args, { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null || tries > 400) throw new Error(`${program} does not answer`);
    if ((await fetch(`${url}/v2/`).catch(() => undefined))?.ok) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]) / 1024;
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill();
    await ended;
  };
  return { url, address: `127.0.0.1:${port}`, memory, stop };
}

async function startOcilot(folder, ...args) {
  const port = await freePort();
  return await start(process.execPath, [CLI, "serve", folder, "--writable", "--quiet", "--addr", `127.0.0.1:${port}`, ...args], port);
}

async function startRegistry() {
  const port = await freePort();
  const config = join(root, `registry-${port}.yml`);
  const lines = ["version: 0.1", "log: { accesslog: { disabled: true }, level: error }"];
  lines.push(`storage: { filesystem: { rootdirectory: "${join(root, "distribution")}" } }`, `http: { addr: "127.0.0.1:${port}" }`, "");
  writeFileSync(config, lines.join("\n"));
  return await start(join(TOOLS, "docker-registry"), ["serve", config], port);
}

async function send(url, method, body, headers = {}) {
  return await new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const sent = request(url, { method, agent, headers: { ...length, ...headers } }, (response) => {
      response.resume();
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function pushBlob(url, name, content) {
  const { headers } = await send(`${url}/v2/${name}/blobs/uploads/`, "POST");
  const location = new URL(headers.location, url);
  location.searchParams.set("digest", digestOf(content));
  return (await send(location, "PUT", content, { "content-type": "application/octet-stream" })).status;
}

async function timed(work) {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

/** Runs curl, so that the client is the same and light; `urls` may hold ranges such as `[1-100]`. */
async function curl(...urls) {
  const child = spawn("curl", ["-sf", "-H", `accept: ${MANIFEST}, ${INDEX}`, ...urls.flatMap((url) => ["-o", "/dev/null", url])], {
    stdio: "ignore",
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`curl ended with ${code}: ${urls[0]}`);
}

const together = async (count, work) => await Promise.all(Array.from({ length: count }, async (_, i) => await work(i)));

/** Pushes manifests into a repository of their own, several clients at once. `manifest` gives the content and the reference of each. */
async function pushMany(url, { name, count, clients }, manifest) {
  const blobs = await Promise.all(['{"architecture":"amd64","os":"linux"}', "{}", "layer"].map((text) => pushBlob(url, name, text)));
  if (blobs.some((status) => status !== 201)) throw new Error(`blob refused: ${blobs}`);
  let next = 0;
  await together(clients, async () => {
    for (let i = next++; i < count; i = next++) {
      const { body, reference } = manifest(i);
      const { status } = await send(`${url}/v2/${name}/manifests/${reference}`, "PUT", body, { "content-type": MANIFEST });
      if (status !== 201) throw new Error(`push answered ${status}`);
    }
  });
}

function pushReferrers(count, clients) {
  return async ({ url }, made, state) => {
    state.round = (state.round ?? 0) + 1;
    const name = `referrers-${state.round}`;
    const artifactType = "application/vnd.example.sbom";
    await pushMany(url, { name, count, clients }, (i) => {
      const subject = made.small;
      const annotations = { "org.example.no": String(i) };
      const layers = [made.empty];
      const body = JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST,
        artifactType,
        config: made.empty,
        layers,
        subject,
        annotations,
      });
      return { body, reference: digestOf(body) };
    });
  };
}

const LISTS = `${SIZES.lists} lists of ${SIZES.referrers} referrers`;
const jobs = {
  "pull of a 1 GiB image by 8 clients at once": async ({ url }, made) => {
    await together(8, async () => await curl(...made.layers.map((d) => `${url}/v2/image/blobs/${d.digest}`)));
  },
  [`${SIZES.gets} GETs of a manifest, 8 clients`]: async ({ url }) => {
    await together(8, async () => await curl(`${url}/v2/image/manifests/v1?x=[1-${SIZES.gets / 8}]`));
  },
  [`${SIZES.pushes} pushes of an image manifest under a tag, 8 at once`]: async ({ url }, made, state) => {
    state.round = (state.round ?? 0) + 1;
    await pushMany(url, { name: `pushed-${state.round}`, count: SIZES.pushes, clients: 8 }, (i) => {
      const annotations = { n: String(i) };
      const body = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: made.config, layers: [], annotations });
      return { body, reference: `t${i}` };
    });
  },
  [`${SIZES.pushes} pushes of a referrer of one subject, 8 at once`]: pushReferrers(SIZES.pushes, 8),
  [`${SIZES.pushes} pushes of a referrer of one subject, one after the other`]: pushReferrers(SIZES.pushes, 1),
  [`${SIZES.manyPushes} pushes of a referrer of one subject, 8 at once`]: pushReferrers(SIZES.manyPushes, 8),
  [LISTS]: async ({ url }, made) => {
    await curl(`${url}/v2/image/referrers/${made.small.digest}?x=[1-${SIZES.lists}]`);
  },
};

function median(times) {
  return times.toSorted((a, b) => a - b)[times.length >> 1];
}

async function measure(server, made) {
  const rows = {};
  const state = {};
  for (const [title, job] of Object.entries(jobs)) {
    if (!title.includes(ONLY)) continue;
    // The first run is not counted: files are read from the disk, code is compiled, ocilot checks each blob once.
    await job(server, made, state);
    const times = [];
    for (let i = 0; i < 3; i++) times.push(await timed(async () => await job(server, made, state)));
    rows[title] = median(times);
    console.error(`${server.address} ${title}: ${times.map((t) => t.toFixed(2)).join(" ")} s, ${server.memory().toFixed(0)} MB`);
  }
  return rows;
}

const folder = join(root, "folder");
const made = makeLayout(join(folder, "image"));
const results = {};

const ocilot = await startOcilot(folder);
results["ocilot serve"] = await measure(ocilot, made);
const before = ocilot.memory();
if (ONLY === "") await together(8, async () => await curl(`${ocilot.url}/v2/image/manifests/v1?x=[1-${SIZES.flat / 8}]`));
const after = ocilot.memory();
await ocilot.stop();

const fast = await startOcilot(folder, "--no-sync");
results["ocilot serve --no-sync"] = await measure(fast, made);
await fast.stop();

if (existsSync(join(TOOLS, "docker-registry"))) {
  const registry = await startRegistry();
  execFileSync(
    join(TOOLS, "oras"),
    ["cp", "--from-oci-layout", `${join(folder, "image")}:big`, "--to-plain-http", `${registry.address}/image:big`],
    { stdio: "ignore" },
  );
  execFileSync(
    join(TOOLS, "oras"),
    ["cp", "--from-oci-layout", `${join(folder, "image")}:v1`, "--to-plain-http", `${registry.address}/image:v1`],
    { stdio: "ignore" },
  );
  // It has no Referrers API.
  delete jobs[LISTS];
  results["docker-registry 2.8.3"] = await measure(registry, made);
  await registry.stop();
}
agent.destroy();

const names = Object.keys(results);
console.log(`| job | ${names.join(" | ")} |\n| --- | ${names.map(() => "---").join(" | ")} |`);
for (const title of Object.keys(results["ocilot serve"])) {
  console.log(
    `| ${title} | ${names.map((name) => (results[name][title] === undefined ? "no Referrers API" : `${results[name][title].toFixed(2)} s`)).join(" | ")} |`,
  );
}
if (ONLY === "")
  console.log(`\nMemory of ocilot serve before and after ${SIZES.flat} more requests: ${before.toFixed(0)} MB, ${after.toFixed(0)} MB.`);
