/** Who sends a request: an account, somebody without one, or somebody whose name, password or token is wrong. */
export type Identity = { readonly kind: "account"; readonly user: string } | { readonly kind: "anonymous" } | { readonly kind: "refused" };
