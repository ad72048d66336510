/** The host that a reference without one means. */
export const HUB_HOST = "docker.io";
/** Where Docker Hub answers the distribution API. */
export const HUB_API_HOST = "registry-1.docker.io";
/** The key that `docker login` stores Docker Hub's credentials under. */
export const HUB_CREDENTIAL_KEY = "https://index.docker.io/v1/";

const ALIASES: ReadonlySet<string> = new Set([HUB_HOST, HUB_API_HOST, "index.docker.io", "registry.hub.docker.com"]);

/**
 * Returns `docker.io` for every name of Docker Hub, other hosts as they are.
 * @example
 * ```ts
 * import { canonicalHost } from "@ocilot/registry";
 *
 * console.log(canonicalHost("index.docker.io")); // docker.io
 * ```
 */
export function canonicalHost(host: string): string {
  return ALIASES.has(host) ? HUB_HOST : host;
}

/**
 * The host that the requests for a registry go to.
 * @example
 * ```ts
 * import { apiHost } from "@ocilot/registry";
 *
 * console.log(apiHost("docker.io")); // registry-1.docker.io
 * ```
 */
export function apiHost(host: string): string {
  return canonicalHost(host) === HUB_HOST ? HUB_API_HOST : host;
}
