/** Options of every command; they may also stand before it. */
export const globalOptions = {
  quiet: { type: "boolean", alias: "q", configurable: true, group: "Output", describe: "Print results and errors only" },
  verbose: {
    type: "boolean",
    alias: "v",
    conflicts: ["quiet"],
    configurable: true,
    group: "Output",
    describe: "Print more detail, and all warnings",
  },
  "no-color": { type: "boolean", configurable: true, group: "Output", describe: "Never color the output; NO_COLOR does the same" },
  progress: {
    type: "string",
    placeholder: "FORM",
    choices: ["auto", "json", "none"],
    default: "auto",
    configurable: true,
    group: "Output",
    describe: "Progress on standard error: lines on a terminal, one JSON document per second, or none",
  },
  "no-progress": { type: "boolean", configurable: true, group: "Output", describe: "The same as --progress none" },
  "log-format": {
    type: "string",
    placeholder: "FORMAT",
    choices: ["text", "json"],
    default: "text",
    configurable: true,
    group: "Output",
    describe: "Notes, warnings and errors on standard error as text, or as one JSON document per line",
  },
} as const;
