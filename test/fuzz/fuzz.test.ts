import { afterAll, describe, expect, it } from "vitest";
import { type Figures, fuzz } from "./run.js";
import { TARGETS } from "./targets.js";

const isLong = process.env["OCILOT_LONG"] === "1";
const TOTAL = Number(process.env["OCILOT_FUZZ_INPUTS"] ?? (isLong ? 10_500_000 : 100_000));
/** Another one each time in the long run; whatever it is, a failure tells it. */
const SEED = Number(process.env["OCILOT_FUZZ_SEED"] ?? (isLong ? Date.now() % 1_000_000_007 : 1));
/** No input may take so long; the machine may be busy with something else. */
const HANG_MS = 120_000;
const MAX_GROWTH = 512 << 20;

describe(`fuzzing, seed ${SEED}`, () => {
  const all: Figures[] = [];
  const memory = process.memoryUsage().rss;

  it.each(TARGETS)("$name: no crash, no hang, only typed errors", { timeout: 3_600_000 }, async (target) => {
    const figures = await fuzz(target, Math.ceil((TOTAL * target.share) / 1000), SEED);
    all.push(figures);
    expect(figures.slowest).toBeLessThan(HANG_MS);
    expect(figures.taken).toBeGreaterThan(0);
    expect(process.memoryUsage().rss - memory).toBeLessThan(MAX_GROWTH);
  });

  afterAll(() => {
    const inputs = all.reduce((n, f) => n + f.inputs, 0);
    const seconds = all.reduce((n, f) => n + f.seconds, 0);
    const row = (f: Figures): string =>
      `  ${f.name}: ${f.inputs} inputs, ${Math.round(f.inputs / f.seconds)}/s, ${f.taken} taken, slowest ${f.slowest.toFixed(1)} ms`;
    process.stdout.write(
      `fuzz: ${inputs} inputs in ${seconds.toFixed(1)} s (${Math.round(inputs / seconds)}/s), seed ${SEED}\n${all.map(row).join("\n")}\n`,
    );
  });
});
