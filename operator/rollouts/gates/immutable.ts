import { composeImage } from '../../images/reference.ts'
import type { Gate } from './gate.ts'

/**
 * A Job that runs another version: Kubernetes lets nobody change it (B13). The workloads move as one, so none is changed before
 * the Job has ended.
 */
export const immutable: Gate = {
  name: 'WorkloadImmutable',

  check({ object, workloads }, version) {
    const { imageRepo } = object.spec
    const image = composeImage(imageRepo, version)
    const found = workloads.filter(({ rolls, runs }) => rolls === 'Never' && !runs(image))
    if (found.length === 0) return undefined
    const names = found.map(({ name }) => name).join(', ')
    const commands = found.map(
      ({ ref: { kind, namespace, name } }) => `kubectl delete ${kind.toLowerCase()}/${name} -n ${namespace}`,
    )
    return {
      name: names,
      message: `${version.name} is rolled out when ${names} has ended, which runs another version, and whose image Kubernetes lets nobody change. To go on now, delete it, and create it anew with ${version.name} of ${imageRepo} if you still need it: ${commands.join('; ')}`,
    }
  },
}
