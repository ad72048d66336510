/** For commands that can tell what they would do. */
export const dryRunOption = {
  "dry-run": { type: "boolean", alias: "n", describe: "Print what would be done, and do nothing" },
} as const;
