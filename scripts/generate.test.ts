import { test } from 'tap'
import { settingKeys } from '../operator/config/schema.ts'
import { compare } from './generate.ts'
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
