/** The flags of the commands that talk with registries alone, and what they come to. */
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { WantedImage } from '../commands/tags/image.ts'
import type { Settings } from '../config/settings.ts'
import { messageOf, UsageError } from '../errors.ts'
import { isDigest } from '../images/digest.ts'
import { isTag, parseReference, type Reference, repositoryName } from '../images/reference.ts'
import { providerNames } from '../registries/provider-names.ts'
import type { RegistryRequest } from './commands.ts'
import { addCredentialFlags, credentialsOf } from './credentials.ts'
import { addSettingsFlags, settingsOf } from './settings-flags.ts'
import type { Invocation, World } from './world.ts'

export const outputOption = (): Option =>
  new Option('-o, --output <FORM>', 'The form of the answer').choices(['table', 'json']).default('table')

export const providerOption = (): Option =>
  new Option('--provider <PROVIDER>', 'How the registry is spoken to; else as its host says').choices(providerNames)

export function addRegistryFlags(command: Command): Command {
  return addSettingsFlags(addCredentialFlags(command.addOption(providerOption())), ['registry'])
}

export const repoOption = (): Option =>
  new Option('--repo <REPO>', 'The repository, without a tag; may be given several times')
    .argParser(collected)
    .makeOptionMandatory()

export const tagsOption = (description: string): Option =>
  new Option('--tags <TAGS>', description).argParser(collected).makeOptionMandatory()

export function addVersionFlags(command: Command, description: string): Command {
  return command
    .option('--version <VERSION>', description)
    .addOption(
      new Option(
        '--version-pattern <PATTERN>',
        'Instead of --version: an RE2 pattern for whole tags; of those that match, the one with the highest numbers',
      ).conflicts('version'),
    )
}

/** @throws UsageError */
export function repositoriesFrom(values: unknown): readonly Reference[] {
  const references = itemsOf(values, '--repo').map((text) => {
    const reference = referenceFrom('--repo', text)
    if (reference.tag !== undefined || reference.digest !== undefined) {
      throw new UsageError(`--repo: "${text}" names one image; give the repository alone, and the image by --version`)
    }
    return reference
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
 * Undefined where neither flag is given.
 * @throws UsageError
 */
export function versionFrom({ version, versionPattern }: Invocation['options']): WantedImage | undefined {
  if (versionPattern !== undefined) return { by: 'pattern', pattern: String(versionPattern) }
  if (version === undefined) return undefined
  const name = String(version)
  if (isTag(name) || isDigest(name)) return { by: 'name', name }
  throw new UsageError(`--version: ${JSON.stringify(name)} is neither a tag nor a digest (sha256: and 64 digits)`)
}

/** @throws UsageError */
export async function registryRequest(
  invocation: Invocation,
  world: World,
  references: readonly Reference[],
): Promise<RegistryRequest> {
  const { provider, username } = invocation.options
  const settings = withDockerConfig(await settingsOf(invocation, world), world.env)
  const credentials = await credentialsOf(invocation, world)
  const hosts = [...new Set(references.map(({ repository }) => repository.host))]
  if (credentials !== undefined && hosts.length > 1) {
    const flag = username === undefined ? 'CVMANAGER_REGISTRY_USERNAME' : '--username'
    throw new UsageError(`${flag}: one password is for one registry, and these are ${hosts.join(' and ')}`)
  }
  const source = username === undefined ? 'the environment' : '--username and --password-stdin'
  return {
    settings,
    provider: provider === undefined ? undefined : String(provider),
    credentials: credentials && { credentials, source },
    signal: world.stopSignal(),
  }
}

/** Outside a cluster, `docker login` is where people have their credentials. */
export function withDockerConfig(settings: Settings, env: World['env']): Settings {
  if (settings.dockerConfig !== '') return settings
  const directory = env.DOCKER_CONFIG || (env.HOME ? join(env.HOME, '.docker') : undefined)
  const file = directory && join(directory, 'config.json')
  return file && isReadable(file) ? { ...settings, dockerConfig: file } : settings
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

const collected = (item: string, before: readonly string[] = []): readonly string[] => [...before, item]

function itemsOf(values: unknown, flag: string): readonly string[] {
  const items = (values as readonly string[]).flatMap((value) => value.split(',')).map((item) => item.trim())
  if (items.every((item) => item !== '')) return items
  throw new UsageError(`${flag}: an empty name in ${JSON.stringify((values as readonly string[]).join(' '))}`)
}
