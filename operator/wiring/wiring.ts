/** The only place where implementations are constructed and joined: what the commands do, done with the real parts. */
import type { Commands } from '../cli/commands.ts'
import { isNotFound } from '../kubernetes/api-error.ts'
import { resourcePath } from '../kubernetes/resource-path.ts'
import { connect } from './running.ts'

export { currentVersions } from './current-versions.ts'
export { followOne } from './follow-one.ts'
export { startOperator } from './running.ts'

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
