/** How the registry commands say what came of them, and with which exit status they end. */
import type { ChangesAnswer, ImagesAnswer, Problem, ShownChange } from '../commands/tags/results.ts'
import { complaintOf } from './complaint.ts'
import { table } from './table.ts'
import { type ExitStatus, exit, type World } from './world.ts'

export const statuses = '0 done; 1 failed; 2 a flag is wrong; 3 there is no such image, version or repository.'

export function showImages({ images, problems }: ImagesAnswer, form: unknown, world: World): ExitStatus {
  if (form === 'json') world.print(json({ images, errors: errorsOf(problems) }))
  else if (images.length > 0) {
    const rows = images.map(({ repository, digest, tags }) => [repository, digest, tags.join(', ') || '<none>'])
    world.print(table(['REPOSITORY', 'DIGEST', 'TAGS'], rows))
  }
  return complain(problems, world)
}

export function showChanges({ dryRun, changes, problems }: ChangesAnswer, form: unknown, world: World): ExitStatus {
  if (form === 'json') world.print(json({ dryRun, changes, errors: errorsOf(problems) }))
  else if (changes.length > 0) {
    const moved = changes.some(({ was }) => was !== undefined)
    const rows = changes.map((change) => [
      change.repository,
      change.tag,
      wordsFor(change, dryRun),
      change.digest ?? '',
      ...(moved ? [change.was ?? ''] : []),
    ])
    world.print(table(['REPOSITORY', 'TAG', 'RESULT', 'DIGEST', ...(moved ? ['BEFORE'] : [])], rows))
  }
  for (const { result, repository, tag, digest } of changes) {
    if (result === 'left') world.complain(`tag ${tag} of ${repository} is left: it is on another image, ${digest}\n`)
  }
  return complain(problems, world)
}

function wordsFor({ result, onlyIf }: ShownChange, dryRun: boolean): string {
  switch (result) {
    case 'added':
    case 'moved':
    case 'removed':
      return dryRun ? `would be ${result}${onlyIf === undefined ? '' : `, if ${onlyIf}`}` : result
    case 'unchanged':
      return 'already there'
    case 'absent':
      return 'not there'
    case 'left':
      return 'left alone'
    case 'failed':
      return dryRun ? 'would fail' : 'failed'
    default:
      return result satisfies never
  }
}

/** One line for each. */
function complain(problems: readonly Problem[], world: World): ExitStatus {
  for (const { message } of problems) world.complain(`error: ${complaintOf(new Error(message))}\n`)
  if (problems.length === 0) return exit.ok
  return problems.every(({ notFound }) => notFound) ? exit.notFound : exit.failure
}

const errorsOf = (problems: readonly Problem[]) => problems.map(({ notFound, ...shown }) => shown)

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
