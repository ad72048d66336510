import { readFileSync } from "node:fs";
import { OcilotError } from "@ocilot/layout";
import type { ListenOptions } from "@ocilot/server";
import { usageError } from "../command-line/usage-error.js";

/** For commands that listen for connections. */
export const listenOptions = {
  addr: {
    type: "string",
    placeholder: "HOST:PORT",
    default: "127.0.0.1:5000",
    configurable: true,
    complete: "none",
    group: "Network",
    describe: "Address to listen on; port 0 takes any free one",
  },
  "tls-cert": {
    type: "string",
    placeholder: "FILE",
    complete: "file",
    implies: ["tls-key"],
    group: "Network",
    describe: "Certificate chain (PEM); serves HTTPS",
  },
  "tls-key": {
    type: "string",
    placeholder: "FILE",
    complete: "file",
    implies: ["tls-cert"],
    group: "Network",
    describe: "Private key of the certificate (PEM)",
  },
  "insecure-http": {
    type: "boolean",
    group: "Network",
    describe: "Allow plain HTTP on an address that other machines can reach",
  },
} as const;

/** Returns where to listen, with certificate and key read. @throws OcilotError `USAGE`, `PATH_NOT_FOUND` */
export function listenOptionsOf(args: {
  readonly addr: string;
  readonly "tls-cert": string | undefined;
  readonly "tls-key": string | undefined;
  readonly "insecure-http": boolean;
}): ListenOptions {
  const { "tls-cert": cert, "tls-key": key } = args;
  return {
    ...addressOf(args.addr),
    insecureHttp: args["insecure-http"],
    ...(cert !== undefined && key !== undefined && { tls: { cert: readFile(cert), key: readFile(key) } }),
  };
}

/** `host:port`, `[::1]:5000`, `:5000` or `5000`; without a host this machine alone. @throws OcilotError `USAGE` */
export function addressOf(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:\s/]*)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw usageError(
      `--addr is ${JSON.stringify(text)}, not an address and a port`,
      "addr",
      "Write it like 127.0.0.1:5000, [::1]:5000 or :5000.",
    );
  }
  return { host: match[1] ?? (match[2] || "127.0.0.1"), port };
}

/** Reads a file that an option names. @throws OcilotError `PATH_NOT_FOUND`, `IO_ERROR` */
export function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const errno = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    if (errno === "ENOENT") throw new OcilotError("PATH_NOT_FOUND", `${path} does not exist`, { path });
    throw new OcilotError("IO_ERROR", `${path}: ${errno}`, { path, errno }, { cause: error });
  }
}
