import { once } from "node:events";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { blobRoute, uploadRoute } from "./blob-routes.js";
import { type Exchange, fail, send } from "./exchange.js";
import { referrersRoute, tagsRoute } from "./list-routes.js";
import { manifestRoute } from "./manifest-routes.js";
import type { RegistryQuirks } from "./quirks.js";
import { RepositoryState } from "./registry-state.js";
import { RequestLog } from "./request-log.js";

export interface TestRegistryOptions {
  readonly quirks?: RegistryQuirks;
  /** Serve https with this certificate. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
}

/** An OCI registry in this process, on a free port of the loopback interface. */
export interface TestRegistry {
  /** `host:port` */
  readonly host: string;
  /** With scheme, without a slash at the end. */
  readonly url: string;
  readonly log: RequestLog;
  /** May be changed while it runs. */
  readonly quirks: RegistryQuirks;
  /** What a repository holds; made empty where it is not there. */
  repository(name: string): RepositoryState;
  close(): Promise<void>;
}

/** Starts a registry that follows distribution-spec 1.1, but for its quirks, and keeps everything in memory. */
export async function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const { quirks = {}, tls } = options;
  const repositories = new Map<string, RepositoryState>();
  const log = new RequestLog();
  const repository = (name: string): RepositoryState => {
    const found = repositories.get(name) ?? new RepositoryState();
    repositories.set(name, found);
    return found;
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    count(request, response, log);
    answer(request, response, { quirks, repositories, repository }).catch((error: unknown) => response.destroy(error as Error));
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer({ key: tls.key, cert: tls.cert }, listener);
  const host = await listen(server);
  return {
    host,
    url: `http${tls === undefined ? "" : "s"}://${host}`,
    log,
    quirks,
    repository,
    close: async () => await closeServer(server),
  };
}

/** Listens on a free port of the loopback interface and gives `host:port`. */
export async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Notes a request when its answer is over, with the bytes of both bodies. */
function count(request: IncomingMessage, response: ServerResponse, log: RequestLog): void {
  const { method = "", url: path = "", headers, socket } = request;
  const [read, written] = [socket.bytesRead, socket.bytesWritten];
  response.once("close", () =>
    log.add({
      method,
      path,
      status: response.statusCode,
      headers,
      bytesIn: Math.max(socket.bytesRead - read, Number(headers["content-length"] ?? 0)),
      bytesOut: socket.bytesWritten - written,
    }),
  );
}

interface Place {
  readonly quirks: RegistryQuirks;
  readonly repositories: ReadonlyMap<string, RepositoryState>;
  repository(name: string): RepositoryState;
}

async function answer(request: IncomingMessage, response: ServerResponse, { quirks, repositories, repository }: Place): Promise<void> {
  const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
  if (quirks.warning !== undefined) response.setHeader("warning", `299 - ${JSON.stringify(quirks.warning)}`);
  if (url.pathname === "/signin") return send({ request, response }, 200, { "content-type": "text/html" }, "<html>Sign in</html>");
  const [, name, route, tail] = /^\/v2\/(?:(.+)\/(manifests|blobs\/uploads|blobs|referrers|tags)\/([^/]*))?$/.exec(url.pathname) ?? [];
  const scope =
    name === undefined ? "" : `repository:${name}:${request.method === "GET" || request.method === "HEAD" ? "pull" : "pull,push"}`;
  const challenge = quirks.authorize?.(request, scope);
  if (challenge !== undefined) {
    request.resume();
    response.setHeader("www-authenticate", challenge);
    return fail({ request, response }, 401, "UNAUTHORIZED", "authentication required");
  }
  if (url.pathname === "/v2/" || url.pathname === "/v2")
    return send({ request, response }, 200, { "content-type": "application/json" }, "{}");
  if (name === undefined || tail === undefined) return fail({ request, response }, 404, "NAME_UNKNOWN");
  const exchange: Exchange = { request, response, url, name, repository: repository(name), repositories, quirks };
  const reference = decodeURIComponent(tail);
  if (route === "manifests") await manifestRoute(exchange, reference);
  else if (route === "blobs") blobRoute(exchange, reference);
  else if (route === "blobs/uploads") await uploadRoute(exchange, reference);
  else if (route === "referrers") referrersRoute(exchange, reference);
  else if (tail === "list") tagsRoute(exchange);
  else fail(exchange, 404, "NAME_UNKNOWN");
}
