/** The tag of an entry of `index.json`. It has no meaning elsewhere. */
export const REF_NAME = "org.opencontainers.image.ref.name";
/** When a manifest was made, by RFC 3339. */
export const CREATED = "org.opencontainers.image.created";
/** The title of a layer: the file name under which it is extracted. */
export const TITLE = "org.opencontainers.image.title";
/** The full image name, which containerd and Docker add to {@link REF_NAME}. */
export const CONTAINERD_IMAGE_NAME = "io.containerd.image.name";
/** The subject of the referrer that the entry describes. */
export const CONTAINERD_SUBJECT = "io.containerd.manifest.subject";
/** The subject of the list (referrers response) that the entry describes. */
export const OLAREG_SUBJECT = "org.olareg.referrer.subject";
/** The flag of olareg in `index.json`: its lists of referrers are made. */
export const OLAREG_CONVERT = "org.olareg.referrer.convert";
/** As {@link OLAREG_SUBJECT}, from image-spec pull request 1171. */
export const IMAGE_SPEC_SUBJECT = "org.opencontainers.image.referrer.subject";
/** The flag in the namespace of the specification with the meaning of {@link OLAREG_CONVERT}. */
export const IMAGE_SPEC_CONVERT = "org.opencontainers.image.referrer.convert";
/** The manifest that a BuildKit attestation describes, a sibling in the same index. */
export const DOCKER_REFERENCE_DIGEST = "vnd.docker.reference.digest";
/** What BuildKit says an attestation is: `attestation-manifest`. */
export const DOCKER_REFERENCE_TYPE = "vnd.docker.reference.type";
/** The role of an entry that cosign save or hauler wrote. */
export const KIND = "kind";
