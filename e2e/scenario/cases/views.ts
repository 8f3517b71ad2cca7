import { specSchema } from '../../../operator/api/spec.ts'
import { shortDigest } from '../../../operator/images/digest.ts'
import type { Bed } from '../bed.ts'
import { broken, v1, v2 } from '../builds.ts'
import { type AddTest, scenario } from '../scenario.ts'

const web = { deployment: 'web', running: v1, follows: 'env-prod' } as const

/** What people see with kubectl. */
export function views(test: AddTest, bed: Bed): void {
  test('kubectl wait, get, get -o wide and describe show a rollout and a rollback', async (t) => {
    const world = await scenario(t, bed, web)
    await world.ciMoves('env-prod', v2)
    await world.becomes('RollingOut')
    const seen = await world.kubectl('wait', '--for=condition=Ready', 'cv/web-cv', '--timeout=30s')
    t.match(seen, /condition met/)

    const [heads, row] = rows(await world.kubectl('get', 'cv'))
    t.same(heads, ['NAME', 'TAG', 'VERSION', 'STATUS', 'STRATEGY', 'AGE'])
    t.match(row, ['web-cv', 'env-prod', '2222222', 'UpToDate', 'Simple', /^\d+s$/])

    await world.ciMoves('env-prod', broken)
    await world.becomes('RolledBack')
    const [wideHeads, wideRow] = rows(await world.kubectl('get', 'cv', '-o', 'wide'))
    t.same(wideHeads, ['NAME', 'TAG', 'VERSION', 'STATUS', 'STRATEGY', 'AGE', 'DIGEST', 'NEXT', 'MESSAGE'])
    t.match(wideRow, [
      'web-cv',
      'env-prod',
      '2222222',
      'RolledBack',
      'Simple',
      /s$/,
      shortDigest(v2.digest),
      'bad1bad',
      /^bad1bad failed/,
    ])
    await world.kubectl('wait', '--for=condition=Stalled', 'cv/web-cv', '--timeout=5s')

    const described = await world.kubectl('describe', 'cv', 'web-cv')
    const order = ['Adopted', 'RolloutStarted', 'RolloutSucceeded', 'RolloutStarted', 'RolloutFailed', 'RolledBack']
    t.match(described.slice(described.indexOf('Events:')), new RegExp(order.join('[^]*')), 'the events in order')
    t.match(described, /Reason: +RolledBack\n/)
    t.match(await world.kubectl('describe', 'deployment', 'web'), /Warning +RolledBack .*cvmanager/)
  })

  test('kubectl explain describes each field of the spec and of the status', async (t) => {
    const explained = await bed.cluster.kubectl('explain', 'cv.spec', '--recursive')
    for (const field of Object.keys(specSchema.properties)) {
      t.match(explained, new RegExp(`^ *${field}\\s+<`, 'm'), field)
      const about = await bed.cluster.kubectl('explain', `cv.spec.${field}`)
      t.match(about, /DESCRIPTION:\n {4}\S/, `spec.${field} has a description`)
    }
    t.match(
      await bed.cluster.kubectl('explain', 'cv.status.quarantined.digest'),
      /DESCRIPTION:\n {4}The digest that failed/,
    )
  })
}

/** The words of each line; the last column may have spaces in it. */
function rows(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/))
}
