import { styleText } from "node:util";
import type { Io } from "./io.js";
import { renderJson } from "./render/json.js";
import { printable } from "./render/printable.js";
import { Progress, type ProgressForm } from "./render/progress.js";

/** How a command reports, as the global options say. */
export interface OutputSettings {
  /** Results and errors only. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  /** On a terminal only, as JSON anywhere, or never. */
  readonly progress: "auto" | "json" | "none";
  /** Messages on standard error: lines for people, or one JSON document a line. */
  readonly logFormat: "text" | "json";
}

/** How many bytes of how many are done. */
export interface BytesDone {
  readonly bytes: number;
  readonly totalBytes: number;
}

type Style = Parameters<typeof styleText>[0];

const MAX_WARNINGS = 10;
const TICK_MS = 250;

/** Where a command prints: results to standard output, all else to standard error. Text from a layout is made harmless. */
export class Output {
  readonly settings: OutputSettings;
  readonly #io: Io;

  constructor(io: Io, settings: OutputSettings) {
    this.#io = io;
    this.settings = settings;
  }

  /** Prints a result: text that is harmless already, or raw lines. */
  print(text: string): void {
    this.#io.stdout.write(`${text}\n`);
  }

  /** Prints a result as a JSON document. */
  json(value: unknown): void {
    this.print(renderJson(value));
  }

  /** Tells what was done, on standard output; nothing with --quiet. */
  say(...lines: readonly string[]): void {
    if (!this.settings.quiet) for (const line of lines) this.print(printable(line));
  }

  /** Tells something by the way, on standard error. */
  note(message: string): void {
    this.#log("note", [message]);
  }

  /** Tells what the user should know although the command goes on; of many, only the first unless --verbose. */
  warn(messages: readonly string[]): void {
    const most = this.settings.verbose ? Infinity : MAX_WARNINGS;
    const rest = messages.length - most;
    this.#log("warning", rest > 0 ? [...messages.slice(0, most), `and ${rest} more; --verbose or --json shows them all`] : messages);
  }

  /** Colours text where a person reads it. */
  style(style: Style, text: string): string {
    return this.settings.color ? styleText(style, text, { validateStream: false } as never) : text;
  }

  /** Returns what tells progress on standard error: lines on a terminal, with --progress=json lines of JSON; else nothing. */
  progress(verb: string, json = false): Progress {
    return new Progress(this.#io, this.#progressForm(json), verb);
  }

  /** Shows how long work takes that does not count its steps, until it is done. */
  async during<T>(verb: string, work: Promise<T>, json = false): Promise<T> {
    const progress = this.progress(verb, json);
    const timer = setInterval(() => progress.updateTime(), TICK_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      progress.end();
    }
  }

  /** Shows the bytes that work has done and the rate. */
  async duringBytes<T>(verb: string, work: (onProgress: (event: BytesDone) => void) => Promise<T>, json = false): Promise<T> {
    const progress = this.progress(verb, json);
    try {
      return await work(({ bytes, totalBytes }) => progress.updateBytes(bytes, totalBytes));
    } finally {
      progress.end();
    }
  }

  #progressForm(json: boolean): ProgressForm {
    const { quiet, progress, logFormat } = this.settings;
    if (progress === "json") return "json";
    const isTerminal = (this.#io.stderr as { isTTY?: boolean }).isTTY === true;
    return isTerminal && progress === "auto" && !json && !quiet && logFormat === "text" ? "terminal" : "none";
  }

  #log(level: "note" | "warning", messages: readonly string[]): void {
    const { quiet, logFormat } = this.settings;
    if (quiet || messages.length === 0) return;
    const lines = messages.map((message) =>
      logFormat === "json"
        ? renderJson({ level, message }, 0)
        : this.style(level === "warning" ? "yellow" : "dim", `ocilot: ${level}: ${printable(message)}`),
    );
    this.#io.stderr.write(`${lines.join("\n")}\n`);
  }
}
