import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { environment, locate, must, run } from "./tools.js";

/** An image as a loader lists it. */
export interface LoadedImage {
  readonly names: readonly string[];
  readonly id: string;
}

/** Podman with a store of its own. */
export class Podman {
  readonly #flags: readonly string[];

  constructor(place: string) {
    this.#flags = ["--root", join(place, "r"), "--runroot", join(place, "u"), "--tmpdir", join(place, "t")];
  }

  async load(archive: string): Promise<LoadedImage[]> {
    await must("podman", [...this.#flags, "load", "--quiet", "--input", archive]);
    const images = JSON.parse(await must("podman", [...this.#flags, "images", "--all", "--format", "json"])) as {
      Names?: string[];
      Id: string;
    }[];
    return images.map((i) => ({ names: (i.Names ?? []).toSorted(), id: i.Id })).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Pulls from a registry without TLS, and returns the id of the image. */
  async pull(reference: string): Promise<string> {
    return (await must("podman", [...this.#flags, "pull", "--quiet", "--tls-verify=false", reference])).trim();
  }

  async push(id: string, reference: string): Promise<void> {
    await must("podman", [...this.#flags, "push", "--quiet", "--tls-verify=false", id, reference]);
  }

  async save(name: string, format: "oci-archive" | "docker-archive", archive: string): Promise<void> {
    await must("podman", [...this.#flags, "save", "--quiet", "--format", format, "--output", archive, name]);
  }
}

/** The machine has to let this process be containerd; elsewhere these checks are left out, and say so. */
export const CAN_RUN_CONTAINERD: boolean = process.getuid?.() === 0 && locate("containerd") !== undefined;

/** A containerd of its own, and ctr that talks to it. */
export class Containerd {
  readonly #socket: string;
  readonly #child: ChildProcess;

  private constructor(socket: string, child: ChildProcess) {
    this.#socket = socket;
    this.#child = child;
  }

  static async start(place: string): Promise<Containerd> {
    await mkdir(place, { recursive: true });
    const [socket, config] = [join(place, "c.sock"), join(place, "config.toml")];
    const off = [
      "internal.v1.opt",
      "cri.v1.images",
      "cri.v1.runtime",
      "grpc.v1.cri",
      "podsandbox.controller.v1.podsandbox",
      "grpc.v1.sandbox-controllers",
      "nri.v1.nri",
    ];
    const lines = [
      "version = 3",
      `root = "${join(place, "root")}"`,
      `state = "${join(place, "state")}"`,
      `disabled_plugins = [${off.map((name) => `"io.containerd.${name}"`).join(", ")}]`,
      `[grpc]\naddress = "${socket}"`,
      `[ttrpc]\naddress = "${join(place, "t.sock")}"`,
    ];
    await writeFile(config, lines.join("\n"));
    const child = spawn(locate("containerd")!, ["--config", config], { env: environment(), stdio: "ignore" });
    const containerd = new Containerd(socket, child);
    for (let attempt = 0; (await run("ctr", ["-a", socket, "version"])).code !== 0; attempt++) {
      if (attempt === 100 || child.exitCode !== null) throw new Error("containerd does not start");
      await sleep(100);
    }
    return containerd;
  }

  /** Imports an archive, and returns what images there are then: name and digest. Forgets them again. */
  async import(archive: string): Promise<Record<string, string>> {
    await must("ctr", ["-a", this.#socket, "image", "import", "--no-unpack", archive]);
    const lines = (await must("ctr", ["-a", this.#socket, "image", "ls"]))
      .split("\n")
      .slice(1)
      .filter((line) => line !== "");
    const images = Object.fromEntries(lines.map((line) => line.split(/\s+/)).map(([name, , digest]) => [name!, digest!]));
    for (const name of Object.keys(images)) await must("ctr", ["-a", this.#socket, "image", "rm", name]);
    return images;
  }

  /** Pulls from a registry without TLS, and returns the digest of the image. */
  async pull(reference: string): Promise<string> {
    await must("ctr", ["-a", this.#socket, "content", "fetch", "--plain-http", "--all-platforms", reference]);
    const lines = (await must("ctr", ["-a", this.#socket, "image", "ls"])).split("\n");
    return lines.map((line) => line.split(/\s+/)).find(([name]) => name === reference)![2]!;
  }

  async push(local: string, reference: string): Promise<void> {
    await must("ctr", ["-a", this.#socket, "image", "push", "--plain-http", reference, local]);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill();
    await ended;
  }
}
