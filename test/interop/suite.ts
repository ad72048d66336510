import { existsSync } from "node:fs";
import { basename } from "node:path";
import { type TestFunction, afterAll, beforeAll, describe, it } from "vitest";
import { INSTALL, type ToolName, locate } from "./tools.js";

/** Registers a check, as `it` does; a suite counts them. */
export type Check = (title: string, body: TestFunction, timeout?: number) => void;

export interface SuiteOptions {
  readonly needs: readonly ToolName[];
  /** A file that `npm run build` makes. */
  readonly built?: string;
  readonly concurrent?: boolean;
  readonly before?: () => Promise<void>;
  readonly after?: () => Promise<void>;
}

/**
 * A `describe` whose checks need real programs. Where one is absent they are not run, and that is said aloud; with
 * `CI=true` it is a failure.
 */
export function suite(title: string, options: SuiteOptions, body: (check: Check) => void): void {
  const reason = whyNot(options);
  if (reason === undefined) {
    describe(title, { concurrent: options.concurrent ?? false }, () => {
      if (options.before) beforeAll(options.before);
      if (options.after) afterAll(options.after);
      body((name, test, timeout) => it(name, test, timeout));
    });
    return;
  }
  describe(title, () => {
    let count = 0;
    body((name) => {
      count++;
      it.skip(name);
    });
    const message = `interop: ${reason.what} absent, ${count} checks not run — run ${reason.remedy}`;
    console.log(message);
    if (process.env.CI === "true") {
      it("has its tools", () => {
        throw new Error(message);
      });
    }
  });
}

function whyNot({ needs, built }: SuiteOptions): { what: string; remedy: string } | undefined {
  const absent = needs.filter((name) => locate(name) === undefined);
  if (absent.length > 0) return { what: `${absent.join(", ")} ${absent.length === 1 ? "is" : "are"}`, remedy: INSTALL };
  if (built !== undefined && !existsSync(built)) return { what: `${basename(built)} is`, remedy: "npm run build" };
  return undefined;
}
