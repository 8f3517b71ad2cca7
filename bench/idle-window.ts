import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditEvent } from '../e2e/harness/audit.ts'
import type { SeenRequest, Traffic } from '../e2e/harness/registry-proxy.ts'
import type { Operator } from './operator.ts'
import { operatorAgent, type World } from './world.ts'

/** Polls fall on whole seconds. A window that begins in a pause does not cut a bunch of them in two. */
const pauseMs = 300
const longestWaitMs = 5_000

/** What an operator did in a while in which it was left alone. */
export interface IdleWindow {
  readonly ms: number
  readonly cpuMs: number
  /** Its requests to the registry. */
  readonly asked: readonly SeenRequest[]
  /** The traffic of all clients. */
  readonly traffic: Traffic
  /** Its requests to the API server. */
  readonly requests: readonly AuditEvent[]
}

export async function idleWindow({ registry, cluster }: World, operator: Operator, ms: number): Promise<IdleWindow> {
  await untilPause(registry)
  const since = Date.now()
  const cpuBefore = await operator.cpuMs()
  const [asked, traffic] = [registry.requests.length, registry.traffic]
  await sleep(ms)
  const seen = registry.requests.slice(asked)
  const { received, sent } = registry.traffic
  const cpuMs = (await operator.cpuMs()) - cpuBefore
  await operator.assertRunning()
  return {
    ms: Date.now() - since,
    cpuMs,
    asked: seen.filter(isOperators),
    traffic: { received: received - traffic.received, sent: sent - traffic.sent },
    requests: await cluster.auditLog({ userAgent: operatorAgent, since }),
  }
}

export const isOperators = ({ userAgent }: SeenRequest): boolean => operatorAgent.test(userAgent ?? '')

async function untilPause(registry: World['registry']): Promise<void> {
  const deadline = Date.now() + longestWaitMs
  while (Date.now() < deadline) {
    const last = registry.requests.findLast(isOperators)?.at ?? 0
    if (Date.now() - last >= pauseMs) return
    await sleep(pauseMs / 10)
  }
}
