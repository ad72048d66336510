import type { RegistrySessionOptions } from "@ocilot/registry";
import type { Io } from "../io.js";
import { usageError } from "../command-line/usage-error.js";
import { durationOf } from "./duration.js";

/** For commands that take docker:// references. */
export const registryOptions = {
  "plain-http": {
    type: "boolean",
    configurable: true,
    group: "Registry",
    describe: "Use http for docker:// references (default: only on this machine)",
  },
  insecure: { type: "boolean", configurable: true, group: "Registry", describe: "Accept any TLS certificate" },
  "ca-file": {
    type: "string",
    placeholder: "FILE",
    complete: "file",
    configurable: true,
    group: "Registry",
    describe: "Trust the PEM certificates in this file too",
  },
  authfile: {
    type: "string",
    placeholder: "FILE",
    complete: "file",
    configurable: true,
    group: "Registry",
    describe: "Read credentials from this file (default: those of docker and podman)",
  },
  jobs: {
    type: "string",
    placeholder: "N",
    complete: "none",
    configurable: true,
    group: "Registry",
    describe: "Requests to a registry at the same time (default: 8)",
  },
  mirror: {
    type: "string",
    array: true,
    placeholder: "HOST=MIRROR",
    complete: "none",
    configurable: true,
    group: "Registry",
    describe: "Ask MIRROR, a host with or without a path, for the content of HOST first",
  },
  "connect-timeout": {
    type: "string",
    placeholder: "TIME",
    complete: "none",
    configurable: true,
    group: "Registry",
    describe: "How long setting up a connection may take (default: 15s)",
  },
  "idle-timeout": {
    type: "string",
    placeholder: "TIME",
    complete: "none",
    configurable: true,
    group: "Registry",
    describe: "How long a registry may send nothing before the request is tried again (default: 60s)",
  },
  retries: {
    type: "string",
    placeholder: "N",
    complete: "none",
    configurable: true,
    group: "Registry",
    describe: "How often a failed request is tried again (default: 5)",
  },
} as const;

/** What the options say. */
export interface RegistryArguments {
  readonly "plain-http": boolean;
  readonly insecure: boolean;
  readonly "ca-file": string | undefined;
  readonly authfile: string | undefined;
  readonly jobs: string | undefined;
  readonly mirror: readonly string[] | undefined;
  readonly "connect-timeout": string | undefined;
  readonly "idle-timeout": string | undefined;
  readonly retries: string | undefined;
}

/**
 * Returns how registries are reached.
 * @param env where proxies, credentials and certificates are looked up
 * @throws OcilotError `USAGE`
 */
export function registrySettings(args: RegistryArguments, env: Io["env"]): RegistrySessionOptions {
  const { insecure, authfile, mirror = [], "plain-http": plainHttp, "ca-file": caFile } = args;
  const jobs = numberOf("jobs", args.jobs, 1);
  const retries = numberOf("retries", args.retries, 0);
  const connectTimeout = timeOf("connect-timeout", args["connect-timeout"]);
  const idleTimeout = timeOf("idle-timeout", args["idle-timeout"]);
  return {
    env,
    ...(plainHttp && { plainHttp }),
    ...(insecure && { insecure }),
    ...(caFile !== undefined && { caFile }),
    ...(authfile !== undefined && { authFile: authfile }),
    ...(jobs !== undefined && { jobs }),
    ...(retries !== undefined && { retries }),
    ...(connectTimeout !== undefined && { connectTimeout }),
    ...(idleTimeout !== undefined && { idleTimeout, headersTimeout: idleTimeout }),
    ...(mirror.length > 0 && { mirrors: mirrorsOf(mirror) }),
  };
}

function numberOf(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : -1;
  if (value >= least) return value;
  throw usageError(`--${option} is ${JSON.stringify(text)}, not a number from ${least} to 999`, option);
}

/** The largest delay of a timer of Node. */
const MAX_TIME_MS = 2 ** 31 - 1;

function timeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = durationOf(text, option);
  if (value >= 1 && value <= MAX_TIME_MS) return value;
  throw usageError(`--${option} is ${JSON.stringify(text)}, not a time from 1ms to 24d`, option);
}

/** `docker.io=mirror.example/hub`: by host, what is asked first, in the order given. */
function mirrorsOf(given: readonly string[]): Record<string, string[]> {
  const mirrors: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const text of given) {
    const [, host, mirror] = /^([^=/\s]+)=([^=\s]+)$/.exec(text) ?? [];
    if (host === undefined || mirror === undefined || !MIRROR.test(mirror))
      throw usageError(`--mirror is ${JSON.stringify(text)}`, "mirror", "Write it like docker.io=mirror.example/hub.");
    (mirrors[host.toLowerCase()] ??= []).push(mirror);
  }
  return mirrors;
}

/** A host that is not taken for the first part of a path, and a path. */
const MIRROR = /^(?:localhost|[^/]*[.:\]][^/]*)(?:\/[a-z0-9][a-z0-9._-]*)*\/?$/;
