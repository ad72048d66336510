import type { ServerLimits } from "@ocilot/server";
import { usageError } from "../command-line/usage-error.js";
import { durationOf } from "./duration.js";
import { sizeOf } from "./size.js";

/** What bounds the work of a server. */
export const limitOptions = {
  "max-manifest": {
    type: "string",
    complete: "none",
    group: "Limits",
    placeholder: "SIZE",
    default: "4194304",
    describe: "Largest manifest (4 MiB is what clients expect)",
  },
  "max-blob": { type: "string", complete: "none", group: "Limits", placeholder: "SIZE", default: "64G", describe: "Largest blob" },
  "max-uploads": { type: "string", complete: "none", group: "Limits", placeholder: "N", default: "1000", describe: "Uploads open at once" },
  "upload-idle": {
    type: "string",
    complete: "none",
    group: "Limits",
    placeholder: "TIME",
    default: "1h",
    describe: "Remove an upload that nobody continues for this long",
  },
  "upload-age": {
    type: "string",
    complete: "none",
    group: "Limits",
    placeholder: "TIME",
    default: "1d",
    describe: "Remove an upload that was started this long ago",
  },
  "min-free": {
    type: "string",
    complete: "none",
    group: "Limits",
    placeholder: "SIZE",
    default: "256M",
    describe: "Disk space that uploads leave free",
  },
  "header-timeout": {
    type: "string",
    complete: "none",
    group: "Limits",
    placeholder: "TIME",
    default: "10s",
    describe: "Time for the headers of a request",
  },
  "idle-timeout": {
    type: "string",
    complete: "none",
    group: "Limits",
    placeholder: "TIME",
    default: "60s",
    describe: "Close a connection without traffic for this long",
  },
  "max-connections": {
    type: "string",
    complete: "none",
    group: "Limits",
    placeholder: "N",
    default: "4096",
    describe: "Connections at once",
  },
} as const;

type LimitArguments = { readonly [Name in keyof typeof limitOptions]: string };

/** Returns the limits. @throws OcilotError `USAGE` */
export function limitsOf(args: LimitArguments): Partial<ServerLimits> {
  return {
    maxManifestBytes: sizeOf(args["max-manifest"], "max-manifest"),
    maxBlobBytes: sizeOf(args["max-blob"], "max-blob"),
    maxUploads: countOf(args["max-uploads"], "max-uploads"),
    uploadIdle: durationOf(args["upload-idle"], "upload-idle"),
    uploadAge: durationOf(args["upload-age"], "upload-age"),
    minDiskFree: sizeOf(args["min-free"], "min-free"),
    headersTimeout: durationOf(args["header-timeout"], "header-timeout"),
    idleTimeout: durationOf(args["idle-timeout"], "idle-timeout"),
    maxConnections: countOf(args["max-connections"], "max-connections"),
  };
}

function countOf(text: string, option: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw usageError(`--${option} is ${JSON.stringify(text)}, not a whole number above 0`, option);
}
