/** The output of `cv status` for people. */
import type { CheckState, CheckStatus } from '../../api/rollout-status.ts'
import type { Phase } from '../../api/status.ts'
import type { PodNode, RolloutNode, StatusTree, WorkloadNode } from '../../commands/status/tree.ts'
import { shortDigest } from '../../images/digest.ts'
import { durationInWords } from '../../rollouts/plan/duration.ts'
import { timestamp } from '../../time/clock.ts'
import { oneLine } from '../error-line.ts'
import { type Branch, type Screen, type Tone, treeLines, wrapped } from './tree-output.ts'

const tones: Readonly<Record<Phase, Tone>> = {
  Pending: 'busy',
  UpToDate: 'good',
  RollingOut: 'busy',
  Verifying: 'busy',
  RollingBack: 'bad',
  RolledBack: 'bad',
  Failed: 'bad',
  Stalled: 'bad',
  Unavailable: 'bad',
}

const checkTones: Readonly<Record<CheckState, Tone>> = {
  Pending: 'dim',
  Running: 'busy',
  Passed: 'good',
  Failed: 'bad',
  Error: 'bad',
}

/** How long ago, and until when, depends on `now`; nothing else does. */
export function statusLines(tree: StatusTree, screen: Screen, now: number): readonly string[] {
  const { namespace, name, follows, status, message = '', rollout, checks, workloads, services, notShown } = tree
  const sentences = wrapped(oneLine(message), (screen.columns ?? 120) - 2).map((text) => `  ${text}`)
  const below: readonly Branch[] = [
    ...(rollout ? [rolloutBranch(rollout, now)] : lastBranch(tree, now)),
    ...(checks.length > 0 ? [{ cells: ['checks'], below: checks.map((check) => checkBranch(check, now)) }] : []),
    ...services.map(
      ({ name: service, role, selects }): Branch => ({
        cells: [`Service/${service}`, role.toLowerCase(), `selects ${selects.join(', ') || 'no workload'}`],
        tone: role === 'Live' && selects.length === 0 ? 'bad' : undefined,
      }),
    ),
    ...workloads.map((workload) => workloadBranch(workload, now)),
    ...heldBranch(tree),
    ...notShown.map((text): Branch => ({ cells: [`not shown: ${oneLine(text)}`], tone: 'dim' })),
  ]
  const [title = '', ...branches] = treeLines(
    { cells: [`${namespace}/${name}`, status, `follows ${follows}`], tone: tones[status], below },
    screen,
  )
  return [title, ...sentences, ...branches]
}

const verbs: Readonly<Record<RolloutNode['phase'], string>> = {
  RollingOut: 'rolling out',
  RollingBack: 'rolling back',
  Recording: 'recording the rollout',
}

function rolloutBranch(rollout: RolloutNode, now: number): Branch {
  const { version, digest, from, strategy = 'Simple', phase, since, deadline, step, waitingSince } = rollout
  const clock =
    waitingSince === undefined
      ? `until ${deadline} (${left(deadline, now)})`
      : `its clock stands still since ${waitingSince}`
  const named = `${version} (${shortDigest(digest)})`
  // A rollback leads the other way.
  const path = phase === 'RollingBack' ? [named, from] : [from, named]
  const names = path.filter((name) => name !== undefined).join(' → ')
  return {
    cells: ['rollout', `${verbs[phase]} ${names}, ${strategy}, for ${ago(since, now)}, ${clock}`],
    tone: phase === 'RollingBack' ? 'bad' : 'busy',
    // A rollout of one step has none to speak of.
    below:
      step && step.of > 1
        ? [
            {
              cells: [
                `step ${step.index} of ${step.of}`,
                `${step.name}, for ${ago(step.since, now)}${step.waitingFor ? `: waits for ${step.waitingFor}` : ''}`,
              ],
            },
          ]
        : [],
  }
}

function lastBranch({ message: said = '', lastRollout, current }: StatusTree, now: number): readonly Branch[] {
  const runs = current ? [{ cells: ['runs', `${current.version}, for ${ago(current.since, now)}`] }] : []
  if (!lastRollout) return runs
  const { version, outcome, endTime, duration, message } = lastRollout
  const isSaid = message === undefined || said.includes(message) || outcome === 'Succeeded'
  const why = isSaid ? '' : `: ${oneLine(message)}`
  const last: Branch = {
    cells: ['last rollout', `${version} ${outcome}, ${ago(endTime, now)} ago, after ${duration}${why}`],
    tone: outcome === 'Succeeded' ? undefined : 'bad',
  }
  return [...runs, last]
}

function checkBranch(
  { name, kind, step, state, passes, failures, since, endTime, message }: CheckStatus,
  now: number,
): Branch {
  const measured = passes === undefined && failures === undefined ? '' : `, ${passes ?? 0} good, ${failures ?? 0} bad`
  const took = since === undefined ? '' : `, ${durationInWords(since, endTime ?? timestamp(now))}`
  const [first, ...more] = message?.split('\n') ?? []
  const said = first && more.length === 0 ? `: ${oneLine(first)}` : ''
  return {
    cells: [name, kind, step, `${state}${measured}${took}${said}`],
    tone: checkTones[state],
    below: more.length > 0 ? [first ?? '', ...more].map((text) => ({ cells: [oneLine(text)], tone: 'dim' })) : [],
  }
}

function workloadBranch({ kind, name, version, ready, wanted, role, pods }: WorkloadNode, now: number): Branch {
  const counted = wanted === undefined ? `${ready} ready` : `${ready}/${wanted} ready`
  return {
    cells: [`${kind}/${name}`, shortDigest(version), counted, role?.toLowerCase() ?? ''],
    tone: wanted !== undefined && ready < wanted ? 'busy' : undefined,
    below: pods.map((pod) => podBranch(pod, now)),
  }
}

function podBranch({ name, version, ready, since, trouble }: PodNode, now: number): Branch {
  return {
    cells: [
      name,
      shortDigest(version),
      ready ? 'ready' : 'not ready',
      ago(since, now),
      trouble ? oneLine(trouble) : '',
    ],
    tone: ready ? undefined : trouble ? 'bad' : 'busy',
  }
}

function heldBranch({ next, held }: StatusTree): readonly Branch[] {
  if (!next || next.heldBy === 'Rollout') {
    // A newer version waits for the rollout in progress.
    return held.map((hold) => ({ cells: ['held', oneLine(`${hold.by}: ${hold.message}`)], tone: 'busy' }))
  }
  return [
    {
      cells: ['next', `${next.version} (${shortDigest(next.digest)}), held by ${next.heldBy}`],
      tone: 'busy',
      below: held.map(({ by, name, message, until }) => ({
        cells: [name ? `${by} ${name}` : by, `${oneLine(message)}${until ? `, until ${until}` : ''}`],
      })),
    },
  ]
}

const ago = (time: string, now: number): string => durationInWords(time, timestamp(now))

const left = (time: string, now: number): string =>
  Date.parse(time) > now ? `${durationInWords(timestamp(now), time)} left` : 'now'
