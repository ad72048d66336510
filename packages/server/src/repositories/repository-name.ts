import { isDeviceName } from "@ocilot/layout/spec";
import { RegistryError } from "../protocol/registry-error.js";

const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const NAME: RegExp = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const MAX_NAME = 255;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
/** What a layout keeps for itself: a repository of such a name would lie inside another one's files. */
const RESERVED: ReadonlySet<string> = new Set(["blobs", "index.json", "oci-layout"]);

/** Tells whether `name` is a repository name by the grammar of the specification. It cannot hold `..`, nor begin with a dot. */
export function isRepositoryName(name: string): boolean {
  return name.length <= MAX_NAME && NAME.test(name);
}

/**
 * Checks a repository name.
 * @throws RegistryError `NAME_INVALID`
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export function checkName(name: string): string {
  if (isRepositoryName(name)) return name;
  throw new RegistryError("NAME_INVALID", `${JSON.stringify(name.slice(0, 100))} is not a repository name`);
}

/**
 * Tells whether a repository of that name may be a directory: none of its parts is the name of a file of a layout, or on Windows that
 * of a device.
 */
export function isCreatable(name: string, platform: NodeJS.Platform = process.platform): boolean {
  return !name.split("/").some((part) => RESERVED.has(part) || (platform === "win32" && isDeviceName(part)));
}

/** Tells whether `text` is a tag by the grammar of the specification. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** A reference of `host/path:tag` taken apart, as tools write it into a layout; undefined for a plain tag. */
export function splitFullName(name: string): { readonly repository: string; readonly tag: string } | undefined {
  const colon = name.lastIndexOf(":");
  const slash = name.lastIndexOf("/");
  if (colon <= slash) return undefined;
  const tag = name.slice(colon + 1);
  const parts = name.slice(0, colon).split("/");
  const isHost = parts.length > 1 && (/[.:]/.test(parts[0]!) || parts[0] === "localhost");
  const repository = (isHost ? parts.slice(1) : parts).join("/");
  return isTag(tag) && isRepositoryName(repository) ? { repository, tag } : undefined;
}
