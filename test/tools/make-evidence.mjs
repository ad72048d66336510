// Makes the layouts of fixtures/evidence/ with the real cosign, notation and oras of install.sh, then renews fixtures/SHA256SUMS.
// Keys, times and signatures differ at each run; what the tests compare does not. Run: node test/tools/make-evidence.mjs
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const FIXTURES = fileURLToPath(new URL("../../fixtures", import.meta.url));
const TARGET = join(FIXTURES, "evidence");
const TOOLS = process.env.OCILOT_TOOLS ?? join(homedir(), ".cache", "ocilot-tools");
const IMAGE = `${join(FIXTURES, "layouts", "skopeo")}:v1`;
const OFFLINE = ["--tlog-upload=false", "--use-signing-config=false", "--yes", "--allow-http-registry"];
const TAGS = [...OFFLINE, "--new-bundle-format=false"];

const here = mkdtempSync(join(tmpdir(), "ocilot-evidence-"));
const env = {
  ...process.env,
  PATH: `${join(TOOLS, "bin")}:${process.env.PATH}`,
  HOME: here,
  XDG_CONFIG_HOME: join(here, "config"),
  COSIGN_PASSWORD: "",
  NOTATION_EXPERIMENTAL: "1",
  NO_PROXY: "127.0.0.1",
  no_proxy: "127.0.0.1",
};

function must(program, ...args) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: here, env, encoding: "utf8", timeout: 60_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${status}\n${stderr}${stdout}`);
  return stdout.trim();
}

/** Small documents of each format, true to their schemas as far as they go. */
const DOCUMENTS = {
  "sbom.spdx.json": {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: "hello",
    documentNamespace: "https://example.com/spdx/hello",
    creationInfo: { created: "2026-11-21T07:20:27Z", creators: ["Tool: example"] },
    packages: [{ SPDXID: "SPDXRef-hello", name: "hello", downloadLocation: "NOASSERTION" }],
  },
  "sbom.cdx.json": {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "container", name: "hello" } },
    components: [],
  },
  "sbom.syft.json": {
    artifacts: [],
    source: { id: "1", name: "hello", version: "v1", type: "image", metadata: {} },
    descriptor: { name: "syft", version: "1.30.0" },
    schema: { version: "16.0.36", url: "https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-16.0.36.json" },
  },
  "provenance.json": {
    buildDefinition: { buildType: "https://example.com/build/v1", externalParameters: {}, resolvedDependencies: [] },
    runDetails: { builder: { id: "https://example.com/builder" } },
  },
  "openvex.json": {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://example.com/vex/1",
    author: "example",
    timestamp: "2026-11-21T07:20:27Z",
    version: 1,
    statements: [],
  },
  "vuln.json": {
    invocation: { parameters: [], uri: "", event_id: "", "builder.id": "" },
    scanner: { uri: "https://example.com/scanner", version: "1", db: { uri: "", version: "" }, result: { matches: [] } },
    metadata: { scanStartedOn: "2026-11-21T07:20:27Z", scanFinishedOn: "2026-11-21T07:20:28Z" },
  },
  "scan.sarif": { $schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [] },
  "advisory.csaf.json": { document: { category: "csaf_vex", csaf_version: "2.0", title: "hello" }, vulnerabilities: [] },
  "custom.json": { reviewed: true },
};

/** A key with a certificate such as Fulcio issues, by a certificate authority of our own. */
function makeKeys() {
  const config = [
    "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nO = example",
    "[ca]\nbasicConstraints = critical, CA:true\nkeyUsage = critical, keyCertSign\nextendedKeyUsage = codeSigning",
    "[leaf]\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = codeSigning",
    "subjectAltName = critical, email:someone@example.com",
    "1.3.6.1.4.1.57264.1.1 = DER:" + Buffer.from("https://issuer.example.com").toString("hex"),
    "1.3.6.1.4.1.57264.1.8 = ASN1:UTF8String:https://issuer.example.com",
    "",
  ].join("\n");
  writeFileSync(join(here, "openssl.cnf"), config);
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", "openssl.cnf"];
  must("openssl", "req", "-x509", ...ec, "-keyout", "ca.pem", "-out", "ca.crt", "-days", "3650", "-extensions", "ca");
  must("openssl", "req", "-new", ...ec, "-keyout", "leaf.pem", "-out", "leaf.csr");
  must(
    "openssl",
    "x509",
    "-req",
    "-in",
    "leaf.csr",
    "-CA",
    "ca.crt",
    "-CAkey",
    "ca.pem",
    "-CAcreateserial",
    "-out",
    "leaf.crt",
    "-days",
    "3650",
    "-extfile",
    "openssl.cnf",
    "-extensions",
    "leaf",
  );
  must("cosign", "import-key-pair", "--key", "leaf.pem", "--output-key-prefix", "certified");
  must("cosign", "generate-key-pair", "--output-key-prefix", "plain");
}

async function startRegistry() {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const address = `127.0.0.1:${probe.address().port}`;
  await new Promise((resolve) => probe.close(resolve));
  writeFileSync(
    join(here, "registry.yml"),
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${here}/registry } }\nhttp: { addr: ${address} }\n`,
  );
  const child = spawn("docker-registry", ["serve", join(here, "registry.yml")], { env, stdio: "ignore" });
  for (let i = 0; i < 200; i++) {
    if ((await fetch(`http://${address}/v2/`).catch(() => undefined))?.ok) return { address, stop: () => child.kill() };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the registry does not answer");
}

function push(repository) {
  must(
    "skopeo",
    "copy",
    "-q",
    "--override-os=linux",
    "--override-arch=amd64",
    "--dest-tls-verify=false",
    `oci:${IMAGE}`,
    `docker://${repository}:v1`,
  );
  return must("crane", "digest", "--insecure", `${repository}:v1`);
}

/** The forms of cosign 2: everything under tags made of the digest. */
function cosignTags(repository, layout) {
  const digest = push(repository);
  const image = `${repository}@${digest}`;
  must("cosign", "sign", "--key", "plain.key", ...TAGS, image);
  must("cosign", "sign", "--key", "certified.key", "--certificate", "leaf.crt", "--certificate-chain", "ca.crt", ...TAGS, image);
  attest(image, TAGS);
  must("cosign", "attach", "sbom", "--allow-http-registry", "--sbom", "sbom.spdx.json", "--type", "spdx", "--input-format", "json", image);
  for (const tag of ["v1", ...["sig", "att", "sbom"].map((s) => `${digest.replace(":", "-")}.${s}`)])
    must("oras", "cp", "--from-plain-http", `${repository}:${tag}`, "--to-oci-layout", `${layout}:${tag}`);
}

/** The form of cosign 3: bundles that refer to the image. */
function cosignBundles(repository, layout) {
  const image = `${repository}@${push(repository)}`;
  must("cosign", "sign", "--key", "plain.key", ...OFFLINE, image);
  attest(image, OFFLINE);
  must("oras", "cp", "-r", "--from-plain-http", `${repository}:v1`, "--to-oci-layout", `${layout}:v1`);
}

function attest(image, options) {
  const types = {
    spdxjson: "sbom.spdx.json",
    cyclonedx: "sbom.cdx.json",
    "https://syft.dev/bom": "sbom.syft.json",
    slsaprovenance1: "provenance.json",
    openvex: "openvex.json",
    vuln: "vuln.json",
    custom: "custom.json",
  };
  for (const [type, file] of Object.entries(types))
    must("cosign", "attest", "--key", "plain.key", "--type", type, "--predicate", file, ...options, image);
}

function notation(_, layout) {
  must("oras", "cp", "--from-oci-layout", "--platform", "linux/amd64", IMAGE, "--to-oci-layout", `${layout}:v1`);
  must("notation", "cert", "generate-test", "--default", "example");
  for (const format of ["jws", "cose"]) must("notation", "sign", "--oci-layout", "--signature-format", format, `${layout}:v1`);
}

function oras(_, layout) {
  must("oras", "cp", "--from-oci-layout", "--platform", "linux/amd64", IMAGE, "--to-oci-layout", `${layout}:v1`);
  const files = {
    "sbom.spdx.json": "application/spdx+json",
    "sbom.cdx.json": "application/vnd.cyclonedx+json",
    "sbom.syft.json": "application/vnd.syft+json",
    "openvex.json": "application/vnd.openvex+json",
    "advisory.csaf.json": "application/csaf+json",
    "scan.sarif": "application/sarif+json",
    "LICENSE.txt": "application/vnd.example.license.v1+text",
    "source.tar": "application/vnd.example.source.v1+tar",
  };
  for (const [file, type] of Object.entries(files))
    must("oras", "attach", "--oci-layout", "--artifact-type", type, `${layout}:v1`, `${file}:${type}`);
  // oras gives a layer no type of its own unless told: then the artifact type alone says what it is.
  must(
    "oras",
    "attach",
    "--oci-layout",
    "--artifact-type",
    "application/spdx+json",
    "--annotation",
    "org.example.untyped=true",
    `${layout}:v1`,
    "sbom.spdx.json",
  );
}

function sums() {
  const lines = [];
  const walk = (directory) => {
    for (const name of readdirSync(directory).toSorted()) {
      const path = join(directory, name);
      if (statSync(path).isDirectory()) walk(path);
      else if (path !== join(FIXTURES, "SHA256SUMS"))
        lines.push([relative(FIXTURES, path), createHash("sha256").update(readFileSync(path)).digest("hex")]);
    }
  };
  walk(FIXTURES);
  return lines
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, digest]) => `${digest}  ${path}\n`)
    .join("");
}

const registry = await startRegistry();
try {
  for (const [name, document] of Object.entries(DOCUMENTS)) writeFileSync(join(here, name), `${JSON.stringify(document, null, 2)}\n`);
  writeFileSync(join(here, "LICENSE.txt"), "Apache License, Version 2.0\n");
  writeFileSync(join(here, "source.tar"), "source\n");
  makeKeys();
  rmSync(TARGET, { recursive: true, force: true });
  mkdirSync(TARGET, { recursive: true });
  for (const [name, make] of Object.entries({ "cosign-2": cosignTags, "cosign-3": cosignBundles, notation, oras })) {
    const layout = join(here, name);
    make(`${registry.address}/${name}`, layout);
    rmSync(join(layout, "ingest"), { recursive: true, force: true });
    cpSync(layout, join(TARGET, name), { recursive: true });
  }
  for (const name of ["plain.pub", "leaf.crt", "ca.crt"]) cpSync(join(here, name), join(TARGET, name));
  if (existsSync(join(FIXTURES, "SHA256SUMS"))) writeFileSync(join(FIXTURES, "SHA256SUMS"), sums());
} finally {
  registry.stop();
  rmSync(here, { recursive: true, force: true });
}
