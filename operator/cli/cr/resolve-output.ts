/** The output of `cr resolve`. */
import type { ResolvedPolicy, ResolvedTag, WeighedTag } from '../../commands/tags/commands.ts'
import { listed } from '../../commands/tags/listed.ts'
import { policyInWords } from '../../discovery/versions/policies/policies.ts'
import { shortDigest } from '../../images/digest.ts'
import { json, type Row, table } from '../output.ts'
import { inFlags } from '../policy-flags.ts'

type Resolved = ResolvedTag | ResolvedPolicy

export const showResolved = (resolved: Resolved, form: unknown): string =>
  form === 'json' ? json(fieldsOf(resolved)) : table(rowsOf(resolved))

const fieldsOf = ({ described, ...fields }: Resolved): object => ({
  ...fields,
  ...(described ? { mediaType: described.mediaType, platforms: described.platforms } : {}),
})

function rowsOf(resolved: Resolved): readonly Row[] {
  const { digest, described, version, why, workloadImage, credentials } = resolved
  const { user, source } = credentials
  const rows: Row[] = [
    ['Image', resolved.image],
    ['Provider', resolved.provider],
    ['Credentials', user === undefined ? source : `user ${user} (${source})`],
  ]
  if ('policy' in resolved) rows.push(...policyRows(resolved))
  if (digest !== undefined) {
    rows.push(['Digest', digest])
    rows.push(['Media type', described?.mediaType ?? '<unknown>'])
    rows.push(['Platforms', described?.platforms.join(', ') || '<one>'])
  }
  if ('aliases' in resolved) {
    const more = resolved.aliasesComplete ? '' : ', and perhaps more'
    rows.push(['Aliases', `${resolved.aliases.join(', ') || '<none>'}${more}`])
  }
  if (version !== undefined) rows.push(['Version', `${shortDigest(version.name)} (${version.source})`])
  rows.push(...why.map((sentence, at): Row => [at === 0 ? 'Why' : '', shortDigest(inFlags(sentence))]))
  if (workloadImage !== undefined) rows.push(['Workloads get', workloadImage])
  return rows
}

function policyRows({ policy, fitting, unfit, refused }: ResolvedPolicy): readonly Row[] {
  const { filter } = policy
  const filterRows: readonly Row[] = filter
    ? [
        ['Filter', `${filter.pattern}${filter.extract === undefined ? '' : `, of which ${filter.extract}`}`],
        ['Refused', counted(refused)],
      ]
    : []
  return [
    ['Policy', policyInWords(policy)],
    ...filterRows,
    ['Unfit', counted(unfit.map(described))],
    ['Fitting', counted(fitting.map(described))],
  ]
}

function described({ tag, compared, pushed }: WeighedTag): string {
  const notes = [...(compared === tag ? [] : [`as ${compared}`]), ...(pushed === undefined ? [] : [`pushed ${pushed}`])]
  return notes.length === 0 ? tag : `${tag} (${notes.join(', ')})`
}

const counted = (tags: readonly string[]): string => (tags.length === 0 ? '<none>' : `${tags.length}: ${listed(tags)}`)
