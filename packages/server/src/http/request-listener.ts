import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { AccessRecord } from "../observe/access-record.js";
import type { Registry } from "../registry.js";
import { matchRoute } from "../routes/match-route.js";
import { bodySize } from "../protocol/answer.js";
import { RegistryError, toRegistryError } from "../protocol/registry-error.js";
import { fromNode } from "../protocol/request.js";
import { sendAnswer } from "./send-answer.js";

/** What is left of a body that nobody wants is read up to here. */
const DRAIN_BYTES = 64 << 10;
const LINGER_MS = 500;

/** What is known of a request when it is over. */
interface Outcome {
  route: string;
  status: number;
  sent: number;
  user?: string;
  error?: RegistryError;
  fault?: unknown;
}

/** Connects a registry to Node's server: every request is answered, counted and logged, whatever becomes of it. */
export function requestListener(registry: Registry, log: ((record: AccessRecord) => void) | undefined): RequestListener {
  return (message, response) => {
    void answer(registry, message, response).then((outcome) => {
      const seconds = (performance.now() - outcome.started) / 1000;
      registry.metrics.request(outcome.route, knownMethod(message.method), { status: outcome.status, seconds, sent: outcome.sent });
      log?.(recordOf(message, response, outcome, seconds));
    });
  };
}

async function answer(registry: Registry, message: IncomingMessage, response: ServerResponse): Promise<Outcome & { started: number }> {
  const started = performance.now();
  const outcome: Outcome & { started: number } = {
    started,
    route: matchRoute((message.url ?? "").split("?")[0]!)?.id ?? "none",
    status: 0,
    sent: 0,
  };
  const gone = new AbortController();
  response.on("close", () => gone.abort("the connection was closed"));
  // An error of the connection is met where its body is read; without a listener it would end the process.
  message.on("error", () => undefined);
  response.on("error", () => undefined);
  const method = message.method ?? "GET";
  const { idleTimeout } = registry.limits;
  try {
    const handled = await registry.handle(fromNode(message, gone.signal));
    outcome.route = handled.route;
    if (handled.user !== undefined) outcome.user = handled.user;
    outcome.status = handled.answer.status;
    // Connections that stay open would keep a server that stops from ending.
    if (registry.isStopping) response.setHeader("connection", "close");
    outcome.sent = await sendAnswer(response, handled.answer, { method, idleTimeout });
  } catch (error) {
    outcome.fault = error;
    outcome.error = toRegistryError(error);
    outcome.status = outcome.error.status;
    if (response.headersSent || response.destroyed) response.destroy();
    else {
      const refusal = outcome.error.answer();
      outcome.sent = method === "HEAD" ? 0 : bodySize(refusal.body);
      await sendAnswer(response, refusal, { method, idleTimeout }).catch(() => response.destroy());
    }
  }
  // What the client still sends would be read as its next request, or keep it from reading the answer.
  if (!message.readableEnded) finishReading(message, response);
  return outcome;
}

/** A little is read and thrown away, so that the client gets to the answer; for more the connection is closed, once it can have read it. */
function finishReading(message: IncomingMessage, response: ServerResponse): void {
  message.resume();
  const length = message.headers["transfer-encoding"] === undefined ? Number(message.headers["content-length"] ?? 0) : Infinity;
  if (length <= DRAIN_BYTES) return;
  const end = (): void => void setTimeout(() => message.socket.destroySoon(), LINGER_MS).unref();
  if (response.writableFinished) end();
  else response.once("finish", end);
}

function recordOf(message: IncomingMessage, response: ServerResponse, outcome: Outcome, seconds: number): AccessRecord {
  const url = message.url ?? "";
  const { error, fault } = outcome;
  const agent = message.headers["user-agent"];
  return {
    time: new Date(Date.now() - seconds * 1000).toISOString(),
    remote: message.socket.remoteAddress ?? "",
    method: (message.method ?? "").slice(0, 20),
    path: url.split("?")[0]!.slice(0, 512),
    route: outcome.route,
    status: outcome.status,
    sent: outcome.sent,
    milliseconds: Math.round(seconds * 1e6) / 1e3,
    ...(outcome.user !== undefined && { user: outcome.user }),
    ...(agent !== undefined && { agent: agent.slice(0, 200) }),
    ...(response.destroyed && !response.writableFinished && { aborted: true }),
    ...(error !== undefined && { error: error.code }),
    ...(fault !== undefined &&
      error !== undefined &&
      error.status >= 500 && { cause: String(fault instanceof Error ? (fault.stack ?? fault.message) : fault).slice(0, 2000) }),
  };
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** A client may send any word; each would be a label of its own. */
function knownMethod(method: string | undefined): string {
  return method !== undefined && METHODS.has(method) ? method : "other";
}
