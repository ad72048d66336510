import type { Io } from "../io.js";
import type { OutputSettings } from "../output.js";

/** Returns what the global options say about output, with the variables that other programs follow too. */
export function outputSettings(args: Readonly<Record<string, unknown>>, { env, isTTY }: Io): OutputSettings {
  const isForced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0";
  const isPlain = args["no-color"] === true || (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return {
    quiet: args["quiet"] === true,
    verbose: args["verbose"] === true,
    color: !isPlain && (isTTY || isForced),
    progress: args["no-progress"] === true || args["progress"] === "none" ? "none" : args["progress"] === "json" ? "json" : "auto",
    logFormat: args["log-format"] === "json" ? "json" : "text",
  };
}
