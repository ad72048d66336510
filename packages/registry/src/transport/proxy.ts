import { BlockList, isIP } from "node:net";
import type { Environment } from "../environment.js";
import { hostname, isLoopback } from "../reference/host.js";

/**
 * The proxy for an address by `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (lower case first), undefined for none. As in Go's
 * tools, this machine is never asked for through a proxy, and https uses `HTTPS_PROXY` alone.
 */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const proxy = url.protocol === "https:" ? (env["https_proxy"] ?? env["HTTPS_PROXY"]) : (env["http_proxy"] ?? env["HTTP_PROXY"]);
  if (proxy === undefined || proxy === "" || isLoopback(url.host)) return undefined;
  if (isExcluded(url, env["no_proxy"] ?? env["NO_PROXY"] ?? "")) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

/** `NO_PROXY`: `*`, names with all below them, `.names` of which only those below, IP addresses and CIDR blocks, each with a port or without. */
function isExcluded(url: URL, list: string): boolean {
  const host = hostname(url.host).toLowerCase();
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return list.split(/[,\s]+/).some((raw) => {
    const entry = raw.toLowerCase();
    if (entry === "") return false;
    if (entry === "*") return true;
    if (entry.includes("/")) return isInBlock(host, entry);
    const ported = /^(.*[^:]|\[.*\]):(\d+)$/.exec(entry);
    const isV6 = isIP(entry) === 6;
    if (!isV6 && ported !== null && ported[2] !== port) return false;
    const name = (isV6 || ported === null ? entry : (ported[1] ?? "")).replace(/^\*(?=\.)/, "").replaceAll(/^\[|\]$/g, "");
    return name.startsWith(".") ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
  });
}

function isInBlock(host: string, block: string): boolean {
  const family = isIP(host);
  const [base = "", bits = ""] = block.split("/");
  if (family === 0 || isIP(base) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  const kind = family === 4 ? "ipv4" : "ipv6";
  list.addSubnet(base, Number(bits), kind);
  return list.check(host, kind);
}
