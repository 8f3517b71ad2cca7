/** Pods as the API server sends them. */
import { type Pod, pod } from './pods.ts'
import type { Revision } from './workload.ts'

export const digest = (letter: string): string => `sha256:${letter.repeat(64)}`

/** When the pods were made, and nothing has happened to them since. */
export const made = Date.parse('2026-01-02T03:04:05Z')
export const seconds = (after: number): string => new Date(made + after * 1000).toISOString()

/** Of a StatefulSet or DaemonSet `web`. */
export const revision: Revision = {
  controllers: new Set(['uid-of-web']),
  label: 'controller-revision-hash',
  present: 'new',
}

export interface GivenPod {
  readonly name?: string
  readonly owner?: object
  readonly revision?: string
  readonly metadata?: object
  readonly spec?: object
  readonly status?: object
}

/** A pod of the present template that `uid-of-web` controls. */
export function rawPod({ name = 'web-1', owner, revision = 'new', metadata, spec, status }: GivenPod = {}): unknown {
  return {
    metadata: {
      name,
      uid: `uid-of-${name}`,
      creationTimestamp: seconds(0),
      labels: { app: 'web', 'controller-revision-hash': revision },
      ownerReferences: [owner ?? { kind: 'StatefulSet', uid: 'uid-of-web', controller: true }],
      ...metadata,
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'c0', image: 'mirror.example.com/web:v2' }], ...spec },
    status: { phase: 'Running', startTime: seconds(0), ...status },
  }
}

export const ownPod = (given: GivenPod = {}): Pod => pod(rawPod(given), revision)

/** A pod whose container `c0` waits. */
export const waitingPod = (reason: string, message = 'because', restartCount = 0, more: GivenPod = {}): Pod =>
  ownPod({
    ...more,
    status: {
      containerStatuses: [
        {
          name: 'c0',
          restartCount,
          state: { waiting: { reason, message } },
          ...(restartCount > 0 ? { lastState: { terminated: { exitCode: 1, reason: 'Error' } } } : {}),
        },
      ],
      ...more.status,
    },
  })
