/** Variables that every command follows. */
export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["OCILOT_CONFIG", "The configuration file to use in place of the usual one"],
  [
    "OCILOT_WAIT, OCILOT_CONVENTION, OCILOT_JSON, …",
    "A default for the option of that name, if it can be configured; in upper case with _ for -, and 1 or 0 for a switch",
  ],
  ["NO_COLOR, FORCE_COLOR", "Never, or always, color the output"],
  ["SOURCE_DATE_EPOCH", "The creation time that attach records, in seconds since 1970"],
  ["OCILOT_DEBUG", "Print where an internal error happened"],
];

/** Files that ocilot reads on its own account. */
export const FILES: readonly (readonly [string, string])[] = [
  [
    "~/.config/ocilot/config.json",
    'Defaults for options, such as {"wait": "60", "commands": {"copy": {"convention": ["oras"]}}}; the command line and OCILOT_ variables override them',
  ],
];
