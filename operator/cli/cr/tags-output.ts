/** The output and the exit status of `cr tags`. */
import type { ChangesResult, ImagesResult, Problem, TagChange } from '../../commands/tags/commands.ts'
import { errorLine } from '../error-line.ts'
import { type ExitStatus, exit, type Io } from '../io.ts'
import { json, table } from '../output.ts'

export const statuses = '0 done; 1 failed; 2 a flag is wrong; 3 there is no such image, version or repository.'

export function showImages({ images, problems }: ImagesResult, form: unknown, io: Io): ExitStatus {
  if (form === 'json') io.print(json({ images, errors: errorsOf(problems) }))
  else if (images.length > 0) {
    const rows = images.map(({ repository, digest, tags }) => [repository, digest, tags.join(', ') || '<none>'])
    io.print(table([['REPOSITORY', 'DIGEST', 'TAGS'], ...rows]))
  }
  for (const { repository, tagsComplete } of images) {
    if (!tagsComplete)
      io.printError(
        `${repository} has so many tags that only those pushed last were read: older ones may be on the image, too\n`,
      )
  }
  return report(problems, io)
}

export function showChanges({ dryRun, changes, problems }: ChangesResult, form: unknown, io: Io): ExitStatus {
  if (form === 'json') io.print(json({ dryRun, changes, errors: errorsOf(problems) }))
  else if (changes.length > 0) {
    const moved = changes.some(({ was }) => was !== undefined)
    const rows = changes.map((change) => [
      change.repository,
      change.tag,
      resultOf(change, dryRun),
      change.digest ?? '',
      ...(moved ? [change.was ?? ''] : []),
    ])
    io.print(table([['REPOSITORY', 'TAG', 'RESULT', 'DIGEST', ...(moved ? ['BEFORE'] : [])], ...rows]))
  }
  for (const { result, repository, tag, digest } of changes) {
    if (result === 'left')
      io.printError(`tag ${tag} of ${repository} was left alone: it is on another image, ${digest}\n`)
  }
  return report(problems, io)
}

function resultOf({ result, onlyIf }: TagChange, dryRun: boolean): string {
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

function report(problems: readonly Problem[], io: Io): ExitStatus {
  for (const { message } of problems) io.printError(errorLine(message))
  if (problems.length === 0) return exit.ok
  return problems.every(({ notFound }) => notFound) ? exit.notFound : exit.failure
}

const errorsOf = (problems: readonly Problem[]) => problems.map(({ notFound, ...shown }) => shown)
