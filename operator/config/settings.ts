/** Loads the settings: flags take precedence over the environment, then the ConfigMap, then the defaults. */
import convict from 'convict'
import { UsageError } from '../errors.ts'
import { itemsOf } from './formats.ts'
import { nearest } from './nearest.ts'
import {
  flagKeys,
  flagOf,
  type SettingKey,
  type Settings,
  schema,
  settingKeys,
  settingOf,
  variableOf,
} from './schema.ts'

export type { Settings } from './schema.ts'

export interface Sources {
  /** By key of the setting; undefined for a flag that was not given. */
  readonly flags?: Readonly<Record<string, string | boolean | readonly string[] | undefined>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The data of the ConfigMap that `--configmap-key` names. */
  readonly configMapData?: Readonly<Record<string, string>> | undefined
  /** Receives a line about each key of the ConfigMap that is ignored. */
  readonly warn?: (message: string) => void
}

/** @throws UsageError that names the source, the key, the value, and the allowed values */
export function loadSettings({ flags = {}, env = {}, configMapData = {}, warn = () => undefined }: Sources): Settings {
  // If convict read the flags and the environment itself, its errors would not name the source.
  const config = convict(schema as convict.Schema<Record<string, unknown>>, { env: {}, args: [] })
  const set = (key: SettingKey, value: unknown, source: string) => {
    const { format, default: byDefault } = settingOf(key)
    try {
      // An empty text means "not set".
      config.set(key, value === '' && format === 'cvm-text' ? byDefault : value).validate({ allowed: 'strict' })
    } catch {
      throw new UsageError(`${source}: ${JSON.stringify(value)} is not allowed; it must be ${settingOf(key).allowed}`)
    }
  }

  const configMap = `ConfigMap ${flags.configmapKey || env[variableOf('configmapKey')] || schema.configmapKey.default}`
  for (const [name, value] of Object.entries(configMapData)) {
    const source = `${configMap}, key ${name}`
    const key = settingKeys.find((known) => known === name)
    if (key === undefined || settingOf(key).configMap === false) warn(`${source}: ${whyIgnored(name, key)}`)
    else set(key, value, source)
  }
  for (const key of flagKeys) {
    const variable = variableOf(key)
    const value = env[variable]
    if (value && !isServiceLink(value)) set(key, value, `environment variable ${variable}`)
  }
  for (const key of flagKeys) {
    const value = flags[key]
    if (value !== undefined) set(key, Array.isArray(value) ? itemsOf(value) : value, `--${flagOf(key)}`)
  }
  return Object.freeze(config.getProperties()) as Settings
}

/** The key of an old installation, or a slip, must not keep cvmanager from starting. */
function whyIgnored(name: string, key: SettingKey | undefined): string {
  if (key !== undefined) {
    const remedy = `use --${flagOf(key)} or the environment variable ${variableOf(key)}`
    return `this setting cannot be in the ConfigMap, and is ignored; ${remedy}`
  }
  const known = settingKeys.filter((candidate) => settingOf(candidate).configMap !== false)
  const meant = nearest(name, known)
  return `there is no such setting, and it is ignored; ${meant ? `did you mean ${meant}?` : `known are ${known.join(', ')}`}`
}

/**
 * Kubernetes sets environment variables for each Service of the namespace: a Service named `cvmanager` sets CVMANAGER_PORT
 * to `tcp://10.96.0.7:8081` (kubernetes.io, "Environment variables" of Services).
 */
const isServiceLink = (value: string): boolean => /^(tcp|udp|sctp):\/\//.test(value)
