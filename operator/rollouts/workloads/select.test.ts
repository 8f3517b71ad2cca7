import { test } from 'tap'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import { raw } from './contract.fixture.ts'
import { deployment } from './deployment.ts'
import { noPods } from './health.ts'
import { containerNotFound, selectContainers, selects } from './select.ts'
import { workload } from './view.ts'

const imageRepo = 'r.example.com/web'
const spec: ContainerVersionSpec = { imageRepo, tag: 'env-prod', selector: { cvapp: 'web' } }
const withImage = (...images: string[]) =>
  deployment.strip(raw({ template: { containers: images.map((image, index) => ({ name: `c${index}`, image })) } }))

test('B14 the selector does not find a workload that another object controls', async (t) => {
  const owned = deployment.strip(raw({ metadata: { ownerReferences: [{ controller: true }] } }))
  t.equal(selects({ cvapp: 'web' }, deployment.strip(raw())), true)
  t.equal(selects({ cvapp: 'web' }, owned), false)
  t.equal(selects({ cvapp: 'web', tier: 'front' }, deployment.strip(raw())), false, 'all labels count')
  t.equal(selects({ cvapp: 'web' }, deployment.strip(raw({ metadata: { deletionTimestamp: 'now' } }))), false)
})

test('B33 the message about a missing container names it and those that exist', async (t) => {
  const named = { ...spec, container: { name: 'app' } }
  const ofRepository = withImage('r.example.com/web:v1')
  t.same(selectContainers(named, ofRepository), [])
  t.match(containerNotFound(named, ofRepository), {
    reason: 'ContainerNotFound',
    message:
      'Deployment shop/web has no container app; its containers are c0. Name one of them in spec.container.name.',
  })
  const ofAnother = withImage('r.example.com/other:v1')
  t.same(selectContainers(spec, ofAnother), [])
  t.match(containerNotFound(spec, ofAnother)?.message ?? '', /no container whose image is of r\.example\.com\/web/)
})

test('B16 only the named container changes, or those with an image of the repository', async (t) => {
  const object = withImage('r.example.com/proxy:v1', 'r.example.com/web:v1')
  t.match(selectContainers(spec, object), [{ name: 'c1' }])
  const named = selectContainers({ ...spec, container: { name: 'c0' } }, object)
  t.match(workload(object, named, noPods, { now: 0, since: 0 }).changeTo('x'), {
    change: 'images',
    of: { kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'uid-of-web', resourceVersion: '7' },
    images: [{ name: 'c0', image: 'x' }],
  })
})

test('init containers and sidecars are selected by repository or by name, and changed where they are', async (t) => {
  const object = deployment.strip(
    raw({
      template: {
        containers: [{ name: 'web', image: 'r.example.com/web:v1' }],
        initContainers: [
          { name: 'migrate', image: 'r.example.com/web:v1' },
          { name: 'proxy', image: 'r.example.com/proxy:v1', restartPolicy: 'Always' },
        ],
      },
    }),
  )
  const view = (selected: ContainerVersionSpec) =>
    workload(object, selectContainers(selected, object), noPods, { now: 0, since: 0 })
  t.same(view(spec).changeTo('x').images, [
    { name: 'web', image: 'x' },
    { name: 'migrate', image: 'x', init: true },
  ])
  t.equal(view(spec).runs('r.example.com/web:v1'), true)
  const proxy = { ...spec, container: { name: 'proxy' } }
  t.same(view(proxy).changeTo('x').images, [{ name: 'proxy', image: 'x', init: true }])
  t.same(
    view(spec).restore([{ name: 'migrate', image: 'old' }]).images,
    [{ name: 'migrate', image: 'old', init: true }],
    'a rollback restores them from the names in the status',
  )
  t.match(
    containerNotFound({ ...spec, container: { name: 'app' } }, object)?.message ?? '',
    /are web, migrate, proxy\. Name/,
  )
})

test('B33 each workload must have all of container.names, wherever they are', async (t) => {
  const object = deployment.strip(
    raw({
      template: {
        containers: ['web', 'other'].map((name) => ({ name, image: 'r.example.com/web:v1' })),
        initContainers: [{ name: 'migrate', image: 'r.example.com/migrate:v1' }],
      },
    }),
  )
  const named = (...names: string[]) => ({ ...spec, container: { names } })
  t.same(
    selectContainers(named('migrate', 'web'), object).map(({ name }) => name),
    ['web', 'migrate'],
  )
  t.equal(containerNotFound(named('migrate', 'web'), object), undefined)
  t.equal(
    containerNotFound(named('web', 'proxy', 'app'), object)?.message,
    'Deployment shop/web has no container proxy, app; its containers are web, other, migrate. Each workload must have all containers of spec.container.names: correct the names, or let another ContainerVersion select this workload.',
  )
})
