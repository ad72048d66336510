import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createServer } from "@ocilot/server";
import { FIXTURES, run, runIn, tempDir } from "./helpers.js";

/** The data in a report. */
function dataOf(html: string): any {
  return JSON.parse(/<script type="application\/json" id="data">(.*)<\/script>/.exec(html)![1]!);
}

const NOTATION = join(FIXTURES, "layouts", "notation");

describe("view", () => {
  test("writes a layout as one file with images, evidence, packages, diagnosis and findings", async () => {
    const file = join(tempDir(), "report.html");
    const { code, stdout } = await run("view", NOTATION, "--output", file);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^Report of 1 image written to .*report\.html \([\d.]+ kB\)\n$/)]);
    const data = dataOf(readFileSync(file, "utf8"));
    expect(data.model).toMatchObject({ name: NOTATION, images: [{ tags: ["v1"], platforms: [{ platform: "linux/amd64" }, {}] }] });
    expect(data.model.images[0].evidence.map((e: any) => e.statements[0].kind).toSorted()).toEqual(["sbom", "signature"]);
    expect(data.sboms).toHaveLength(2);
    expect(Object.values(data.documents).map((d: any) => d.name)).toEqual(
      expect.arrayContaining(["sbom.spdx.json", "sbom.linux-amd64.cdx.json", "signature.jws.json"]),
    );
    expect(data.diagnosis.tools.map((t: any) => t.id)).toContain("oras");
    expect(data.verification).toMatchObject({ findings: [], checked: { referrers: Object.keys(data.documents).length } });
    expect(readFileSync(file, "utf8")).toContain("connect-src &#39;none&#39;");
  });

  test("of a repository: what the registry supports, and what each kind of client finds", async () => {
    await using server = await createServer(NOTATION, { name: "team/app" });
    const { code, stdout, stderr } = await run("view", `docker://${server.address}/team/app`, "--plain-http");
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
    const { diagnosis, model } = dataOf(stdout);
    expect(model.images[0].tags).toEqual(["v1"]);
    expect(diagnosis).toMatchObject({ healthy: true, registry: "The registry has the Referrers API.", conventions: [], problems: [] });
    const [first] = diagnosis.tools;
    expect(first).toMatchObject({ id: "referrers", judged: true, found: first.total, healthy: true });
    expect(first.total).toBeGreaterThan(0);
  });

  test("standard output, an archive, a fixed time and no verification", async () => {
    const archive = join(FIXTURES, "layouts", "containerd-export.tar");
    const env = { SOURCE_DATE_EPOCH: "0" };
    const [first, second] = [await runIn({ env }, "view", archive, "--no-verify"), await runIn({ env }, "view", archive, "--no-verify")];
    expect(first.code).toBe(0);
    expect(first.stdout).toBe(second.stdout);
    expect(dataOf(first.stdout)).toMatchObject({ made: { time: "1970-01-01T00:00:00.000Z" } });
    expect(dataOf(first.stdout).verification).toBeUndefined();
  });

  test("what is no layout, and a directory as the file, are refused before anything is written", async () => {
    const dir = tempDir();
    const file = join(dir, "report.html");
    expect((await run("view", dir, "--output", file)).code).toBe(3);
    expect((await run("view", NOTATION, "--output", dir)).code).toBe(2);
    expect([existsSync(file), readdirSync(dir)]).toEqual([false, []]);
  });
});
