import { type Server, createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { type BlockList, BlockList as Blocks, type Socket, isIP } from "node:net";
import { once } from "node:events";
import { OcilotError } from "@ocilot/layout";
import type { ServerLimits } from "../options.js";
import type { Registry } from "../registry.js";
import type { AccessRecord } from "../observe/access-record.js";
import { requestListener } from "./request-listener.js";

/** Certificate and key, as PEM. */
export interface TlsFiles {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
}

/** Where a server listens. */
export interface ListenOptions {
  /** An address of this machine (default: `127.0.0.1`). */
  readonly host?: string;
  /** 0 takes any that is free, and so does leaving it out. */
  readonly port?: number;
  readonly tls?: TlsFiles;
  /** Listen on an address that others can reach without TLS: passwords and content are readable on the way. */
  readonly insecureHttp?: boolean;
}

const LOOPBACK: BlockList = new Blocks();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Tells whether only this machine can reach an address. A name is not looked up: only `localhost` counts.
 * @example
 * ```ts
 * import { isLoopbackHost } from "@ocilot/server";
 *
 * console.log(isLoopbackHost("127.0.0.1"), isLoopbackHost("0.0.0.0")); // true false
 * ```
 */
export function isLoopbackHost(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host === "localhost" : LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
}

/**
 * Starts to listen. Addresses that others can reach need TLS.
 * @throws OcilotError `USAGE` for an address that is refused or a certificate that cannot be used, `IO_ERROR` if the address is taken
 */
export async function listen(
  registry: Registry,
  options: ListenOptions & { readonly limits: ServerLimits; readonly log: ((record: AccessRecord) => void) | undefined },
): Promise<{ readonly server: Server; readonly sockets: ReadonlySet<Socket> }> {
  const { host = "127.0.0.1", port = 0, tls, limits } = options;
  if (tls === undefined && options.insecureHttp !== true && !isLoopbackHost(host)) {
    throw new OcilotError(
      "USAGE",
      `${host} can be reached from other machines, and without TLS passwords and content are readable on the way`,
      { argument: host },
      { hint: "Add --tls-cert and --tls-key, listen on 127.0.0.1, or add --insecure-http if the network is trusted." },
    );
  }
  const listener = requestListener(registry, options.log);
  const shape = { requestTimeout: 0, headersTimeout: limits.headersTimeout, keepAliveTimeout: Math.min(limits.idleTimeout, 30_000) };
  const server = tls === undefined ? createHttp(shape, listener) : secure(tls, shape, listener);
  const sockets = watch(server, limits);
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (error) {
    const errno = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const hint = errno === "EADDRINUSE" ? "Another program listens there: choose another port." : "Choose an address of this machine.";
    throw new OcilotError(
      "IO_ERROR",
      `cannot listen on ${host}:${port}: ${errno}`,
      { path: `${host}:${port}`, errno },
      { hint, cause: error },
    );
  }
  return { server, sockets };
}

function secure(tls: TlsFiles, shape: object, listener: ReturnType<typeof requestListener>): Server {
  try {
    return createHttps({ ...shape, cert: tls.cert as string, key: tls.key as string, minVersion: "TLSv1.2" }, listener);
  } catch (error) {
    throw new OcilotError("USAGE", `the certificate or its key cannot be used: ${(error as Error).message}`, {}, { cause: error });
  }
}

/**
 * A connection without a byte for a while is closed, whatever it is in the middle of; and there is an upper limit to how many there
 * are, so that a crowd of slow clients does not use up the files of this process.
 */
function watch(server: Server, limits: ServerLimits): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.maxConnections = limits.maxConnections;
  server.setTimeout(limits.idleTimeout, (socket: Socket) => socket.destroy());
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) return socket.destroy();
    const status =
      error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : error.code === "HPE_HEADER_OVERFLOW"
          ? "431 Request Header Fields Too Large"
          : "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  });
  return sockets;
}
