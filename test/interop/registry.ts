import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { environment, locate } from "./tools.js";

/** A real registry on a free port of the loopback interface, which keeps its files below `directory`. */
export interface Registry {
  /** `host:port` */
  readonly address: string;
  stop(): Promise<void>;
}

/** The variable that tells the tests its address. */
export const REGISTRY = "OCILOT_INTEROP_REGISTRY";

/** `host:port` of the registry that setup.ts has started; every test has repositories of its own there. */
export function registryAddress(): string {
  return process.env[REGISTRY] ?? "";
}

/** What a registry asks of its clients. */
export interface RegistrySetup {
  /** Files in PEM. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** The value of `auth` in its configuration. */
  readonly auth?: object;
}

/** Starts docker-registry and waits until it answers. It is without the Referrers API: clients use referrers tags. */
export async function startRegistry(directory: string, { tls, auth }: RegistrySetup = {}): Promise<Registry> {
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(directory, "registry.yml");
  await writeFile(
    config,
    [
      "version: 0.1",
      "log: { accesslog: { disabled: true }, level: error }",
      `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(directory, "registry"))} }, delete: { enabled: true } }`,
      `http: ${JSON.stringify({ addr: address, ...(tls !== undefined && { tls }) })}`,
      ...(auth === undefined ? [] : [`auth: ${JSON.stringify(auth)}`]),
      "",
    ].join("\n"),
  );
  const child = spawn(locate("docker-registry")!, ["serve", config], { env: environment(), stdio: "ignore" });
  await answers(address, child);
  return {
    address,
    async stop() {
      if (hasEnded(child)) return;
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function answers(address: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (hasEnded(child)) throw new Error("docker-registry ended at once");
    if (await accepts(address)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill();
  throw new Error("docker-registry does not answer");
}

async function accepts(address: string): Promise<boolean> {
  const [host = "", port = ""] = address.split(":");
  const socket = connect({ host, port: Number(port) });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
