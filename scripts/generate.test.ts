import { test } from 'tap'
import { specFields, statusFields } from '../operator/api/fields.ts'
import { settingKeys } from '../operator/config/schema.ts'
import { compare } from './generate.ts'
import { commandsPage } from './reference/commands-page.ts'
import { containerVersionPage } from './reference/containerversion-page.ts'
import { settingsPage } from './settings-page.ts'

test('the generated files are up to date (otherwise: make generate)', async (t) => {
  for await (const { path, state } of compare()) t.equal(state, 'current', path)
})

test('the page has every setting, with its flag, its variable and its default', async (t) => {
  const page = settingsPage()
  for (const key of settingKeys) t.match(page, `### \`${key}\`\n`)
  t.match(page, '| `--port PORT` | `CVMANAGER_PORT` | `port` | `8081` | a whole number from 0 to 65535 |')
  t.match(page, '| `--insecure-registry HOST` | `CVMANAGER_INSECURE_REGISTRIES` | `insecureRegistries` | none |')
  t.match(
    page,
    '| `--k8s-config FILE`, `--kubeconfig FILE` | `CVMANAGER_K8S_CONFIG` | no | in a pod, its service account;',
  )
})

test('the reference has every field of the CustomResourceDefinition, with its type, its bounds and what is refused', async (t) => {
  const page = containerVersionPage()
  for (const field of specFields) t.match(page, `| \`spec.${field}\` | `)
  for (const field of statusFields) t.match(page, `| \`status.${field}\` | `)
  const row = (field: string) => page.split('\n').find((line) => line.startsWith(`| \`${field}\` |`))
  t.match(row('spec.selector'), /\| map to string \| .*Required\./)
  t.match(row('spec.pollIntervalSeconds'), /\| integer \| .*At most 86400\. Refused otherwise: “must be 5 or more/)
  t.match(row('spec.strategy.kind'), /One of `Simple`, `ServiceBlueGreen`\. Default: `"Simple"`\./)
  t.match(row('spec.container.verify[].kind'), '| string |')
  t.match(row('status.rollouts[].outcome'), 'One of `Succeeded`')
  t.match(page, '| DIGEST | The digest that the workloads run, in short (`-o wide`) |')
})

test('the reference has every command that the help shows, with its flags and examples', async (t) => {
  const page = commandsPage()
  for (const command of ['run', 'cr sync', 'cr tags add', 'cv get', 'cv wait', 'completion']) {
    t.match(page, `- [\`cvmanager ${command}\`](#cvmanager-${command.replaceAll(' ', '-')}): `)
    t.match(page, `## \`cvmanager ${command}\`\n`)
  }
  t.match(page, '    cvmanager cv wait [flags] <NAME>\n')
  t.match(page, /\| `-n, --namespace <NS>` \| The namespace of the ContainerVersion/)
  t.match(page, /```\nExamples:\n {2}# /)
  t.notMatch(page, 'sync status', 'a hidden command stays hidden')
})
