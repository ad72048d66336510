/// <reference types="node" preserve="true" />
export * from "./client/types.js";
export { bytesSource } from "./client/upload-body.js";
export { extentSource } from "./client/file-source.js";
export { type Credential, type CredentialSource, anonymous, fixedCredential } from "./credentials/credential.js";
export { type CredentialPlace, type StoreCredentialOptions, eraseCredential, storeCredential } from "./credentials/credential-store.js";
export { type FileCredentialOptions, fileCredentials } from "./credentials/file-credentials.js";
export { login } from "./login.js";
export { HUB_HOST, apiHost, canonicalHost } from "./reference/hub.js";
export { isHost, isLoopback } from "./reference/host.js";
export {
  REGISTRY_PREFIX,
  type RegistryReference,
  type RepositoryName,
  formatRegistryReference,
  isTag,
  parseRegistryReference,
} from "./reference/reference.js";
export { RegistrySession, type RegistrySessionOptions } from "./session.js";
export type { Environment } from "./environment.js";
export type { TransportOptions } from "./transport/transport.js";
export { type OpenRepositoryOptions, focusOf, openRepository } from "./repository/open-repository.js";
export { type RepositoryLayoutOptions, repositoryLayout } from "./repository/repository-layout.js";
export type { RepositoryFocus } from "./repository/repository-focus.js";
export type { RecordOptions } from "./repository/record-referrers.js";
export {
  type ClientFinds,
  type RegistryClientKind,
  type RegistryProblem,
  type RepositoryDiagnosis,
  examineRepository,
} from "./repository/examine-repository.js";
export type { CredentialFileOptions } from "./credentials/credential-files.js";
export type { WriteListOptions } from "./repository/write-list.js";
