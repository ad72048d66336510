import { isIP } from "node:net";
import { hostname, isLinkLocalAddress, isLoopback, isLoopbackAddress } from "../reference/host.js";
import { type RequestLabel, invalidResponse, printable } from "./errors.js";

/** A request fails after this many redirects. */
export const MAX_REDIRECTS = 5;

/** Tells whether a response of this status to this method is a redirect to follow. */
export function isRedirect(status: number, method: string): boolean {
  if (status === 307 || status === 308) return true;
  return (status === 301 || status === 302 || status === 303) && (method === "GET" || method === "HEAD");
}

/**
 * The address of the next hop, checked: http or https, never from https to http, without a name or a password in it, and no
 * link-local or loopback address unless the registry is on such an address itself.
 * @param home the address that the registry was called by
 * @throws OcilotError `RESPONSE_INVALID`
 */
export function redirectTarget(location: string | undefined, from: URL, { home, label }: { home: URL; label: RequestLabel }): URL {
  if (location === undefined) throw invalidResponse(label, "redirect without a Location header");
  const target = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (target === undefined) throw invalidResponse(label, "redirect to an invalid address");
  const shown = printable(`${target.protocol}//${target.host}`, 100);
  if (target.protocol !== "https:" && target.protocol !== "http:") throw invalidResponse(label, `refused to follow a redirect to ${shown}`);
  if (from.protocol === "https:" && target.protocol === "http:") {
    throw invalidResponse(label, `refused to follow a redirect from https to ${shown}`);
  }
  if (target.username !== "" || target.password !== "")
    throw invalidResponse(label, `refused to follow a redirect to ${shown} with a password in the address`);
  checkAddress(target, { home, label });
  target.hash = "";
  return target;
}

/**
 * Refuses an address that names this machine or a link-local host as an IP address, unless the registry is there.
 * Names are checked once they are looked up, by {@link isForbiddenAddress}.
 * @throws OcilotError `RESPONSE_INVALID`
 */
export function checkAddress(target: URL, { home, label }: { home: URL; label: RequestLabel }): void {
  if (target.host === home.host) return;
  const name = hostname(target.host);
  const isForbidden = isLoopback(target.host) || isIP(name) !== 0 ? isForbiddenAddress(isIP(name) === 0 ? "127.0.0.1" : name, home) : false;
  if (isForbidden)
    throw invalidResponse(
      label,
      `${printable(target.host, 100)} is a loopback or link-local address; refused to connect to it on behalf of a remote registry`,
    );
}

/** Tells whether a registry at `home` may not direct a client to this IP address. */
export function isForbiddenAddress(address: string, home: URL): boolean {
  if (isLinkLocalAddress(address)) return !isLinkLocalAddress(hostname(home.host));
  return isLoopbackAddress(address) && !isLoopback(home.host);
}
