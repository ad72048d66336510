import { existsSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Layout } from "@ocilot/layout";
import { attach, copyLayout } from "@ocilot/referrers";
import { openRepository } from "@ocilot/registry";

// Run as a child process: <work> <reference> <argument>…
const [work, reference = "", ...rest] = process.argv.slice(2);

/** Attaches some referrers, one after the other, each as a program of its own would, and says their digests. */
async function attachSome(gate = "", name = "", count = "1"): Promise<void> {
  while (!existsSync(gate)) await sleep(5);
  for (let i = 0; i < Number(count); i++) {
    await using layout = await openRepository(reference);
    const { digest } = await layout.resolve("v1");
    const made = await attach(layout, digest, { artifactType: "application/vnd.example", annotations: { name, no: String(i) } });
    writeSync(1, `${made.digest}\n`);
  }
}

async function pull(path = ""): Promise<void> {
  await using source = await openRepository(reference);
  const target = existsSync(path) ? await Layout.open(path) : await Layout.create(path);
  await copyLayout(source, target, { reference: "v1" });
}

async function push(path = ""): Promise<void> {
  await using target = await openRepository(reference);
  await copyLayout(await Layout.open(path), target, { reference: "v1" });
}

const works: Readonly<Record<string, (...args: string[]) => Promise<void>>> = { attachSome, pull, push };
await works[work ?? ""]!(...rest);
