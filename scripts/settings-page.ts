/** docs/settings.md, made of the schema. */
import type { Group } from '../operator/config/formats.ts'
import { flagOf, type SettingKey, settingKeys, settingOf, variableOf } from '../operator/config/schema.ts'

const groups: Readonly<Record<Group, string>> = {
  cluster: 'The cluster',
  manager: 'The manager',
  rollout: 'Rollouts',
  registry: 'Registries',
  push: 'Push',
  log: 'The log',
}

export function settingsPage(): string {
  const sections = (Object.keys(groups) as Group[]).map((group) => {
    const keys = settingKeys.filter((key) => settingOf(key).group === group)
    return `## ${groups[group]}\n\n${keys.map(entry).join('\n')}`
  })
  return `<!-- Made by \`make generate\` from operator/config/schema.ts; do not edit. -->

# Settings

Each setting can be given in three places. A flag goes before the environment, the environment goes before the
ConfigMap, and the ConfigMap goes before the default. A value that is not allowed, wherever it stands, is named and
cvmanager does not start; so is a key of the ConfigMap that is no setting.

The ConfigMap is the one of \`--configmap-key NAMESPACE/NAME\`. Its data has one key for each setting:

\`\`\`yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: cvmanager
data:
  logLevel: debug
  insecureRegistries: registry.shop.svc:5000, localhost:5000
\`\`\`

A list is written with commas or in lines; its flag may be given several times. A switch is switched off by
\`--no-<flag>\`. An environment variable that is empty counts as not set.

${sections.join('\n')}
## Credentials on the command line

\`cvmanager cr sync\` takes the registry's user and password from \`--username\` with \`--password-stdin\`, or from the
environment variables \`CVMANAGER_REGISTRY_USERNAME\` and \`CVMANAGER_REGISTRY_PASSWORD\`. There is no flag for the
password itself: every process on the machine could read it.
`
}

function entry(key: SettingKey): string {
  const { doc, allowed, default: value, placeholder, configMap, format } = settingOf(key)
  const flag = format === 'cvm-yes-or-no' ? `--${flagOf(key)}` : `--${flagOf(key)} ${placeholder}`
  return `### \`${key}\`

${doc}

| flag | environment | ConfigMap | default | allowed |
|---|---|---|---|---|
| \`${flag}\` | \`${variableOf(key)}\` | ${configMap === false ? 'no' : `\`${key}\``} | ${shown(value)} | ${allowed} |
`
}

const shown = (value: unknown): string => {
  if (Array.isArray(value)) return 'none'
  return value === '' ? 'none' : `\`${String(value)}\``
}
