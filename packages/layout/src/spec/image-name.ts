const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const MAX_REPOSITORY = 255;

/** An image name by the rules of Docker and containerd. */
export interface ImageName {
  /** The repository with its host: `docker.io/library/alpine`. */
  readonly repository: string;
  readonly tag?: string;
}

/**
 * Parses an image name, short or long: `alpine:3.20` is `docker.io/library/alpine:3.20`. Returns undefined for a name that Docker refuses,
 * and for one with a digest.
 * @example
 * ```ts
 * import { parseImageName } from "@ocilot/layout";
 *
 * console.log(parseImageName("alpine:3.20")); // { repository: "docker.io/library/alpine", tag: "3.20" }
 * ```
 */
export function parseImageName(text: string): ImageName | undefined {
  const [, name = "", tag] = /^(.*?)(?::([^/:]*))?$/s.exec(text) ?? [];
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const hasHost = /[.:[]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const host = hasHost ? first : "docker.io";
  const path = hasHost ? name.slice(slash + 1) : slash < 0 ? `library/${name}` : name;
  const repository = `${host === "index.docker.io" ? "docker.io" : host}/${path}`;
  if (!HOST.test(host) || !REPOSITORY.test(path) || repository.length > MAX_REPOSITORY) return undefined;
  if (tag === undefined) return { repository };
  return TAG.test(tag) ? { repository, tag } : undefined;
}

/**
 * Returns true if Docker accepts the text as a tag.
 * @example
 * ```ts
 * import { isImageTag } from "@ocilot/layout";
 *
 * console.log(isImageTag("v1.2"), isImageTag("team/app")); // true false
 * ```
 */
export function isImageTag(text: string): boolean {
  return TAG.test(text);
}
