import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { LayoutBuilder } from "@ocilot/testkit";
import { Layout } from "@ocilot/layout";
import { runCli } from "../src/cli.js";
import { type Outcome, runIn, sinkOf, tempDir } from "./helpers.js";

/** What `htpasswd -nbB -C 4 x pw` gives. */
const PW = "$2b$04$bgZvDpY.nLKm1im7hMnZn.WknoMM4lnyRA7WH1u./kXg37FfKYsLC";

/** Starts `ocilot serve` on a free port and returns `host:port`. */
async function serve(...argv: string[]): Promise<string> {
  const abort = new AbortController();
  const out: Buffer[] = [];
  const io = { stdin: Readable.from([]), stdout: sinkOf(out), stderr: sinkOf(out), isTTY: false, env: {} };
  const running = runCli(["serve", ...argv, "--addr", "127.0.0.1:0"], { io, signal: abort.signal });
  onTestFinished(async () => {
    abort.abort();
    await running;
  });
  const stdout = (): string => Buffer.concat(out).toString("utf8");
  await expect.poll(() => /http:\S+/.exec(stdout())?.[0]).toBeDefined();
  return /http:\/\/([\d.:]+)/.exec(stdout())![1]!;
}

/** An index of two platforms; a referrer of the index, one of a platform, and one of a referrer. The layers are large enough for a PATCH. */
function imageWithReferrers(): LayoutBuilder {
  const content = new LayoutBuilder();
  const config = content.blob('{"architecture":"amd64","os":"linux"}', "application/vnd.oci.image.config.v1+json");
  const layer = content.blob(randomBytes(5 << 20), "application/vnd.oci.image.layer.v1.tar");
  const images = ["amd64", "arm64"].map((architecture) =>
    content.document({ schemaVersion: 2, mediaType: IMAGE, config, layers: [layer], annotations: { architecture } }, IMAGE),
  );
  const platforms = images.map((d, i) => ({ ...d, platform: { os: "linux", architecture: ["amd64", "arm64"][i] } }));
  const index = content.document({ schemaVersion: 2, mediaType: INDEX, manifests: platforms }, INDEX);
  const sbom = content.referrer(index, { artifactType: "application/spdx+json" });
  const signature = content.referrer(sbom, { artifactType: "application/vnd.example.signature" });
  const scan = content.referrer(images[1]!, { artifactType: "application/vnd.example.scan" });
  content.entry(index, { tag: "v1" });
  for (const referrer of [sbom, signature, scan]) content.listed(referrer);
  return content;
}

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

describe("the commands against ocilot serve", () => {
  test("an image with referrers is pushed, changed there, pulled and deleted, by an account that logged in", async () => {
    const users = join(tempDir(), "users");
    writeFileSync(users, `ci:${PW}\n`);
    const served = tempDir();
    const host = await serve(served, "--writable", "--delete", "--no-sync", "--htpasswd", users, "--write", "ci:**");
    const env = { HOME: tempDir(), DOCKER_CONFIG: tempDir() };
    const ocilot = async (...argv: string[]): Promise<Outcome> => await runIn({ env }, ...argv);
    const there = `docker://${host}/team/app`;
    const content = imageWithReferrers();
    const source = join(tempDir(), "source");
    await content.directory(source);

    expect(await ocilot("copy", `${source}:v1`, `${there}:v1`)).toMatchObject({ code: 1, stderr: expect.stringContaining("ocilot login") });
    const wrong = await runIn({ env, stdin: "no" }, "login", host, "--username", "ci", "--password-stdin");
    expect(wrong.code).toBe(1);
    expect(await runIn({ env, stdin: "pw\n" }, "login", host, "--username", "ci", "--password-stdin")).toMatchObject({ code: 0 });
    expect(readFileSync(join(env.DOCKER_CONFIG, "config.json"), "utf8")).toContain(host);

    expect(await ocilot("copy", `${source}:v1`, `${there}:v1`)).toMatchObject({ code: 0, stdout: expect.stringContaining("3 referrers") });
    expect((await ocilot("copy", `${source}:v1`, `${there}:v1`)).stdout).toMatch(/0 blobs copied/);
    expect((await ocilot("ls", there)).stdout).toContain("v1");
    const doctor = await ocilot("doctor", `${there}:v1`);
    expect(doctor).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Referrers API: yes[\s\S]*Healthy: 3 referrers/),
    });

    const note = join(tempDir(), "note.json");
    writeFileSync(note, "{}");
    const attached = await ocilot("attach", `${there}:v1`, `${note}:application/json`, "--artifact-type", "application/vnd.example.note");
    expect(attached.code).toBe(0);
    const digest = attached.stdout.trim();
    expect((await ocilot("referrers", `${there}:v1`)).stdout).toContain("application/vnd.example.note");
    expect(await ocilot("tag", `${there}:v1`, "latest")).toMatchObject({ code: 0 });

    const pulled = join(tempDir(), "pulled");
    expect(await ocilot("copy", `${there}:latest`, pulled)).toMatchObject({ code: 0, stdout: expect.stringContaining("4 referrers") });
    expect(await ocilot("verify", pulled)).toMatchObject({ code: 0 });
    const both = await Promise.all([Layout.open(pulled), Layout.open(source)]);
    expect((await both[0].resolve("latest")).digest).toBe((await both[1].resolve("v1")).digest);
    // Between two repositories of one registry, nothing is sent.
    expect(await ocilot("copy", `${there}:v1`, `docker://${host}/team/other:v1`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("4 referrers"),
    });

    expect(await ocilot("detach", `${there}@${digest}`)).toMatchObject({ code: 0 });
    expect((await ocilot("referrers", `${there}:v1`)).stdout).not.toContain(digest);
    expect((await ocilot("referrers", `docker://${host}/team/other:v1`)).stdout).toContain(digest);
    expect(await ocilot("untag", `${there}:latest`)).toMatchObject({ code: 0 });
    expect(await ocilot("ls", `${there}:latest`)).toMatchObject({ code: 3 });
    expect(await ocilot("verify", `${there}:v1`)).toMatchObject({ code: 0, stdout: expect.stringContaining("3 referrers") });
    // What the server keeps is a layout, as sound as the one that it came from.
    expect(await ocilot("verify", join(served, "team/app"))).toMatchObject({ code: 0 });

    expect(await ocilot("logout", host)).toMatchObject({ code: 0 });
    expect(await ocilot("ls", there)).toMatchObject({ code: 1 });
  });

  test("eight commands attach at the same time, and every referrer is there", async () => {
    const host = await serve(tempDir(), "--writable", "--no-sync");
    const env = { HOME: tempDir() };
    const there = `docker://${host}/app:v1`;
    const source = join(tempDir(), "source");
    await imageWithReferrers().directory(source);
    expect(await runIn({ env }, "copy", "--no-referrers", `${source}:v1`, there)).toMatchObject({ code: 0 });
    const note = join(tempDir(), "note.json");
    writeFileSync(note, "{}");
    const attached = await Promise.all(
      Array.from(
        { length: 8 },
        async (_, i) => await runIn({ env }, "attach", there, `${note}:application/json`, "--artifact-type", `application/vnd.no${i}`),
      ),
    );
    expect(attached.map(({ code }) => code)).toEqual(Array(8).fill(0));
    const listed = (await runIn({ env }, "referrers", there)).stdout;
    expect(Array.from({ length: 8 }, (_, i) => listed.includes(`application/vnd.no${i}`))).toEqual(Array(8).fill(true));
  });

  test("a server without --writable or --delete refuses, and says so", async () => {
    const content = imageWithReferrers();
    const folder = tempDir();
    await content.directory(join(folder, "app"));
    const host = await serve(folder);
    const env = { HOME: tempDir() };
    expect((await runIn({ env }, "tag", `docker://${host}/app:v1`, "latest")).code).not.toBe(0);
    expect((await runIn({ env }, "untag", `docker://${host}/app:v1`)).code).not.toBe(0);
    expect(await runIn({ env }, "ls", `docker://${host}/app`)).toMatchObject({ code: 0, stdout: expect.stringContaining("v1") });
  });
});
