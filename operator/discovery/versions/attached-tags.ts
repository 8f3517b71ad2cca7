/**
 * Tags of what is attached to an image, and is none itself. cosign writes `sha256-<digest>.sig`, `.att` and `.sbom`, other
 * tools write other endings, and the tag of the OCI distribution spec's referrers fallback has no ending
 * (fluxcd/image-reflector-controller#167).
 */
const attached = /^sha(?:256|512)-[0-9a-f]{32,}(?:[._-].*)?$|\.(?:sig|att|sbom)$/
/** A pattern such as `.*` matches these tags, and does not name them. */
const naming = /sha|sig|att|sbom/

/** Whether a tag is left out although `pattern` may match it. */
export function leavesOut(pattern = ''): (tag: string) => boolean {
  return naming.test(pattern) ? () => false : (tag) => attached.test(tag)
}
