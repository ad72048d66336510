import { resolve } from "node:path";
import { Layout } from "@ocilot/layout";
import { attach, collectGarbage, convert, copyLayout, detach, directoryTarget, unbundle } from "@ocilot/referrers";

const RUN = {
  async attach(layout, { subject, artifactType, text, annotations, conventions, size }) {
    const layers = text === undefined ? [] : [{ source: new TextEncoder().encode(text), mediaType: "text/plain", title: "note.txt" }];
    const wanted = size === undefined ? subject : { digest: subject, size };
    const options = { allowDangling: size !== undefined, ...(conventions && { conventions }) };
    return (await attach(layout, wanted, { artifactType, layers, ...(annotations && { annotations }) }, options)).digest;
  },
  async detach(layout, { digest, recursive }) {
    await detach(layout, digest, { recursive: recursive ?? false });
    return digest;
  },
  async tag(layout, { digest, name }) {
    await layout.tag(await layout.resolve(`@${digest}`), name);
    return digest;
  },
  async untag(layout, { name }) {
    await layout.untag(name);
  },
  async convert(layout, { to, only, scan }) {
    await convert(layout, { to, only: only ?? false, scan: scan ?? false });
  },
  async copy(layout, { from, reference, force }) {
    await copyLayout(await Layout.open(resolve(layout.location, from)), layout, { ...(reference && { reference }), force: force ?? false });
  },
  async unbundle(layout, { files }) {
    await unbundle(
      files.map((name) => resolve(layout.location, name)),
      directoryTarget(layout.location),
    );
  },
  async gc(layout, { prune }) {
    await collectGarbage(layout, { grace: 0, pruneDangling: prune ?? false });
  },
};

/** Carries out one operation as plain data; returns the digest that it is about, if any. */
export async function runOperation(layout, operation) {
  return await RUN[operation.op](layout, operation);
}
