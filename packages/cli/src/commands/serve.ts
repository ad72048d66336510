import { createWriteStream } from "node:fs";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { type AccessRecord, createServer, inspectPage } from "@ocilot/server";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import type { Io } from "../io.js";
import { accessOptions, accessRulesOf } from "../options/access.js";
import { listenOptions, listenOptionsOf, readFile } from "../options/listen.js";
import { limitOptions, limitsOf } from "../options/server-limits.js";
import { waitOf, writeOptions } from "../options/write.js";

export const command: Command = defineCommand({
  name: "serve",
  group: "Move",
  describe: "Serve layouts as a registry: pull, push, referrers of every convention, and a web page that shows them",
  usage: "serve PATH... [--addr 127.0.0.1:5000] [--writable]",
  examples: [
    ["ocilot serve ./images", "every layout and tar below ./images is a repository, read-only"],
    ["ocilot serve ./layout --name team/app", "one layout, as the repository team/app"],
    ["ocilot serve ./images --writable", "take pushes; repositories are made on the first push"],
    [
      "ocilot serve ./images --writable --addr 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem --htpasswd users --anonymous-pull",
      "anyone pulls, accounts push, over HTTPS",
    ],
  ],
  notes: [
    "A folder is served with all layouts below it, each named by its path; NAME.tar is the read-only repository NAME. Reading changes no file.",
    "Pushed referrers are recorded in the conventions that the layout uses, or in universal. Other ocilot commands may write to the same layouts meanwhile.",
    "An interrupted upload can be resumed, also after a restart. Interrupt (Ctrl-C) stops gracefully: running requests end first.",
    "A browser shows the page at /: images, evidence, packages of SBOMs, which tools find what. --no-page leaves it out; ocilot view writes it to a file.",
    "GET /healthz tells whether it runs, GET /metrics gives figures for Prometheus.",
  ],
  seeAlso: ["copy", "attach", "view"],
  positionals: {},
  variadic: { name: "path", min: 1, complete: "directory", describe: "A layout, a tar of one, or a folder of them" },
  options: {
    name: {
      type: "string",
      placeholder: "NAME",
      complete: "none",
      describe: "Repository name of a single layout (default: from its tags or path)",
    },
    writable: { type: "boolean", describe: "Take pushes" },
    delete: { type: "boolean", implies: ["writable"], describe: "Delete manifests, tags and unreferenced blobs when asked to" },
    "no-page": { type: "boolean", describe: "Serve no page at /" },
    "access-log": {
      type: "string",
      placeholder: "FILE",
      complete: "file",
      describe: "Append one JSON line per request; - for standard output",
    },
    ...listenOptions,
    ...accessOptions,
    ...limitOptions,
    ...writeOptions,
  },

  async run(args, { io, out, signal }) {
    const access = accessRulesOf(args);
    const log = args["access-log"] === undefined ? undefined : openLog(args["access-log"], io);
    const server = await createServer(args.rest, {
      ...listenOptionsOf(args),
      limits: limitsOf(args),
      writable: args.writable,
      delete: args.delete,
      anonymousWrite: args["anonymous-write"],
      sync: !args["no-sync"],
      lockWait: waitOf(args.wait),
      ...(!args["no-page"] && { pages: inspectPage() }),
      ...(args.name !== undefined && { name: args.name }),
      ...(args.htpasswd !== undefined && { htpasswd: readFile(args.htpasswd) }),
      ...(access !== undefined && { access }),
      ...(log !== undefined && { log: log.write }),
    });
    try {
      out.say(`Serving ${args.rest.join(", ")} at ${server.url} (${args.writable ? "pull and push" : "read-only"})`);
      if (!signal.aborted) await once(signal, "abort");
    } finally {
      await server.close();
      await log?.end();
    }
    out.say("Stopped");
    return EXIT.ok;
  },
});

/** Lines of the access log, one for each request. */
function openLog(path: string, { stdout }: Io): { write(record: AccessRecord): void; end(): Promise<void> } {
  const stream: Writable = path === "-" ? stdout : createWriteStream(path, { flags: "a" });
  // A log that cannot be written must not end the server.
  stream.on("error", () => undefined);
  return {
    write: (record) => void stream.write(`${JSON.stringify(record)}\n`),
    end: async () => {
      if (stream !== stdout) await new Promise<void>((resolve) => stream.end(resolve));
    },
  };
}
