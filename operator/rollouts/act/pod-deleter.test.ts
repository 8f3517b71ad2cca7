import { test } from 'tap'
import { ApiError } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { PodDeleter } from './pod-deleter.ts'

const pod = { namespace: 'shop', name: 'carts-1', uid: 'u1' }

/** @param answers an error for each request that the API server refuses, in their order */
function deleter(...answers: readonly (ApiError | undefined)[]) {
  const requests: unknown[] = []
  const remove = async (path: string, { body }: { body?: object } = {}) => {
    const answer = answers[requests.length]
    requests.push({ path, ...body })
    if (answer) throw answer
  }
  return { pods: new PodDeleter({ delete: remove } as unknown as ApiClient), requests }
}

test('a pod is deleted once by its UID, however often an older list shows it', async (t) => {
  const { pods, requests } = deleter()
  t.equal(await pods.delete(pod), true)
  t.equal(await pods.delete(pod), false)
  t.same(requests, [{ path: '/api/v1/namespaces/shop/pods/carts-1', preconditions: { uid: 'u1' } }])
  t.equal(await pods.delete({ ...pod, uid: 'u2' }), true, 'the next one of its name is another pod')
})

test('a pod that is gone is not tried again, and a deletion that failed is', async (t) => {
  const gone = deleter(new ApiError(404, 'NotFound', 'gone'))
  t.equal(await gone.pods.delete(pod), false)
  t.equal(await gone.pods.delete(pod), false)
  t.equal(gone.requests.length, 1)
  for (const refused of [new ApiError(503, 'ServiceUnavailable', 'later'), new ApiError(409, 'Conflict', 'later')]) {
    const failing = deleter(refused)
    await t.rejects(failing.pods.delete(pod), /later/)
    t.equal(await failing.pods.delete(pod), true)
  }
})
