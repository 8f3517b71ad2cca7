import type { Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import type { AuditEvent } from '../harness/audit.ts'
import { type Bed, operatorUser, projectFile } from './bed.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

interface Role {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly rules?: readonly Rule[]
}

/** A right in one line: `patch apps/deployments`. */
const right = (verb: string, group: string, resource: string): string => `${verb} ${group || 'core'}/${resource}`

/**
 * S2 deploy/rbac.yaml grants exactly what cvmanager has used so far: the API server refused nothing, and no right is unused.
 * @param refusals rights withheld on purpose
 */
export async function rightsAreThoseUsed(t: Test, bed: Bed, refusals: readonly string[]): Promise<void> {
  const requests = await bed.cluster.auditLog({ user: operatorUser })
  const refused = requests.filter(isRefused).map(rightOf)
  t.same([...new Set(refused)].sort(), refusals, 'nothing else was refused')

  const used = new Set(requests.map(rightOf))
  for (const { kind, metadata, rules = [] } of await roles()) {
    for (const rule of rules) {
      const { granted, asked } = compare(rule, used)
      t.same(asked, granted, `${kind} ${metadata.name}: everything that is granted is used`)
      t.notOk(JSON.stringify(rule).includes('"*"'), 'no right is granted for everything')
    }
  }
}

/** Nobody may create anything in a namespace that is being deleted, or a pod against a quota or its Pod Security, whatever their rights. */
const isRefused = ({ responseStatus }: AuditEvent): boolean =>
  responseStatus?.code === 403 &&
  !/is being terminated|violates PodSecurity|exceeded quota/.test(responseStatus.message ?? '')

function compare({ apiGroups, resources, verbs }: Rule, used: ReadonlySet<string>) {
  const all = apiGroups.flatMap((group) => resources.map((resource) => ({ group, resource })))
  // Similar kinds share their rights: a verb counts as used if it was used on one of them.
  const verbIsUsed = (verb: string) => all.some(({ group, resource }) => used.has(right(verb, group, resource)))
  const resourceIsUsed = (group: string, resource: string) =>
    verbs.some((verb) => used.has(right(verb, group, resource)))
  return {
    granted: [...verbs, ...resources],
    asked: [
      ...verbs.filter(verbIsUsed),
      ...all.filter(({ group, resource }) => resourceIsUsed(group, resource)).map(({ resource }) => resource),
    ],
  }
}

async function roles(): Promise<readonly Role[]> {
  const documents = parseAllDocuments(await projectFile('deploy/rbac.yaml'))
  return documents.map((document) => document.toJS() as Role).filter(({ rules }) => rules !== undefined)
}

function rightOf({ verb, objectRef }: AuditEvent): string {
  const { apiGroup = '', resource = '', subresource } = objectRef ?? {}
  return right(verb, apiGroup, subresource ? `${resource}/${subresource}` : resource)
}
