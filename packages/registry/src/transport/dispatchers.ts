import { type LookupAddress, type LookupAllOptions, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import { type TlsMaterial, environmentAuthorities, tlsMaterial } from "./certificates.js";
import type { Environment } from "../environment.js";
import { proxyFor } from "./proxy.js";
import { isForbiddenAddress } from "./redirect.js";
import { MAX_HEAD_BYTES, reusingConnector } from "./reused-reads.js";
import { OcilotError } from "@ocilot/layout/spec";
import { rootCertificates } from "node:tls";

/** Settings of connections. */
export interface ConnectionOptions {
  readonly caFile: string | undefined;
  readonly certificateDirectories: readonly string[];
  readonly insecure: boolean;
  /** Milliseconds to wait for a connection. */
  readonly connectTimeout: number;
  readonly env: Environment;
}

/** The connection pools of a session, one per combination of proxy, certificates and address policy. */
export class Dispatchers {
  readonly #options: ConnectionOptions;
  readonly #injected: Dispatcher | undefined;
  readonly #pools: Map<string, Dispatcher> = new Map();
  readonly #material: Map<string, TlsMaterial | undefined> = new Map();

  constructor(options: ConnectionOptions, injected: Dispatcher | undefined) {
    this.#options = options;
    this.#injected = injected;
  }

  /**
   * The pool for an address, on behalf of the registry at `home`. Host names other than the registry's must not resolve to a loopback or
   * link-local address.
   */
  for(url: URL, home: URL): Dispatcher {
    if (this.#injected !== undefined) return this.#injected;
    const isHome = url.host === home.host;
    const material = this.tls(url.host);
    const proxy = proxyFor(url, this.#options.env);
    const key = `${proxy ?? ""} ${material === undefined ? "" : url.host} ${isHome || proxy !== undefined ? "" : home.host}`;
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      const lookup_ = isHome ? undefined : guardedLookup(home);
      pool = this.#make(material, proxy, lookup_);
      this.#pools.set(key, pool);
    }
    return pool;
  }

  /** The certificates of a host, read once. */
  tls(host: string): TlsMaterial | undefined {
    if (!this.#material.has(host)) {
      const { caFile, certificateDirectories: directories, env } = this.#options;
      this.#material.set(host, tlsMaterial(host, { caFile, directories, env }));
    }
    return this.#material.get(host);
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #make(material: TlsMaterial | undefined, proxy: string | undefined, lookup_: LookupFunction | undefined): Dispatcher {
    const { insecure, connectTimeout, env } = this.#options;
    const extra = environmentAuthorities(env);
    const tls = {
      ...(material ?? (extra.length > 0 ? { ca: [...rootCertificates, ...extra] } : {})),
      ...(insecure && { rejectUnauthorized: false }),
      timeout: connectTimeout,
    };
    const common = { keepAliveTimeout: 4000, maxHeaderSize: MAX_HEAD_BYTES };
    if (proxy !== undefined) {
      try {
        return new ProxyAgent({ ...common, uri: proxy, proxyTunnel: false, requestTls: tls, proxyTls: { timeout: connectTimeout } });
      } catch {
        throw new OcilotError("USAGE", "the address of the proxy in HTTP_PROXY or HTTPS_PROXY is invalid", { argument: "HTTP_PROXY" });
      }
    }
    return new Agent({ ...common, connect: reusingConnector({ ...tls, ...(lookup_ !== undefined && { lookup: lookup_ }) }) });
  }
}

/** As `dns.lookup`, but fails for names that resolve to an address which the registry at `home` may not direct a client to. */
function guardedLookup(home: URL): LookupFunction {
  return (name, options, callback) => {
    const all: LookupAllOptions = { ...options, all: true };
    lookup(name, all, (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => {
      const forbidden = error === null ? addresses.find(({ address }) => isForbiddenAddress(address, home)) : undefined;
      const failure =
        forbidden === undefined
          ? error
          : Object.assign(new Error(`${name} resolves to a loopback or link-local address`), { code: "ERR_FORBIDDEN_ADDRESS" });
      const first = addresses?.[0];
      if (failure !== null || first === undefined) callback(failure, "", 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
