import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { kubernetesVersion } from '../tools/programs.ts'
import { missingOnMachine } from './machine.ts'

test('a machine without the programs is told each of them, with the package that has it', async (t) => {
  const lines = await missingOnMachine({ PATH: t.testdir() })
  for (const program of ['docker', 'go', 'dockerd', 'runc', 'debootstrap']) {
    t.ok(
      lines.some((line) => line.startsWith(`${program} is not on PATH (on Debian: apt-get install `)),
      program,
    )
  }
})

test('a machine whose images are all named needs no debootstrap', async (t) => {
  const images = { KIND_IMAGE: 'kindest/node', BUILD_IMAGE: 'node:24', RUNTIME_IMAGE: 'distroless' }
  const lines = await missingOnMachine({ PATH: t.testdir(), ...images })
  t.notOk(lines.some((line) => line.startsWith('debootstrap')))
})

test('the node runs the Kubernetes of the other end-to-end tests', async (t) => {
  const goMod = readFileSync(join(import.meta.dirname, 'tools', 'go.mod'), 'utf8')
  t.match(goMod, `k8s.io/kubernetes ${kubernetesVersion} `)
})
