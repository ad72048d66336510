/** For commands that check something: how they print what they found. */
export const reportFormatOption = {
  format: {
    type: "string",
    placeholder: "FORMAT",
    choices: ["text", "json", "sarif", "junit"],
    conflicts: ["json"],
    configurable: true,
    group: "Output",
    describe: "How to print what was found: for people, as JSON (same as --json), or as a report for CI (default: text)",
  },
} as const;
