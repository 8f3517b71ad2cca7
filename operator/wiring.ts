/** The only place where implementations are constructed and joined: what the commands do, done with the real parts. */
import type { Commands } from './cli/commands.ts'
import { isNotFound } from './cluster/api-error.ts'
import { resourcePath } from './cluster/resource-path.ts'
import { connect } from './wiring/running.ts'

export { currentVersions } from './wiring/current-versions.ts'
export { followOne } from './wiring/follow-one.ts'
export { startOperator } from './wiring/running.ts'

export const configMapData: Commands['configMapData'] = async (settings, namespace, name) => {
  const { client } = connect(settings)
  try {
    const path = resourcePath({ group: '', version: 'v1', plural: 'configmaps' }, { namespace, name })
    const { data } = await client.get<{ readonly data?: Readonly<Record<string, string>> }>(path)
    return data ?? {}
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined
    throw thrown
  } finally {
    await client.close()
  }
}
