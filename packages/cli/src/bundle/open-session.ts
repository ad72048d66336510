import type { RegistrySession, RegistrySessionOptions } from "@ocilot/registry";

/** A session that is opened when it is first needed; the client is loaded only then. */
export interface LazySession {
  get(): Promise<RegistrySession>;
  close(): Promise<void>;
}

/** Returns a session to share between the repositories of one command. */
export function openSession(options: RegistrySessionOptions): LazySession {
  let session: RegistrySession | undefined;
  return {
    async get() {
      if (session === undefined) {
        const { RegistrySession: Session } = await import("@ocilot/registry");
        session ??= new Session(options);
      }
      return session;
    },
    close: async () => await session?.close(),
  };
}
