/** The resources that a registry has; methods are looked at later. */
export type RouteId =
  | "ping"
  | "catalog"
  | "blob"
  | "uploads"
  | "upload"
  | "manifest"
  | "tags"
  | "referrers"
  | "health"
  | "metrics"
  | "token";

/** Where a request goes. */
export interface Route {
  readonly id: RouteId;
  /** The repository as it stands in the path, decoded and not checked; empty for a route that has none. */
  readonly name: string;
  /** What follows: a digest, a tag, the id of an upload; decoded and not checked. */
  readonly reference: string;
}

/**
 * Returns the route of a path, or undefined if there is none. Repository names contain slashes and may contain the words of
 * other routes, so a path is matched from its end. Pure: nothing is looked up.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 * @example
 * ```ts
 * import { matchRoute } from "@ocilot/server";
 *
 * console.log(matchRoute("/v2/team/app/manifests/v1"));
 * ```
 */
export function matchRoute(path: string): Route | undefined {
  if (path === "/v2" || path === "/v2/") return { id: "ping", name: "", reference: "" };
  if (path === "/healthz") return { id: "health", name: "", reference: "" };
  if (path === "/metrics") return { id: "metrics", name: "", reference: "" };
  if (path === "/token") return { id: "token", name: "", reference: "" };
  if (path === "/v2/_catalog") return { id: "catalog", name: "", reference: "" };
  if (!path.startsWith("/v2/")) return undefined;
  const parts = path.slice("/v2/".length).split("/").map(decoded);
  if (parts.some((part) => part === undefined)) return undefined;
  return matchEnd(parts as string[]);
}

function matchEnd(parts: readonly string[]): Route | undefined {
  const [third, second, last] = [parts.at(-3), parts.at(-2), parts.at(-1)!];
  const route = (id: RouteId, end: number, reference: string): Route | undefined =>
    parts.length > end ? { id, name: parts.slice(0, -end).join("/"), reference } : undefined;
  if (third === "blobs" && second === "uploads") return last === "" ? route("uploads", 3, "") : route("upload", 3, last);
  if (second === "blobs") return last === "uploads" ? route("uploads", 2, "") : route("blob", 2, last);
  if (second === "manifests") return route("manifest", 2, last);
  if (second === "referrers") return route("referrers", 2, last);
  if (second === "tags" && last === "list") return route("tags", 2, "");
  return undefined;
}

/** One part of a path; undefined if it cannot be decoded or hides a separator or a control character. */
function decoded(part: string): string | undefined {
  if (!part.includes("%")) return part;
  try {
    const text = decodeURIComponent(part);
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    return /[/\\\u0000-\u001f\u007f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
