/** The output of `cv wait` for people: how it ended in the first line, then why. */
import type { ObjectName } from '../../commands/object.ts'
import type { WaitOutcome, WaitResult } from '../../commands/wait/result.ts'
import { shortDigest } from '../../images/digest.ts'
import { redactText } from '../../log/redact.ts'
import { oneLine } from '../error-line.ts'

const words: Readonly<Record<WaitOutcome, string>> = {
  Healthy: 'is healthy',
  Failed: 'has failed',
  RolledBack: 'has failed, and was rolled back',
  Superseded: 'was superseded',
  Held: 'is held',
  NotFound: 'is not there',
  TimedOut: 'is not there yet',
  Interrupted: 'is not there yet',
}

export function waitInWords({ namespace, name, ...ended }: WaitResult & ObjectName): string {
  const { result, version = 'the version of the tag', message, checks = [], restored, held = [] } = ended
  const subject = result === 'NotFound' ? '' : `${version} `
  const gates = held.length > 0 ? ` by ${held.map(({ by }) => by).join(', ')}` : ''
  const lines = [
    oneLine(`ContainerVersion ${namespace}/${name}: ${subject}${words[result]}${gates}: ${message}`),
    ...checks.flatMap(({ name: check, kind, state, message: said }) => [
      `  check ${check} (${kind}) ${state === 'Error' ? 'could not be run' : 'failed'}`,
      ...textLines(said).map((line) => `    ${line}`),
    ]),
    ...held
      .filter(({ message: why }) => why !== message)
      .map(({ by, name: which, message: why, until }) =>
        oneLine(`held by ${by}${which ? ` ${which}` : ''}${until ? ` until ${until}` : ''}: ${why}`),
      )
      .map((line) => `  ${line}`),
    ...(restored
      ? [`  ${oneLine(`restored: ${restored.version}${restored.image ? ` (${restored.image})` : ''}`)}`]
      : []),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** The last lines of a log, as they are. */
const textLines = (text = ''): readonly string[] =>
  shortDigest(redactText(text))
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
