import type { Gate } from './gate.ts'

/** A person has paused a Deployment: its pods would not change before it is resumed. */
export const paused: Gate = {
  name: 'WorkloadPaused',

  check({ workloads }, version) {
    const found = workloads.filter(({ health }) => health.state === 'waiting' && health.because === 'Paused')
    if (found.length === 0) return undefined
    const commands = found.map(
      ({ ref: { kind, namespace, name } }) => `kubectl rollout resume ${kind.toLowerCase()}/${name} -n ${namespace}`,
    )
    const names = found.map(({ name }) => name).join(', ')
    return {
      name: names,
      message: `${version.name} is rolled out when ${names} is resumed: ${commands.join('; ')}`,
    }
  },
}
