const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const MAX_REPOSITORY = 255;

/** An image name as Docker and containerd take it. */
export interface ImageName {
  /** With its host: `docker.io/library/alpine`. */
  readonly repository: string;
  readonly tag?: string;
}

/**
 * Reads an image name, short or long: `alpine:3.20` is `docker.io/library/alpine:3.20`. Undefined where Docker would
 * refuse it; so is a name with a digest.
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

/** Tells whether Docker takes this as the tag alone. */
export function isImageTag(text: string): boolean {
  return TAG.test(text);
}
