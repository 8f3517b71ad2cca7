/** The flags of the settings, made of the schema, and the settings of one invocation. */
import { accessSync, constants } from 'node:fs'
import { type Command, Option } from 'commander'
import type { Group } from '../config/formats.ts'
import { flagOf, type SettingKey, settingKeys, settingOf, variableOf } from '../config/schema.ts'
import { loadSettings, type Settings } from '../config/settings.ts'
import { messageOf, UsageError } from '../errors.ts'
import type { Invocation, World } from './world.ts'

const everyGroup: readonly Group[] = ['cluster', 'registry', 'push', 'rollout', 'manager', 'log']

/** Adds the flags of the settings that `groups` names; all of them by default. */
export function addSettingsFlags(command: Command, groups: readonly Group[] = everyGroup): Command {
  for (const key of settingKeys) {
    if (groups.includes(settingOf(key).group)) for (const option of optionsOf(key)) command.addOption(option)
  }
  return command
}

function optionsOf(key: SettingKey): readonly Option[] {
  const { default: value, doc, off, placeholder, format, choices } = settingOf(key)
  const flag = flagOf(key)
  if (format === 'cvm-yes-or-no') {
    const pair = [
      new Option(`--${flag}`, doc),
      new Option(`--no-${flag}`, off ?? 'Overrides it where the environment or the ConfigMap has it on.'),
    ] as const
    // Both are taken; the help shows the one that changes something.
    return [pair[0].hideHelp(value === true), pair[1].hideHelp(value === false)]
  }
  const byDefault = value === '' || Array.isArray(value) ? '' : ` (default ${value})`
  const option = new Option(`--${flag} <${placeholder}>`, `${doc}${byDefault}`)
  // Offered to the shell's completion; whether a value is allowed is for config.ts to say, whatever its source.
  if (choices) option.argChoices = [...choices]
  if (format === 'cvm-list') option.argParser((item, before: readonly string[] = []) => [...before, item])
  return [option]
}

/**
 * Reads the ConfigMap too, where one is named.
 * @throws UsageError
 */
export async function settingsOf({ options }: Invocation, world: World): Promise<Settings> {
  const flags = Object.fromEntries(
    settingKeys.map((key) => [
      key,
      options[optionsOf(key)[0]?.attributeName() ?? key] as string | boolean | string[] | undefined,
    ]),
  )
  const settings = loadSettings({ flags, env: world.env })
  for (const key of ['k8sConfig', 'dockerConfig', 'registryCaFile'] as const) checkFile(key, settings[key])
  if (settings.configmapKey === '') return settings

  const [namespace = '', name = ''] = settings.configmapKey.split('/')
  const data = await (await world.commands()).configMapData(settings, namespace, name)
  if (data === undefined) {
    throw new UsageError(
      `--configmap-key: there is no ConfigMap ${name} in namespace ${namespace}; create it, or leave out the flag`,
    )
  }
  return loadSettings({ flags, env: world.env, configMapData: data })
}

function checkFile(key: SettingKey, path: string): void {
  if (path === '') return
  try {
    accessSync(path, constants.R_OK)
  } catch (thrown) {
    const source = `--${flagOf(key)} (or ${variableOf(key)})`
    const missing = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'
    throw new UsageError(
      `${source}: ${missing ? `there is no file ${path}` : `cannot read ${path}: ${messageOf(thrown)}`}`,
    )
  }
}
