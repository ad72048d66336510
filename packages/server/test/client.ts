import { onTestFinished } from "vitest";
import { type Descriptor, IMAGE_CONFIG, IMAGE_MANIFEST, type Layout, digestOf } from "@ocilot/layout";
import { type RegistryOptions, Registry, bodyBytes, makeRequest, openRepositories } from "@ocilot/server";

/** An answer, with its content at hand. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly json: any;
  /** The codes of the errors in it. */
  readonly codes: readonly string[];
}

export interface SendOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** Sends requests to a registry in this process. */
export class Client {
  readonly registry: Registry;

  constructor(registry: Registry) {
    this.registry = registry;
  }

  async send(method: string, url: string, options: SendOptions = {}): Promise<Reply> {
    const answer = await this.registry.answer(makeRequest(method, url, options));
    const bytes = method === "HEAD" ? new Uint8Array() : await bodyBytes(answer.body);
    const headers = Object.fromEntries(Object.entries(answer.headers ?? {}).map(([name, value]) => [name, String(value)]));
    const text = new TextDecoder().decode(bytes);
    const json = headers["content-type"]?.includes("json") === true && text !== "" ? JSON.parse(text) : undefined;
    return { status: answer.status, headers, bytes, text, json, codes: (json?.errors ?? []).map((e: { code: string }) => e.code) };
  }

  /** Pushes a blob with one request. */
  async blob(name: string, content: Uint8Array | string, algorithm: "sha256" | "sha512" = "sha256"): Promise<Descriptor> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const digest = digestOf(bytes, algorithm);
    const { status, text } = await this.send("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes });
    if (status !== 201) throw new Error(`${status} ${text}`);
    return { mediaType: "application/octet-stream", digest, size: bytes.length };
  }

  /** Pushes a manifest; its media type is its own unless told. */
  async manifest(
    name: string,
    reference: string | undefined,
    value: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply & Descriptor> {
    const body = JSON.stringify(value);
    const mediaType = (value as { mediaType?: string }).mediaType ?? IMAGE_MANIFEST;
    const digest = digestOf(new TextEncoder().encode(body));
    const reply = await this.send("PUT", `/v2/${name}/manifests/${reference ?? digest}`, {
      body,
      headers: { "content-type": mediaType, ...headers },
    });
    return { ...reply, mediaType, digest, size: body.length };
  }

  /** Pushes a small image; each `seed` gives another one. */
  async image(name: string, reference?: string, seed: string = "0", more: object = {}): Promise<Reply & Descriptor> {
    const config = { ...(await this.blob(name, `{"seed":"${seed}"}`)), mediaType: IMAGE_CONFIG };
    const layer = { ...(await this.blob(name, `layer ${seed}`)), mediaType: "application/vnd.oci.image.layer.v1.tar" };
    return await this.manifest(name, reference, { schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [layer], ...more });
  }

  /** Pushes a referrer of `subject`. */
  async referrer(
    name: string,
    subject: Descriptor,
    seed: string,
    artifactType = "application/vnd.example.sbom",
  ): Promise<Reply & Descriptor> {
    const config = { ...(await this.blob(name, "{}")), mediaType: "application/vnd.oci.empty.v1+json" };
    const { mediaType, digest, size } = subject;
    const annotations = { "org.example.seed": seed };
    return await this.manifest(name, undefined, {
      schemaVersion: 2,
      mediaType: IMAGE_MANIFEST,
      artifactType,
      config,
      layers: [config],
      subject: { mediaType, digest, size },
      annotations,
    });
  }
}

/** A registry in memory that takes pushes and deletes, unless told otherwise. */
export async function memoryClient(options: RegistryOptions = {}): Promise<Client> {
  return await clientOf(undefined, options);
}

/** A registry of what is there, in this process. */
export async function clientOf(
  source: string | Readonly<Record<string, Layout>> | undefined,
  options: RegistryOptions = {},
): Promise<Client> {
  const repositories = await openRepositories(source, {
    sync: false,
    lockWait: 30_000,
    ...(options.name !== undefined && { name: options.name }),
  });
  const registry = new Registry(repositories, { writable: true, delete: true, sync: false, ...options });
  onTestFinished(async () => await registry.close());
  return new Client(registry);
}
