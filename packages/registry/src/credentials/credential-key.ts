import { HUB_API_HOST, HUB_CREDENTIAL_KEY, HUB_HOST, canonicalHost } from "../reference/hub.js";

/** A host, or a host with a path, that a key of a credential file stands for. */
function normalizedKey(key: string): string {
  const schemeless = key.replace(/^https?:\/\//, "");
  const slash = schemeless.indexOf("/");
  const host = canonicalHost((slash < 0 ? schemeless : schemeless.slice(0, slash)).toLowerCase());
  const path = slash < 0 ? "" : schemeless.slice(slash).replace(/\/+$/, "");
  // Docker's keys are addresses of an API version; podman's are paths of repositories, without a scheme.
  const isApi = schemeless !== key || path === "/v1" || path === "/v2";
  return isApi ? host : `${host}${path}`;
}

/**
 * The keys among `keys` that stand for a repository of a host or for something above it, most specific first:
 * `quay.io/org/app`, `quay.io/org`, `quay.io`. Every name of Docker Hub is one.
 */
export function matchingKeys(keys: readonly string[], host: string, repository: string | undefined): readonly string[] {
  const whole = repository === undefined ? host : `${host}/${repository}`;
  return keys
    .map((key) => ({ key, scope: normalizedKey(key) }))
    .filter(({ scope }) => whole === scope || whole.startsWith(`${scope}/`))
    .toSorted((a, b) => b.scope.length - a.scope.length || preference(a.key) - preference(b.key))
    .map(({ key }) => key);
}

/** The key that a login for a host is stored under, in a file and with a helper. */
export function storageKey(host: string): string {
  return canonicalHost(host) === HUB_HOST ? HUB_CREDENTIAL_KEY : host;
}

/** Of several keys for the same host, docker writes the first of these. */
function preference(key: string): number {
  const order = [HUB_CREDENTIAL_KEY, HUB_HOST, "index.docker.io", HUB_API_HOST];
  const at = order.indexOf(key);
  if (at >= 0) return at;
  return key.includes("://") ? order.length + 1 : order.length;
}
