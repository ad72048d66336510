import type { Flag } from "./define-command.js";
import { globalOptions } from "./global-options.js";

/** Returns the arguments with global options that stand before the verb moved behind it. */
export function hoistGlobals(argv: readonly string[]): string[] {
  let at = 0;
  for (let width = widthOf(argv[0]); width > 0; width = widthOf(argv[at])) at += width;
  const verb = argv.slice(at, at + 1);
  return [...verb, ...argv.slice(0, at), ...argv.slice(at + 1)];
}

/** Returns how many arguments a global option takes up; 0 for anything else. */
function widthOf(arg: string | undefined): number {
  if (arg === undefined) return 0;
  for (const [name, { type, alias }] of Object.entries(globalOptions) as [string, Flag][]) {
    if (arg === `--${name}` || arg === `-${alias}`) return type === "boolean" ? 1 : 2;
    if (arg.startsWith(`--${name}=`)) return 1;
  }
  return 0;
}
