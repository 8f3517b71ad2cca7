/** Writes crds/ from operator/api, the one source of the schema. */
import { mkdir, writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { crd } from '../operator/api/crd.ts'

export const crdFile = 'crds/containerversions.cvmanager.io.yaml'

export function crdText(): string {
  const head = '# Generated from operator/api by `make generate`: change it there.\n'
  return head + stringify(crd, { lineWidth: 120, aliasDuplicateObjects: false })
}

if (import.meta.main) {
  await mkdir('crds', { recursive: true })
  await writeFile(crdFile, crdText())
}
