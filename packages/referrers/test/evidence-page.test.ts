import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { WRAPPINGS } from "@ocilot/referrers";
import { fixtureLayout } from "@ocilot/testkit";
import { expect, it } from "vitest";
import { evidenceTable, madeKinds } from "../src/evidence/evidence-page.js";
import { openAll } from "./statements.js";

const PAGE = fileURLToPath(new URL("../../../docs/evidence.md", import.meta.url));
const BETWEEN = /(<!-- wrappings -->\n)[^]*?(<!-- end of wrappings -->)/;

/** The formatter may align the columns of a table. */
const plain = (text: string): string =>
  text
    .replaceAll(/ *\| */g, "|")
    .replaceAll(/-{3,}/g, "---")
    .replaceAll(/\n+/g, "\n");

it("docs/evidence.md has the table of the code; OCILOT_UPDATE=1 writes it", () => {
  const page = readFileSync(PAGE, "utf8");
  const wanted = `<!-- wrappings -->\n\n${evidenceTable()}\n\n<!-- end of wrappings -->`;
  if (process.env["OCILOT_UPDATE"] === "1")
    writeFileSync(
      PAGE,
      page.replace(BETWEEN, () => wanted),
    );
  expect(plain(BETWEEN.exec(readFileSync(PAGE, "utf8"))?.[0] ?? "")).toBe(plain(wanted));
});

it("what the real tools put into each wrapping is in the table", async () => {
  const layouts = ["evidence/cosign-2", "evidence/cosign-3", "evidence/notation", "evidence/oras", "edge/buildkit-sbom-and-provenance"];
  const found = new Map<string, Set<string>>();
  for (const name of layouts)
    for (const { statements } of await openAll(fixtureLayout(name)))
      for (const { wrapping, kind } of statements) found.set(wrapping, (found.get(wrapping) ?? new Set()).add(kind));
  for (const wrapping of WRAPPINGS) {
    const kinds = madeKinds(wrapping) as string[];
    expect(
      [...(found.get(wrapping.id) ?? [])].filter((kind) => !kinds.includes(kind)),
      wrapping.id,
    ).toEqual([]);
  }
  expect([...found.keys()].toSorted()).toEqual([
    "buildkit",
    "cosign-attestation",
    "cosign-sbom",
    "cosign-signature",
    "layer",
    "notation",
    "sigstore-bundle",
  ]);
});
