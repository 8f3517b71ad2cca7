/** The version that an image's labels name (OCI image spec, annotations.md). */
import type { Labels } from '../../registries/registry.ts'
import type { VersionSyntax } from './version-syntax.ts'

const version = 'org.opencontainers.image.version'
const revision = 'org.opencontainers.image.revision'
/** Short forms of a git commit that CI systems use as tags. */
const minCommitLength = 7
const maxCommitLength = 12

/** The label of the version, or else of the revision, whichever the version syntax matches. */
export function versionOfLabels(labels: Labels, syntax: VersionSyntax): string | undefined {
  return [labels[version], labels[revision]].find((name) => name !== undefined && syntax.matches(name))
}

/** The tags that the image has if its labels are true, the likeliest first. */
export function likelyTags(labels: Labels): string[] {
  const { [version]: name, [revision]: commit } = labels
  const likely = [name, name === undefined ? undefined : `v${name}`, commit]
  if (commit !== undefined)
    for (let length = maxCommitLength; length >= minCommitLength; length--) likely.push(commit.slice(0, length))
  return likely.filter((tag) => tag !== undefined)
}
