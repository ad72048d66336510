import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, createServer, request as httpRequest } from "node:http";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { RequestLog } from "./request-log.js";
import { closeServer, listen } from "./test-registry.js";

/** What a proxy does to one request. */
export type Fault =
  /** Half of the answer's body (or that many bytes of it), then the connection is cut. */
  | { readonly kind: "cut"; readonly after?: number }
  /** That many bytes of the request's body, then the connection is reset; nothing reaches the registry but those. */
  | { readonly kind: "reset"; readonly after: number }
  /** This status in the place of the registry's answer; `afterBody`: once the body has been taken. */
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly afterBody?: boolean }
  /** One bit of the answer's body is another. */
  | { readonly kind: "flip" }
  /** No more than so many bytes of the body in a second. */
  | { readonly kind: "slow"; readonly bytesPerSecond: number }
  /** The body stops after that many bytes, and the connection stays open. */
  | { readonly kind: "stall"; readonly after: number }
  /** 307 to another place, with the same path. */
  | { readonly kind: "redirect"; readonly to: string; readonly status?: number }
  /** Headers of the answer are changed; `null` takes one away. */
  | { readonly kind: "headers"; readonly set: Readonly<Record<string, string | null>> };

export interface FaultRule {
  readonly method?: string;
  /** Matched against the path and query. */
  readonly path: RegExp;
  /** How often for each method and path (default: once). */
  readonly times?: number;
  /** How often in all. */
  readonly total?: number;
  readonly fault: Fault;
}

/** Stands before a registry, forwards what is asked, and does what its rules say. */
export interface FaultProxy {
  /** `host:port` */
  readonly host: string;
  /** What went through, with the bytes of both bodies. */
  readonly log: RequestLog;
  /** The rules in their order; the first that fits and is not used up counts. They may be changed while it runs. */
  readonly rules: FaultRule[];
  /** How many faults there have been. */
  readonly faults: () => number;
  /** How many requests are not over yet. */
  readonly pending: () => number;
  close(): Promise<void>;
}

/** Starts a proxy before the registry at `target` (`host:port`), over plain http. */
export async function startFaultProxy(target: string, initial: readonly FaultRule[] = []): Promise<FaultProxy> {
  const rules = [...initial];
  const used = new Map<FaultRule, Map<string, number>>();
  const log = new RequestLog();
  let faults = 0;
  let pending = 0;
  const server = createServer((request, response) => {
    const counter: Counter = { in: 0, out: 0 };
    request.on("data", (chunk: Buffer) => (counter.in += chunk.length));
    request.pause();
    pending++;
    response.once("close", () => {
      pending--;
      log.add({
        method: request.method ?? "",
        path: request.url ?? "",
        status: response.statusCode,
        headers: request.headers,
        bytesIn: counter.in,
        bytesOut: counter.out,
      });
    });
    const fault = faultFor(request);
    if (fault !== undefined) faults++;
    serve({ request, response, target, counter, fault }).catch(() => response.destroy());
  });
  const host = await listen(server);
  return { host, log, rules, faults: () => faults, pending: () => pending, close: async () => await closeServer(server) };

  function faultFor(request: IncomingMessage): Fault | undefined {
    const key = `${request.method} ${(request.url ?? "").replace(/(uploads\/)[^?]*\?.*(digest=)/, "$1$2")}`;
    for (const rule of rules) {
      if ((rule.method !== undefined && rule.method !== request.method) || !rule.path.test(request.url ?? "")) continue;
      const counts = used.get(rule) ?? new Map<string, number>();
      used.set(rule, counts);
      const count = counts.get(key) ?? 0;
      const sum = [...counts.values()].reduce((a, b) => a + b, 0);
      if (count >= (rule.times ?? 1) || sum >= (rule.total ?? Infinity)) continue;
      counts.set(key, count + 1);
      return rule.fault;
    }
    return undefined;
  }
}

interface Counter {
  in: number;
  out: number;
}

interface Passage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: string;
  readonly counter: Counter;
  readonly fault: Fault | undefined;
}

async function serve(passage: Passage): Promise<void> {
  const { request, response, target, fault } = passage;
  if (fault?.kind === "status") {
    if (fault.afterBody === true) for await (const _ of request) continue;
    else request.resume();
    response.writeHead(fault.status, { ...fault.headers, "content-length": 0 });
    return void response.end();
  }
  if (fault?.kind === "redirect") {
    request.resume();
    response.writeHead(fault.status ?? 307, { location: `${fault.to}${request.url}`, "content-length": 0 });
    return void response.end();
  }
  const upstream = httpRequest({
    host: "127.0.0.1",
    port: Number(target.split(":")[1]),
    method: request.method,
    path: request.url,
    headers: request.headers,
  });
  upstream.on("error", () => response.destroy());
  response.once("close", () => upstream.destroy());
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    upstream.once("response", resolve);
    upstream.once("error", reject);
    upstream.once("close", () => reject(new Error("closed")));
  });
  answered.catch(() => undefined);
  let taken = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (fault?.kind === "reset" && taken + chunk.length >= fault.after) {
      upstream.write(chunk.subarray(0, fault.after - taken));
      await sleep(5);
      upstream.destroy();
      return void request.socket.resetAndDestroy();
    }
    taken += chunk.length;
    if (fault?.kind === "slow") await sleep((chunk.length * 1000) / fault.bytesPerSecond);
    if (!upstream.write(chunk)) await drained(upstream);
  }
  upstream.end();
  await forward(passage, await answered);
}

async function forward({ response, fault, counter }: Passage, answer: IncomingMessage): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, changed(answer.headers, fault));
  const length = Number(answer.headers["content-length"] ?? 0);
  const limit = fault?.kind === "cut" ? (fault.after ?? Math.floor(length / 2)) : fault?.kind === "stall" ? fault.after : Infinity;
  let sent = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (fault?.kind === "flip" && sent === 0) chunk[chunk.length >> 1]! ^= 1;
    const piece = chunk.subarray(0, Math.max(Math.min(chunk.length, limit - sent), 0));
    sent += piece.length;
    counter.out += piece.length;
    if (piece.length > 0 && !response.write(piece)) await drained(response);
    if (fault?.kind === "slow") await sleep((piece.length * 1000) / fault.bytesPerSecond);
    if (sent >= limit) {
      if (fault?.kind === "stall") return;
      // What was written is to arrive before the end does.
      await new Promise((resolve) => response.write("", resolve));
      await sleep(5);
      return void response.destroy();
    }
  }
  response.end();
}

function changed(headers: IncomingHttpHeaders, fault: Fault | undefined): IncomingHttpHeaders {
  if (fault?.kind !== "headers") return headers;
  const result = { ...headers };
  for (const [name, value] of Object.entries(fault.set)) {
    if (value === null) delete result[name];
    else result[name] = value;
  }
  return result;
}

/** Waits until a stream takes more, or is over. */
async function drained(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}
