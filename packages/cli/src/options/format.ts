import type { Flag } from "../command-line/define-command.js";

/** How a command that lists things prints them. */
export type ListFormat = "table" | "tree" | "json";

/** For commands that list things: `--format`, and `--fields` for scripts. */
export function formatOptions<const Field extends string>(
  fields: readonly Field[],
  usual: ListFormat,
): {
  readonly format: Flag & { readonly type: "string" };
  readonly fields: Flag & { readonly type: "string"; readonly list: true };
} {
  return {
    format: {
      type: "string",
      placeholder: "FORMAT",
      choices: ["table", "tree", "json"],
      configurable: true,
      group: "Output",
      describe: `How to print the list (default: ${usual}; json is the same as --json)`,
    },
    fields: {
      type: "string",
      list: true,
      placeholder: "FIELD,...",
      choices: fields,
      conflicts: ["format", "json"],
      group: "Output",
      describe: "Print these fields only, separated by tabs, without a heading",
    },
  };
}

/** Returns the format that the options ask for. */
export function formatOf(args: { readonly format?: string | undefined; readonly json: boolean }, usual: ListFormat): ListFormat {
  return args.json ? "json" : ((args.format as ListFormat | undefined) ?? usual);
}
