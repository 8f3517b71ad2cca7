import { test } from 'tap'
import { timestamp } from '../../../operator/time/clock.ts'
import { livesOf } from './pods.ts'

const epoch = Date.parse('2026-01-02T03:04:05Z')

const event = (verb: string, seconds: number, responseObject: object, code = 200) => ({
  auditID: `${verb} ${seconds}`,
  stage: 'ResponseComplete' as const,
  verb,
  requestURI: '',
  user: { username: 'system:kwok' },
  objectRef: { resource: 'pods' },
  responseStatus: { code },
  responseObject,
  requestReceivedTimestamp: timestamp(epoch + seconds * 1_000),
  stageTimestamp: timestamp(epoch + seconds * 1_000 + 500),
})

const labels = { 'cvmanager.io/check': 'smoke', 'cvmanager.io/containerversion': 'web-cv' }
const pod = (revision: number, status: object, uid = 'uid-of-a', deletionGracePeriodSeconds?: number) => ({
  kind: 'Pod',
  metadata: {
    name: 'a',
    uid,
    resourceVersion: String(revision),
    labels,
    ownerReferences: [{ uid: 'uid-of-web-cv' }],
    deletionGracePeriodSeconds,
  },
  spec: { containers: [{ name: 'main', image: 'registry.example.com/web:v2' }] },
  status,
})

test('the lives of pods are in the audit log', async (t) => {
  const events = [
    event('patch', 2, pod(102, { phase: 'Succeeded' })),
    event('create', 0, pod(100, { phase: 'Pending' })),
    event('create', 0, { kind: 'Status', details: { uid: 'uid-of-b' } }, 409),
    event('patch', 1, pod(101, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] })),
    event('patch', 1, pod(99, { phase: 'Running' }, 'uid-of-one-that-was-there-before')),
    event('delete', 3, pod(103, { phase: 'Succeeded' }, 'uid-of-a', 30)),
    event('delete', 4, pod(104, { phase: 'Succeeded' }, 'uid-of-a', 0)),
  ]
  const sight = (seconds: number, more: object) => ({
    at: epoch + seconds * 1_000,
    revision: 100 + seconds,
    isReady: false,
    end: undefined,
    ...more,
  })
  t.strictSame(livesOf(events), [
    {
      uid: 'uid-of-a',
      name: 'a',
      labels,
      images: new Set(['registry.example.com/web:v2']),
      checks: { owner: 'uid-of-web-cv', check: 'smoke' },
      sights: [
        sight(0, {}),
        sight(1, { isReady: true }),
        sight(2, { end: 'Succeeded' }),
        sight(3, { end: 'Succeeded' }),
        sight(4, { end: 'gone' }),
      ],
    },
  ])
})
