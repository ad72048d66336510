import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fixture, tagsOf } from "./layouts.js";
import { must } from "./tools.js";

/** An account for tests: `me`, with the password `hunter2`. */
export const HTPASSWD: string = "me:$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n";

/** What a maker may use: a directory of its own, a registry, and keys of cosign and notation. */
export interface Workshop {
  readonly directory: string;
  /** `host:port` */
  readonly registry: string;
  /** A repository name that nobody else uses. */
  readonly name: string;
  readonly cosignKey: string;
  /** Holds notation's keys, trust store and trust policy. */
  readonly notationHome: string;
}

/** The offline way of cosign 3: no transparency log, no signing configuration from the network. */
const OFFLINE = ["--tlog-upload=false", "--use-signing-config=false", "--yes", "--allow-http-registry"];
const IMAGE = `${fixture("skopeo")}:v1`;

/** `registry/name` with the two-platform image of the fixtures under `v1`, or with one platform of it. */
export async function pushImage({ registry, name }: Workshop, platforms: "all" | "one" = "all"): Promise<string> {
  const repository = `${registry}/${name}`;
  const which = platforms === "all" ? ["--multi-arch=all"] : ["--override-os=linux", "--override-arch=amd64"];
  await must("skopeo", ["copy", "-q", ...which, "--dest-tls-verify=false", `oci:${IMAGE}`, `docker://${repository}:v1`]);
  return repository;
}

/** A layout with the image under `v1`, as oras copies it. */
export async function copyImage(layout: string): Promise<void> {
  await must("oras", ["cp", "--from-oci-layout", IMAGE, "--to-oci-layout", `${layout}:v1`]);
}

/** Attaches a small file by `oras attach` to a layout or a registry and tells the digest of the referrer. */
export async function attach(shop: Workshop, args: readonly string[], target: string, type: string): Promise<string> {
  await writeFile(join(shop.directory, "notes.txt"), type);
  const options = ["--artifact-type", type, "--annotation", "org.example.by=oras", "--format", "json"];
  const out = await must("oras", ["attach", ...args, ...options, target, "notes.txt:text/plain"], { cwd: shop.directory });
  return (JSON.parse(out) as { digest: string }).digest;
}

/** Signs as cosign does unless told: a bundle that refers to the image. Or with a `.sig` tag, as it used to. */
export async function cosignSign(shop: Workshop, reference: string, way: "bundle" | "tag"): Promise<void> {
  const format = way === "tag" ? ["--new-bundle-format=false"] : [];
  await must("cosign", ["sign", "--key", shop.cosignKey, ...OFFLINE, ...format, reference]);
}

export async function makeCosignKey(directory: string): Promise<string> {
  await must("cosign", ["generate-key-pair", "--output-key-prefix", "ocilot"], { cwd: directory });
  return join(directory, "ocilot.key");
}

/** Where the public key is that goes with {@link makeCosignKey}. */
export function publicKey(key: string): string {
  return key.replace(/\.key$/, ".pub");
}

/** A signing key for notation, a trust store that trusts it, and a policy that asks for it. */
export async function makeNotationHome(directory: string): Promise<string> {
  const env = { XDG_CONFIG_HOME: directory };
  await must("notation", ["cert", "generate-test", "--default", "ocilot"], { env });
  const policy = {
    name: "all",
    registryScopes: ["*"],
    signatureVerification: { level: "strict" },
    trustStores: ["ca:ocilot"],
    trustedIdentities: ["*"],
  };
  await writeFile(join(directory, "notation", "trustpolicy.json"), JSON.stringify({ version: "1.0", trustPolicies: [policy] }));
  return directory;
}

export async function notationSign(shop: Pick<Workshop, "notationHome">, reference: string, format: "jws" | "cose" = "jws"): Promise<void> {
  await must("notation", ["sign", "--oci-layout", "--signature-format", format, reference], {
    env: { XDG_CONFIG_HOME: shop.notationHome },
  });
}

/** The digest that a tag of a registry has. */
export async function remoteDigest(reference: string): Promise<string> {
  return (await must("crane", ["digest", "--insecure", reference])).trim();
}

/** The tag of cosign's older signatures of a digest. */
export function signatureTag(digest: string): string {
  return `${digest.replace(":", "-")}.sig`;
}

/** Layouts that real programs write while the tests run, by name. */
export const MAKERS: Readonly<Record<string, (shop: Workshop, layout: string) => Promise<void>>> = {
  async "made/oras-push"(shop, layout) {
    await writeFile(join(shop.directory, "data.txt"), "data");
    await must("oras", ["push", "--oci-layout", `${layout}:v1`, "--artifact-type", "application/vnd.example", "data.txt:text/plain"], {
      cwd: shop.directory,
    });
    await attach(shop, ["--oci-layout"], `${layout}:v1`, "application/spdx+json");
  },

  async "made/oras-attach"(shop, layout) {
    await copyImage(layout);
    const sbom = await attach(shop, ["--oci-layout"], `${layout}:v1`, "application/spdx+json");
    const signature = await attach(shop, ["--oci-layout"], `${layout}@${sbom}`, "application/vnd.example.signature");
    await attach(shop, ["--oci-layout"], `${layout}@${signature}`, "application/vnd.example.timestamp");
    await attach(shop, ["--oci-layout", "--platform", "linux/arm64"], `${layout}:v1`, "application/vnd.cyclonedx+json");
  },

  async "made/oras-cp-r"(shop, layout) {
    const source = join(shop.directory, "source");
    await MAKERS["made/oras-attach"]!(shop, source);
    await must("oras", ["cp", "-r", "--from-oci-layout", `${source}:v1`, "--to-oci-layout", `${layout}:v1`]);
  },

  async "made/oras-backup"(shop, layout) {
    const repository = await pushImage(shop);
    const sbom = await attach(shop, ["--plain-http"], `${repository}:v1`, "application/spdx+json");
    await attach(shop, ["--plain-http"], `${repository}@${sbom}`, "application/vnd.example.signature");
    await must("oras", ["backup", "--plain-http", "--include-referrers", "--output", layout, repository]);
  },

  async "made/notation-sign"(shop, layout) {
    await copyImage(layout);
    await notationSign(shop, `${layout}:v1`);
    await notationSign(shop, `${layout}:v1`);
    await attach(shop, ["--oci-layout"], `${layout}:v1`, "application/spdx+json");
  },

  async "made/cosign-bundle"(shop, layout) {
    const repository = await pushImage(shop);
    await cosignSign(shop, `${repository}@${await remoteDigest(`${repository}:v1`)}`, "bundle");
    await must("oras", ["cp", "-r", "--from-plain-http", `${repository}:v1`, "--to-oci-layout", `${layout}:v1`]);
  },

  async "made/cosign-bundle-save"(shop, layout) {
    const repository = await pushImage(shop);
    const image = `${repository}@${await remoteDigest(`${repository}:v1`)}`;
    await cosignSign(shop, image, "bundle");
    await must("cosign", ["save", "--allow-http-registry", "--dir", layout, image]);
  },

  async "made/cosign-bundle-backup"(shop, layout) {
    const repository = await pushImage(shop);
    await cosignSign(shop, `${repository}@${await remoteDigest(`${repository}:v1`)}`, "bundle");
    await must("oras", ["backup", "--plain-http", "--include-referrers", "--output", layout, repository]);
  },

  async "made/cosign-tag"(shop, layout) {
    const repository = await pushImage(shop);
    const digest = await remoteDigest(`${repository}:v1`);
    await cosignSign(shop, `${repository}@${digest}`, "tag");
    for (const tag of ["v1", signatureTag(digest)])
      await must("skopeo", ["copy", "-q", "--all", "--src-tls-verify=false", `docker://${repository}:${tag}`, `oci:${layout}:${tag}`]);
  },

  async "made/cosign-tag-save"(shop, layout) {
    const repository = await pushImage(shop);
    const image = `${repository}@${await remoteDigest(`${repository}:v1`)}`;
    await cosignSign(shop, image, "tag");
    await must("cosign", ["save", "--allow-http-registry", "--dir", layout, image]);
  },

  async "made/crane-pull"(shop, layout) {
    const repository = await pushImage(shop);
    const sbom = await attach(shop, ["--plain-http"], `${repository}:v1`, "application/spdx+json");
    for (const reference of [`${repository}:v1`, `${repository}@${sbom}`])
      await must("crane", ["pull", "--insecure", "--format", "oci", "--annotate-ref", reference, layout]);
  },

  async "made/skopeo-then-oras"(shop, layout) {
    const repository = await pushImage(shop);
    await must("skopeo", ["copy", "-q", "--all", "--src-tls-verify=false", `docker://${repository}:v1`, `oci:${layout}:v1`]);
    await attach(shop, ["--oci-layout"], `${layout}:v1`, "application/spdx+json");
  },

  async "made/umoci-then-oras"(shop, layout) {
    await must("umoci", ["init", "--layout", layout]);
    await must("umoci", ["new", "--image", `${layout}:v1`]);
    const [image] = await tagsOf(layout);
    await attach(shop, ["--oci-layout"], `${layout}@${image!.descriptor.digest}`, "application/spdx+json");
    await must("umoci", ["tag", "--image", `${layout}:v1`, "v2"]);
  },

  async "made/oras-cp-tags"(shop, layout) {
    // A registry without the Referrers API holds referrers tags; copied tag by tag they are the convention `regclient`.
    const repository = await pushImage(shop);
    const digest = await remoteDigest(`${repository}:v1`);
    await attach(shop, ["--plain-http"], `${repository}:v1`, "application/spdx+json");
    for (const tag of ["v1", digest.replace(":", "-")])
      await must("oras", ["cp", "--from-plain-http", `${repository}:${tag}`, "--to-oci-layout", `${layout}:${tag}`]);
  },
};
