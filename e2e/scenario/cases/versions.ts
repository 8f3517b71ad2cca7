import { shortDigest } from '../../../operator/images/digest.ts'
import { digestAnnotation } from '../../harness/pod-marks.ts'
import type { Bed } from '../bed.ts'
import { build, v1, v2 } from '../builds.ts'
import { type AddTest, emptyWorld, scenario, webCv, workloads } from '../scenario.ts'

/** The version of a digest, and whether the workloads run it already. */
export function versions(test: AddTest, bed: Bed): void {
  test('a workload whose pods run the digest already is adopted: no patch, no restart', async (t) => {
    const world = await emptyWorld(t, bed)
    await world.ciMoves('env-prod', v1)
    const image = `${world.repository}:env-prod`
    const podAnnotations = { [digestAnnotation]: v1.digest }
    await world.makes(...workloads(world, { deployment: 'web', running: v1, workload: { image, podAnnotations } }))
    await world.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
    await world.makes(webCv(world, 'env-prod'))
    await world.runs(v1)
    await world.pollsAgain(1)
    t.equal(await world.imagePatches('web'), 0)
    t.match(await world.waitsForEvent('ContainerVersion/web-cv', 'Adopted'), [
      { type: 'Normal', reason: 'Adopted', message: /^the workloads already run 1111111 .*: nothing was changed$/ },
    ])
    t.equal(world.now('Deployment', 'web')?.generation, 1)

    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
    t.equal(await world.imagePatches('web'), 1, 'and followed from then on')
  })

  test('an image for several architectures has the digest of its index', async (t) => {
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
    const both = build('4444444', { multiArch: true })
    await world.ciMoves('env-prod', both)
    await world.sees('web', `${world.repository}:4444444@${both.digest}`)
    await world.runs(both)
    t.match(await world.status(), { observed: { source: 'alias', version: '4444444' } })
  })

  test('a tag that points at a chart or a signature changes no workload, until it points at an image again', async (t) => {
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
    for (const artifact of ['chart', 'signature'] as const) {
      await world.ciMoves('env-prod', build(`a-${artifact}`, { artifact }))
      const { status } = await world.becomes('Stalled', { reason: 'NotAnImage' })
      t.match(
        status.message,
        /tag env-prod .* points at sha256:.*, which is no container image: its (?:config|layers) /,
      )
      t.match(status, { current: { digest: v1.digest } })
      await world.pollsAgain(2)
      t.equal(await world.imagePatches('web'), 0)
      await world.ciMoves('env-prod', v1)
      await world.runs(v1)
    }
    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
    t.equal(await world.imagePatches('web'), 1)
  })

  test('if no tag fits the pattern, the version comes from the label of the image', async (t) => {
    const spec = { versionSyntax: 'v[0-9]+\\.[0-9]+\\.[0-9]+' }
    const labelled = build('5555555', { labels: { 'org.opencontainers.image.version': 'v1.2.3' } })
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod', spec })
    await world.ciMoves('env-prod', labelled)
    await world.sees('web', `${world.repository}:v1.2.3@${labelled.digest}`)
    await world.runs(labelled)
    t.match(await world.status(), { observed: { source: 'label', version: 'v1.2.3' } })
  })

  test('B07 if neither a tag nor a label names a version, the digest is the version', async (t) => {
    const spec = { versionSyntax: 'v[0-9]+\\.[0-9]+\\.[0-9]+' }
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod', spec })
    await world.ciMoves('env-prod', v2)
    await world.sees('web', `${world.repository}@${v2.digest}`)
    await world.runs(v2)
    t.match(await world.status(), { observed: { source: 'digest', version: shortDigest(v2.digest) } })
  })
}
