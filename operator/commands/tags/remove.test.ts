/** `--dry-run` for registries that may refuse to remove a tag. */
import t, { type Test } from 'tap'
import { startRegistry } from '../../../e2e/harness/registry.ts'
import { loadSettings } from '../../config/settings.ts'
import { parseReference } from '../../images/reference.ts'
import { DockerHubRegistry } from '../../registries/docker-hub/docker-hub.ts'
import { GhcrRegistry } from '../../registries/ghcr/ghcr.ts'
import { OciRegistry } from '../../registries/oci/oci.ts'
import { anonymous } from '../../registries/registry.ts'
import { awsCredentials, registryOn, repositoryAt, withMoto } from '../../registries/testing/ecr-bench.ts'
import { transportTo } from '../../registries/testing/peer.ts'
import { removeTags } from './remove.ts'
import type { RepositoryClient } from './repository.ts'

const access = { credentials: anonymous }

const remove = (client: RepositoryClient, tags: readonly string[], { dryRun }: { readonly dryRun: boolean }) =>
  removeTags(
    {
      settings: loadSettings({}),
      provider: undefined,
      credentials: undefined,
      signal: new AbortController().signal,
      repositories: [parseReference('shop/web')],
      version: undefined,
      tags,
      dryRun,
    },
    async () => client,
  )

async function behind(t: Test, host: string) {
  const program = await startRegistry({ deletion: false })
  t.teardown(() => program.stop())
  const { digest } = await program.push('shop/web', ['1.0', 'env-prod'])
  const transport = transportTo(t, [host], { origins: { [host]: `http://${program.host}` } })
  return { program, digest, transport, repository: { host, path: 'shop/web' } }
}

t.test('GitHub never removes a tag, so a dry run fails like the removal itself', async (t) => {
  const { transport, repository, program } = await behind(t, 'ghcr.io')
  const client = { registry: new GhcrRegistry(transport), repository, access }
  t.match(await remove(client, ['env-prod', 'env-never'], { dryRun: true }), {
    changes: [
      { tag: 'env-prod', result: 'failed' },
      { tag: 'env-never', result: 'absent' },
    ],
    problems: [
      { tag: 'env-prod', reason: 'UntagNotSupported', message: /ghcr\.io cannot remove a tag without its image/ },
    ],
  })
  t.notOk(program.requests.some(({ method }) => method === 'DELETE'))
})

t.test('a plain registry does not tell beforehand, so the result names the condition', async (t) => {
  const { transport, repository, program, digest } = await behind(t, 'registry.example.com')
  const client = { registry: new OciRegistry(transport), repository, access }
  t.same((await remove(client, ['env-prod'], { dryRun: true })).changes, [
    {
      repository: 'shop/web',
      tag: 'env-prod',
      digest,
      result: 'removed',
      onlyIf: 'the registry allows deletion',
    },
  ])
  t.match(await remove(client, ['env-prod'], { dryRun: false }), {
    changes: [{ result: 'failed' }],
    problems: [{ reason: 'UntagNotSupported' }],
  })
  t.equal(program.requests.filter(({ method }) => method === 'DELETE').length, 1, 'the dry run has tried nothing')
})

t.test('Docker Hub removes any existing tag', async (t) => {
  const { transport, repository, digest } = await behind(t, 'docker.io')
  const client = { registry: new DockerHubRegistry(transport), repository, access }
  t.same((await remove(client, ['env-prod', 'env-never'], { dryRun: true })).changes, [
    { repository: 'shop/web', tag: 'env-prod', digest, result: 'removed' },
    { repository: 'shop/web', tag: 'env-never', result: 'absent' },
  ])
})

t.test('ECR keeps the last tag of an image, which a dry run of several tags takes into account', async (t) => {
  const moto = await withMoto(t)
  const repository = repositoryAt('shop/web')
  const digest = await moto.push(repository.path, ['a', 'b', 'c'])
  const client = { registry: registryOn(t, moto.endpoint), repository, access: { credentials: awsCredentials } }
  t.same((await remove(client, ['a', 'b'], { dryRun: true })).changes, [
    { repository: 'shop/web', tag: 'a', digest, result: 'removed' },
    { repository: 'shop/web', tag: 'b', digest, result: 'removed' },
  ])
  t.match(await remove(client, ['a', 'b', 'c'], { dryRun: true }), {
    changes: [{ result: 'removed' }, { result: 'removed' }, { tag: 'c', result: 'failed' }],
    problems: [{ tag: 'c', message: /the last one on/ }],
  })
  t.equal(moto.count('ecr:BatchDeleteImage'), 0)
  const done = await remove(client, ['a', 'b', 'c'], { dryRun: false })
  t.match(
    done.changes.map(({ result }) => result),
    ['removed', 'removed', 'failed'],
  )
})
