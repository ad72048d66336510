import type { Flags } from "./define-command.js";
import { globalOptions } from "./global-options.js";

/** Options that may stand before the verb: the global ones, and `--json`, which most commands have. */
const HOISTED: Flags = { ...globalOptions, json: { type: "boolean", alias: "j", describe: "" } };

/** Returns the arguments with global options and `--json` that stand before the verb moved behind it. */
export function hoistGlobals(argv: readonly string[]): string[] {
  let at = 0;
  for (let width = widthOf(argv[0]); width > 0; width = widthOf(argv[at])) at += width;
  const verb = argv.slice(at, at + 1);
  return [...verb, ...argv.slice(0, at), ...argv.slice(at + 1)];
}

/** Returns how many arguments a global option takes up; 0 for anything else. */
function widthOf(arg: string | undefined): number {
  if (arg === undefined) return 0;
  for (const [name, { type, alias }] of Object.entries(HOISTED)) {
    if (arg === `--${name}` || arg === `-${alias}`) return type === "boolean" ? 1 : 2;
    if (arg.startsWith(`--${name}=`)) return 1;
  }
  return 0;
}
