import { type Digest, OcilotError, isAlgorithm, isDigest, splitDigest } from "@ocilot/layout/spec";
import { HUB_HOST, canonicalHost } from "./hub.js";
import { isHost } from "./host.js";

/** The prefix of a registry reference on the command line. */
export const REGISTRY_PREFIX = "docker://";

/** A repository of a registry. */
export interface RepositoryName {
  /** In lower case, with a port where the reference has one; `docker.io` for every name of Docker Hub. */
  readonly host: string;
  /** With `library/` in front for an official image of Docker Hub. */
  readonly repository: string;
}

/** A repository and, where the reference says so, a tag, a digest or both. */
export interface RegistryReference extends RepositoryName {
  readonly tag?: string;
  readonly digest?: Digest;
}

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const MAX_REPOSITORY_LENGTH = 255;
const MAX_REFERENCE_LENGTH = 1024;

/**
 * Parses a registry reference by Docker's rules, with or without `docker://`: `alpine` is `docker.io/library/alpine`; the part before the
 * first slash is a host if it has a dot, a colon or a capital letter, or is `localhost`. No tag is added where there is none.
 * @throws OcilotError `REFERENCE_INVALID`
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 * @example
 * ```ts
 * import { parseRegistryReference } from "@ocilot/registry";
 *
 * console.log(parseRegistryReference("docker://alpine:3.20")); // docker.io, library/alpine, 3.20
 * ```
 */
export function parseRegistryReference(text: string): RegistryReference {
  if (text.length > MAX_REFERENCE_LENGTH) throw invalid(text, `is longer than ${MAX_REFERENCE_LENGTH} characters`);
  let rest = text.startsWith(REGISTRY_PREFIX) ? text.slice(REGISTRY_PREFIX.length) : text;
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(rest);
  if (scheme !== null) throw invalid(text, `begins with ${scheme[0]}`, `Write docker://HOST/REPOSITORY, without ${scheme[0]}.`);
  let digest: Digest | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    const value = rest.slice(at + 1);
    if (!isDigest(value))
      throw invalid(text, "has no valid digest after @", "A digest looks like sha256: followed by 64 lower-case hex digits.");
    const { algorithm } = splitDigest(value);
    if (!isAlgorithm(algorithm))
      throw invalid(text, `has a ${algorithm} digest, which ocilot cannot check`, "Supported are sha256, sha512, sha384 and blake3.");
    digest = value;
    rest = rest.slice(0, at);
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/") && !isBareHost(rest)) {
    tag = rest.slice(colon + 1);
    if (!TAG.test(tag)) {
      throw invalid(
        text,
        `has an invalid tag ${shown(tag)}`,
        "A tag has up to 128 letters, digits, _, . and -, and begins with none of . and -.",
      );
    }
    rest = rest.slice(0, colon);
  }
  return { ...splitName(rest, text), ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/**
 * Tells whether `value` is a tag by the grammar of the distribution specification.
 * @example
 * ```ts
 * import { isTag } from "@ocilot/registry";
 *
 * console.log(isTag("v1.2"), isTag("team/app")); // true false
 * ```
 */
export function isTag(value: string): boolean {
  return TAG.test(value);
}

/**
 * The whole reference without `docker://`, as other tools accept it: `docker.io/library/alpine:3@sha256:…`.
 * @example
 * ```ts
 * import { formatRegistryReference } from "@ocilot/registry";
 *
 * console.log(formatRegistryReference({ host: "ghcr.io", repository: "team/app", tag: "v1" }));
 * ```
 */
export function formatRegistryReference(reference: RegistryReference): string {
  const { host, repository, tag, digest } = reference;
  return `${host}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

function splitName(name: string, text: string): RepositoryName {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const lower = first.toLowerCase();
  const looksLikeHost = /[.:[]/.test(first) || lower === "localhost";
  const hasHost = slash >= 0 && (looksLikeHost || first !== lower);
  // A name without a dot is a host by its capitals alone: in lower case it would be a part of a repository's name.
  const host = canonicalHost(hasHost ? (looksLikeHost ? lower : first) : HUB_HOST);
  if (!isHost(host)) throw invalid(text, `has an invalid host ${shown(first)}`);
  const path = hasHost ? name.slice(slash + 1) : name;
  checkRepository(path, text);
  if (!hasHost && /^[0-9a-f]{64}$/.test(path)) throw invalid(text, "is 64 hex digits, which Docker takes for an image ID");
  return { host, repository: host === HUB_HOST && !path.includes("/") ? `library/${path}` : path };
}

function checkRepository(path: string, text: string): void {
  if (path === "") throw invalid(text, "names no repository", "Write docker://HOST/REPOSITORY[:TAG][@DIGEST].");
  if (path.length > MAX_REPOSITORY_LENGTH) throw invalid(text, `has a repository name longer than ${MAX_REPOSITORY_LENGTH} characters`);
  const wrong = path.split("/").find((component) => !COMPONENT.test(component));
  if (wrong === undefined) return;
  const hint = /[A-Z]/.test(wrong)
    ? "Repository names are in lower case."
    : "Components are lower-case letters and digits, separated by single . or _, by __ or by dashes.";
  throw invalid(text, `has an invalid repository name component ${shown(wrong)}`, hint);
}

/** `host:5000` alone is a host without a repository rather than an image `host` with the tag 5000 only if it is bracketed. */
function isBareHost(rest: string): boolean {
  return rest.startsWith("[") && !rest.includes("/");
}

function shown(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}

function invalid(reference: string, reason: string, hint?: string): OcilotError<"REFERENCE_INVALID"> {
  // A password that somebody typed into a reference must not be repeated.
  const safe = reference.slice(0, 200).replace(/\/\/[^/@]*:[^/@]*@/, "//***@");
  return new OcilotError("REFERENCE_INVALID", `${shown(safe)} ${reason}`, { reference: safe, reason }, hint === undefined ? {} : { hint });
}
