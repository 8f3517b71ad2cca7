/** The flags of the commands that work on registries, and their values. */
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { RegistryRequest } from '../commands/tags/commands.ts'
import type { WantedImage } from '../commands/tags/image.ts'
import type { Group } from '../config/formats.ts'
import type { Settings } from '../config/settings.ts'
import { isMissing, unreadable } from '../config/unreadable.ts'
import { messageOf, UsageError } from '../errors.ts'
import { isDigest } from '../images/digest.ts'
import { isTag, parseReference, type Reference, repositoryName } from '../images/reference.ts'
import { providerNames } from '../registries/provider-names.ts'
import { repeated } from './command-line/command-line.ts'
import { addCredentialFlags, credentialsOf, usernameVariable } from './credentials.ts'
import { warningLine } from './error-line.ts'
import type { Invocation, Io } from './io.ts'
import { addSettingsFlags, settingsOf } from './settings-flags.ts'

export const providerOption = (): Option =>
  new Option('--provider <PROVIDER>', 'The kind of registry')
    .choices(providerNames)
    .default(undefined, 'the host says which')

export function addRegistryFlags(command: Command, ...more: readonly Group[]): Command {
  command
    .addOption(new Option('-o, --output <FORM>', 'The form of the output').choices(['table', 'json']).default('table'))
    .addOption(providerOption())
  return addSettingsFlags(addCredentialFlags(command), ['registry', ...more])
}

export const addRepositoryFlags = (command: Command, version: string): Command =>
  command
    .addOption(
      new Option('--repo <REPO>', 'The repository, without a tag; may be repeated')
        .argParser(repeated)
        .makeOptionMandatory(),
    )
    .option('--version <VERSION>', version)
    .addOption(
      new Option(
        '--version-pattern <PATTERN>',
        'An RE2 pattern for whole tags, instead of --version; the matching tag with the highest numbers counts. Beside --version it has no effect',
      ),
    )

/** @throws UsageError */
export function repositoriesFrom(values: unknown): readonly Reference[] {
  const references = itemsOf(values, '--repo').map((text) => {
    const reference = referenceFrom('--repo', text)
    if (reference.tag === undefined && reference.digest === undefined) return reference
    throw new UsageError(`--repo: "${text}" names one image; give the repository alone, and the image by --version`)
  })
  return [...new Map(references.map((reference) => [repositoryName(reference.repository), reference])).values()]
}

/** @throws UsageError */
export function referenceFrom(flag: string, text: string): Reference {
  try {
    return parseReference(text)
  } catch (thrown) {
    throw new UsageError(`${flag}: ${messageOf(thrown)}`)
  }
}

/** @throws UsageError */
export function tagsFrom(values: unknown): readonly string[] {
  const tags = itemsOf(values, '--tags')
  const bad = tags.find((tag) => !isTag(tag))
  if (bad === undefined) return [...new Set(tags)]
  throw new UsageError(`--tags: ${JSON.stringify(bad)} is no tag (letters, digits, _ . and -, at most 128)`)
}

/**
 * @returns undefined if neither flag is given
 * @throws UsageError
 */
export function versionFrom({ version, versionPattern }: Invocation['options']): WantedImage | undefined {
  if (version === undefined) {
    return versionPattern === undefined ? undefined : { by: 'pattern', pattern: String(versionPattern) }
  }
  const name = String(version)
  if (isTag(name) || isDigest(name)) return { by: 'name', name }
  throw new UsageError(`--version: ${JSON.stringify(name)} is neither a tag nor a digest (sha256: and 64 digits)`)
}

/** @throws UsageError if neither flag is given */
export function imageFrom(options: Invocation['options']): WantedImage {
  const version = versionFrom(options)
  if (version !== undefined) return version
  throw new UsageError('--version: say which image, or give --version-pattern')
}

/** @throws UsageError */
export async function registryRequest(
  invocation: Invocation,
  io: Io,
  references: readonly Reference[],
): Promise<RegistryRequest> {
  const { provider, username } = invocation.options
  const settings = withDockerConfig(await settingsOf(invocation, io), io)
  const credentials = await credentialsOf(invocation, io)
  const hosts = [...new Set(references.map(({ repository }) => repository.host))]
  if (credentials !== undefined && hosts.length > 1) {
    const flag = username === undefined ? usernameVariable : '--username'
    throw new UsageError(`${flag}: one password is for one registry, and these are ${hosts.join(' and ')}`)
  }
  const source = username === undefined ? 'the environment' : '--username and --password-stdin'
  return {
    settings,
    provider: provider as string | undefined,
    credentials: credentials && { credentials, source },
    signal: io.stopSignal(),
  }
}

/** Outside a cluster, people have their credentials from `docker login`. */
export function withDockerConfig(settings: Settings, io: Io): Settings {
  if (settings.dockerConfig !== '') return settings
  const { DOCKER_CONFIG, HOME } = io.env
  const directory = DOCKER_CONFIG || (HOME ? join(HOME, '.docker') : undefined)
  if (directory === undefined) return settings
  const dockerConfig = join(directory, 'config.json')
  try {
    accessSync(dockerConfig, constants.R_OK)
    return { ...settings, dockerConfig }
  } catch (thrown) {
    // Such as one that is for its owner alone, in a container that runs as somebody else.
    if (!isMissing(thrown))
      io.printError(warningLine(`the logins of docker login are not used: ${unreadable(dockerConfig, thrown)}`))
    return settings
  }
}

function itemsOf(values: unknown, flag: string): readonly string[] {
  const items = (values as readonly string[]).flatMap((value) => value.split(',')).map((item) => item.trim())
  if (items.every((item) => item !== '')) return items
  throw new UsageError(`${flag}: an empty name in ${JSON.stringify((values as readonly string[]).join(' '))}`)
}
