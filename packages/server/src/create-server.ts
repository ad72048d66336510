/// <reference lib="esnext.disposable" preserve="true" />
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { OcilotError, type Layout } from "@ocilot/layout";
import { isLoopbackHost, listen, type ListenOptions } from "./http/listen.js";
import { type Source, openRepositories } from "./open-repositories.js";
import type { RegistryOptions } from "./options.js";
import { Registry } from "./registry.js";

/** How a server is started. */
export interface ServerOptions extends RegistryOptions, ListenOptions {
  /** Milliseconds that {@link RegistryServer.close} waits for requests under way (default: 10,000). */
  readonly stopTimeout?: number;
  /** Accept pushes without an account on an address outside this machine. */
  readonly anonymousWrite?: boolean;
}

const SWEEP_MS = 60_000;

/** A registry that listens. */
export class RegistryServer {
  /** `http://127.0.0.1:49152`, without a slash at the end. */
  readonly url: string;
  /** `127.0.0.1:49152`, as it stands before a repository name. */
  readonly address: string;
  readonly registry: Registry;
  readonly #close: () => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(registry: Registry, running: { readonly url: string; readonly close: () => Promise<void> }) {
    const { url, close } = running;
    this.registry = registry;
    this.url = url;
    this.address = new URL(url).host;
    this.#close = close;
  }

  /** The layout of a repository; undefined if there is none. */
  async layout(name: string): Promise<Layout | undefined> {
    return (await this.registry.repositories.find(name))?.layout;
  }

  /** Stops: no new connections, requests under way end, uploads stay to be resumed. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Starts a registry: of a folder of layouts, of a layout, or in memory. In memory it takes pushes and deletes; of files it is read-only
 * unless `writable` is set.
 * @throws OcilotError `USAGE` for options that are not safe together, `PATH_NOT_FOUND`, `NOT_A_LAYOUT`, `IO_ERROR` if the address is taken
 * @example
 * ```ts
 * import { createServer } from "@ocilot/server";
 *
 * await using registry = await createServer(); // without a folder: in memory, for tests
 * const answer = await fetch(`${registry.url}/v2/`);
 * console.log(registry.address, answer.status);
 * ```
 */
export async function createServer(source?: Source, options: ServerOptions = {}): Promise<RegistryServer> {
  const isMemory = source === undefined;
  const writable = options.writable ?? isMemory;
  refuseOpenDoor({ ...options, writable });
  const { sync = true, lockWait = 30_000, name } = options;
  let registry: Registry | undefined;
  const onCommit = (manifests: number): void => registry?.metrics.commit(manifests);
  const repositories = await openRepositories(source, { sync, lockWait, onCommit, ...(name !== undefined && { name }) });
  registry = new Registry(repositories, { ...options, sync, writable, delete: options.delete ?? isMemory });
  const { server, sockets } = await listen(registry, { ...options, limits: registry.limits, log: options.log }).catch(
    async (error: unknown) => {
      await repositories.close();
      throw error;
    },
  );
  const sweeper = setInterval(() => void registry.sweep().catch(() => undefined), Math.min(SWEEP_MS, registry.limits.uploadIdle));
  sweeper.unref();
  const { address, port, family } = server.address() as AddressInfo;
  const host = family === "IPv6" ? `[${address}]` : address;
  const close = async (): Promise<void> => {
    clearInterval(sweeper);
    registry.stopping("stopping");
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    const timer = setTimeout(() => sockets.forEach((socket) => socket.destroy()), options.stopTimeout ?? 10_000);
    await closed;
    clearTimeout(timer);
    await registry.close();
  };
  return new RegistryServer(registry, { url: `${options.tls === undefined ? "http" : "https"}://${host}:${port}`, close });
}

function refuseOpenDoor({ host = "127.0.0.1", writable, htpasswd, anonymousWrite }: ServerOptions): void {
  if (writable !== true || htpasswd !== undefined || anonymousWrite === true || isLoopbackHost(host)) return;
  throw new OcilotError(
    "USAGE",
    `anybody who can reach ${host} could push: there are no accounts`,
    { argument: host },
    { hint: "Add --htpasswd FILE, or --anonymous-write if everybody on the network may push." },
  );
}
