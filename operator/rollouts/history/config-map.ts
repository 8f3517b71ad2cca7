import { isAlreadyExists, isConflict, undefinedIfNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { configMaps, resourcePath } from '../../kubernetes/resource-path.ts'

type Data = Readonly<Record<string, string>>

interface RawConfigMap {
  readonly metadata: { readonly resourceVersion: string }
  readonly data?: Data
  /** In base64. */
  readonly binaryData?: Data
}

const maxAttempts = 5

/** Undefined if there is none. @throws ApiError, TransientError */
export const readConfigMap = (
  client: Pick<ApiClient, 'get'>,
  namespace: string,
  name: string,
): Promise<RawConfigMap | undefined> =>
  client.get<RawConfigMap>(resourcePath(configMaps, { namespace, name })).catch(undefinedIfNotFound)

/**
 * Sets keys of a ConfigMap, and nothing else of it. Creates the ConfigMap if there is none.
 * @param change the keys to set, given the present data and the size of its binary data; undefined if nothing needs to change
 * @param labels to set with them; others stay (B45)
 * @throws ApiError, TransientError
 */
export async function writeConfigMap(
  client: ApiClient,
  namespace: string,
  name: string,
  change: (data: Data, binaryBytes: number) => Data | undefined,
  labels?: Data,
): Promise<void> {
  const path = resourcePath(configMaps, { namespace, name })
  for (let attempt = 1; ; attempt += 1) {
    try {
      const found = await readConfigMap(client, namespace, name)
      const binary = Object.values(found?.binaryData ?? {}).join('')
      const data = change(found?.data ?? {}, (binary.length * 3) / 4)
      if (data === undefined) return
      if (found) {
        const { resourceVersion } = found.metadata
        await client.mergePatch(path, { metadata: { resourceVersion, labels }, data })
      } else {
        const managed = { 'app.kubernetes.io/managed-by': 'cvmanager' }
        await client.create(resourcePath(configMaps, { namespace }), {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, labels: { ...managed, ...labels } },
          data,
        })
      }
      return
    } catch (thrown) {
      // Somebody else was faster: read again, and decide by the new data.
      if (attempt >= maxAttempts || !(isConflict(thrown) || isAlreadyExists(thrown))) throw thrown
    }
  }
}
