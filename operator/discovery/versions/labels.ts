/** What an image says about its own version (OCI image spec, annotations.md). */
import type { Labels } from '../../registries/registry.ts'
import type { VersionSyntax } from './version-syntax.ts'

const version = 'org.opencontainers.image.version'
const revision = 'org.opencontainers.image.revision'
/** Short forms of a git commit that CI systems use as tags. */
const shortest = 7
const longest = 12

/** The version, else the revision, if it is what the user calls a version. */
export function versionOfLabels(labels: Labels, syntax: VersionSyntax): string | undefined {
  return [labels[version], labels[revision]].find((name) => name !== undefined && syntax.matches(name))
}

/** Tags by which the image would be known if its labels tell the truth, the likeliest first. */
export function likelyTags(labels: Labels): string[] {
  const { [version]: name, [revision]: commit } = labels
  const likely = [name, name === undefined ? undefined : `v${name}`, commit]
  if (commit !== undefined)
    for (let length = longest; length >= shortest; length--) likely.push(commit.slice(0, length))
  return likely.filter((tag) => tag !== undefined)
}
