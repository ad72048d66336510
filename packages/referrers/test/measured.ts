/** What the real programs found in the untouched fixtures, out of what is there: peers.md, measured 2026-11-21. */
export const MEASURED = `
buildkit-oci-artifact        2 0 0 0 0 0
containerd-export            1 0 0 1 0 1
cosign-save-bundle           1 0 0 0 0 0
notation                     4 4 0 4 0 0
olareg                       4 2 0 0 4 0
oras                         3 3 0 3 0 0
oras-cosign-bundle           1 1 0 1 0 0
oras-served-by-olareg        3 3 0 3 0 0
oras-then-regclient          4 4 1 4 1 0
regclient                    3 1 3 3 3 0
regclient-cosign-bundle      1 1 1 1 1 0
regclient-served-by-olareg   3 1 0 0 3 0
regclient-then-oras          4 2 3 4 3 0`;
