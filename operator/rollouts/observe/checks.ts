import type { ContainerVersion } from '../../api/container-version.ts'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import { isForbidden } from '../../kubernetes/api-error.ts'
import { runningCheck, specOf } from '../plan/checks.ts'
import { frozenSettings } from '../plan/strategy-of.ts'
import type { Sight, Sources } from '../verifiers/verifier.ts'
import { verifiers } from '../verifiers/verifiers.ts'
import type { Selected } from '../workloads/select.ts'

/**
 * Reads what the check that runs needs; nothing for an object without one.
 * @throws ApiError, TransientError if the API server does not answer
 */
export async function checkSeen(
  sources: Sources,
  object: ContainerVersion,
  candidates: readonly Selected[],
  now: number,
): Promise<Sight | undefined> {
  const { rollout } = object.status
  const status = rollout && runningCheck(rollout)
  const check = status && specOf(frozenSettings(rollout, { object }), status)
  if (!check) return undefined
  try {
    return await verifiers[check.kind].observe({ object, rollout, check, status, candidates, now }, sources)
  } catch (thrown) {
    if (thrown instanceof NeedsChangeError || isForbidden(thrown))
      return { sight: 'unavailable', message: thrown.message }
    if (thrown instanceof TransientError && thrown.reason !== 'ApiServerUnavailable')
      return { sight: 'waiting', message: thrown.message }
    throw thrown
  }
}
