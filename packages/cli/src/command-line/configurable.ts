/** Every option of any command that a variable or the configuration file may set; a test compares it with the commands. */
export const CONFIGURABLE: readonly string[] = [
  "addr",
  "authfile",
  "ca-file",
  "connect-timeout",
  "convention",
  "format",
  "idle-timeout",
  "insecure",
  "jobs",
  "json",
  "log-format",
  "max-size",
  "mirror",
  "no-color",
  "no-progress",
  "no-sync",
  "plain-http",
  "progress",
  "quiet",
  "retries",
  "verbose",
  "wait",
];

/** Options whose values differ between commands, with the values of all of them: a default applies where it is a value of the command. */
export const VALUES_OF_ALL: Readonly<Record<string, readonly string[]>> = {
  format: ["table", "tree", "json", "text", "sarif", "junit"],
};

/** Variables that set no option: `OCILOT_CONFIG`, `OCILOT_DEBUG`, and those that `bundle` and `unbundle` give to the programs they run. */
export const OTHER_VARIABLES: readonly string[] = ["config", "debug", "receipt", "signature"];
