/** The flags of the settings, generated from their schema, and the settings of one invocation. */
import { type Command, Option } from 'commander'
import { groups as allGroups, type Group, groupHeadings } from '../config/formats.ts'
import { defaultOf, flagKeys, flagOf, type SettingKey, settingOf, settingsIn, variableOf } from '../config/schema.ts'
import { loadSettings, type Settings, type Sources } from '../config/settings.ts'
import { whyUnreadable } from '../config/unreadable.ts'
import { messageOf, UsageError } from '../errors.ts'
import { repeated } from './command-line/command-line.ts'
import { warningLine } from './error-line.ts'
import type { Invocation, Io } from './io.ts'

/** Adds the flags of the settings in these groups, under the headings of docs/settings.md and in its order. */
export function addSettingsFlags(command: Command, groups: readonly Group[] = allGroups): Command {
  for (const group of allGroups.filter((each) => groups.includes(each))) {
    for (const key of settingsIn(group).filter((each) => flagKeys.includes(each))) {
      for (const option of optionsOf(key)) {
        // The values stand under the key of the setting, even if the flag has another name.
        option.attributeName = () => key
        command.addOption(option.helpGroup(`${groupHeadings[group]}:`))
      }
    }
  }
  return command
}

function optionsOf(key: SettingKey): readonly Option[] {
  const { default: value, doc, off, meaning, placeholder, format, choices } = settingOf(key)
  const flag = flagOf(key)
  if (format === 'cvm-yes-or-no') {
    const pair = [
      new Option(`--${flag}`, firstSentence(doc)),
      new Option(`--no-${flag}`, off ?? 'Overrides the environment and the ConfigMap'),
    ] as const
    // Both are accepted; the help shows the one that changes the default.
    return [pair[0].hideHelp(value === true), pair[1].hideHelp(value === false)]
  }
  const repeats = format === 'cvm-list' ? '; may be repeated' : ''
  const option = new Option(`${namesOf(key)} <${placeholder}>`, `${firstSentence(doc)}${repeats}`).default(
    undefined,
    meaning ?? defaultOf(key),
  )
  // For the shell's completion only; loadSettings checks the values of every source.
  if (choices) option.argChoices = [...choices]
  if (format === 'cvm-list') option.argParser(repeated)
  return [option]
}

const namesOf = (key: SettingKey): string =>
  [settingOf(key).alias, flagOf(key)].flatMap((name) => (name === undefined ? [] : [`--${name}`])).join(', ')

const firstSentence = (doc: string): string => doc.replace(/\.(?: .*)?$/s, '')

/**
 * Also reads the ConfigMap that is named, and for a command with that flag the one of its default.
 * @throws UsageError
 */
export async function settingsOf({ command, options }: Invocation, io: Io): Promise<Settings> {
  const flags = options as NonNullable<Sources['flags']>
  const settings = loadSettings({ flags, env: io.env })
  checkFiles(settings)
  const isNamed = Boolean(flags.configmapKey || io.env[variableOf('configmapKey')])
  const hasDefault = command.options.some((option) => option.attributeName() === 'configmapKey')
  if (!isNamed && !hasDefault) return settings

  const warn = (message: string) => io.printError(warningLine(message))
  const { configmapKey } = settings
  const [namespace = '', name = ''] = configmapKey.split('/')
  const reading = (await io.clusterCommands()).configMapData(settings, namespace, name)
  const data = await reading.catch((thrown: unknown) => {
    if (thrown instanceof UsageError) throw thrown
    if (isNamed) throw new Error(`--configmap-key: cannot read ConfigMap ${configmapKey}: ${messageOf(thrown)}`)
    warn(`cannot read ConfigMap ${configmapKey}; cvmanager goes on without it: ${messageOf(thrown)}`)
    return undefined
  })
  if (data === undefined && isNamed) {
    throw new UsageError(
      `--configmap-key: there is no ConfigMap ${name} in namespace ${namespace}; create it, or leave out the flag`,
    )
  }
  const complete = loadSettings({ flags, env: io.env, configMapData: data, warn })
  checkFiles(complete)
  return complete
}

/** A replica that stands by must not find out when it takes over that a file cannot be read. */
function checkFiles(settings: Settings): void {
  for (const key of ['k8sConfig', 'dockerConfig', 'registryCaFile', 'awsWebIdentityTokenFile'] as const) {
    const path = settings[key]
    const why = path === '' ? undefined : whyUnreadable(path)
    if (why !== undefined) throw new UsageError(`${namesOf(key)} (or ${variableOf(key)}): ${why}`)
  }
}
