/** A check that runs, and sources in memory, for tests. */
import type { Check } from '../../api/checks.ts'
import type { CheckStatus } from '../../api/rollout-status.ts'
import type { Digest } from '../../images/digest.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { timestamp } from '../../time/clock.ts'
import { epoch, object, rollingOut } from '../plan/plan.fixture.ts'
import { Requests } from './requests.ts'
import { Tallies } from './tallies.ts'
import type { Run, Sources } from './verifier.ts'

export const running = (given: Partial<CheckStatus> = {}): CheckStatus => ({
  name: 'smoke',
  kind: 'Image',
  step: 'container',
  state: 'Running',
  since: timestamp(epoch),
  ...given,
})

export function runOf(check: Check, given: Partial<Run> = {}): Run {
  const status = running({ kind: check.kind })
  return { object: object(), rollout: rollingOut(), check, status, candidates: [], now: epoch, ...given }
}

/** @param answers by path, without the query; a string is a log. What is not there is not found. */
export function sourcesWith(answers: Readonly<Record<string, unknown>> = {}, given: Partial<Sources> = {}) {
  const reads: string[] = []
  const get = async (path: string): Promise<unknown> => {
    reads.push(path)
    const answer = answers[path]
    if (answer instanceof Error) throw answer
    if (answer === undefined) throw new ApiError(404, 'NotFound', `GET ${path}: not found`)
    return answer
  }
  const sources: Sources = {
    client: { get, text: get } as unknown as ApiClient,
    images: { digestOf: async () => `sha256:${'c'.repeat(64)}` as Digest },
    requests: new Requests({ version: '0', hosts: [], timeoutMs: 1_000 }),
    measurements: new Tallies(),
    limits: { cpu: '500m', memory: '256Mi' },
    ...given,
  }
  return { sources, reads }
}
