/** One ContainerVersion by its name, for the commands. */
import { type ContainerVersion, containerVersion } from '../api/container-version.ts'
import { group, plural, reconcileAnnotation, version } from '../api/names.ts'
import { TransientError } from '../errors.ts'
import { ApiError, isNotFound, isRefused } from '../kubernetes/api-error.ts'
import type { ApiClient } from '../kubernetes/client.ts'
import { resourcePath } from '../kubernetes/resource-path.ts'
import { refusedInWords } from '../kubernetes/right.ts'

export const containerVersions = { group, version, plural }

/** The writes of people and CI jobs in `metadata.managedFields`, apart from those of the controller. */
export const fieldManager = 'cvmanager-cli'

export interface ObjectName {
  readonly namespace: string
  readonly name: string
}

/** There is no such ContainerVersion. */
export class ObjectNotFoundError extends Error {
  override readonly name = 'ObjectNotFoundError'

  constructor({ namespace, name }: ObjectName) {
    super(
      `there is no ContainerVersion ${name} in namespace ${namespace}; kubectl get cv -n ${namespace} lists those that there are`,
    )
  }
}

/** @throws ObjectNotFoundError, ApiError, TransientError */
export async function readObject(
  client: Pick<ApiClient, 'get'>,
  name: ObjectName,
  signal?: AbortSignal,
): Promise<ContainerVersion> {
  return containerVersion(await client.get(resourcePath(containerVersions, name), { signal }).catch(explained(name)))
}

/**
 * Asks cvmanager to poll the registry and to reconcile now.
 * @param request a new value of the annotation
 * @returns the object with it
 * @throws ObjectNotFoundError, ApiError, TransientError
 */
export async function askToReconcile(
  client: Pick<ApiClient, 'mergePatch'>,
  name: ObjectName,
  request: string,
  signal?: AbortSignal,
): Promise<ContainerVersion> {
  const patch = { metadata: { annotations: { [reconcileAnnotation]: request } } }
  const path = resourcePath(containerVersions, name)
  const options = { query: { fieldManager }, signal }
  return containerVersion(await client.mergePatch(path, patch, options).catch(explained(name)))
}

/** An outage, or a load that passes. */
export const mayPass = (thrown: unknown): boolean =>
  thrown instanceof TransientError || (thrown instanceof ApiError && !isRefused(thrown))

/** What is missing here is no right of the controller. */
export const asPerson = (thrown: unknown): unknown =>
  thrown instanceof ApiError && thrown.right
    ? new ApiError(403, thrown.reason, `${refusedInWords(thrown.right)}: deploy/ci.yaml has the rights for it`)
    : thrown

const explained = (name: ObjectName) => (thrown: unknown) => {
  // Without the CustomResourceDefinition, the answer is a 404 of another reason.
  throw isNotFound(thrown) && thrown.reason === 'NotFound' ? new ObjectNotFoundError(name) : asPerson(thrown)
}
