import { test } from 'tap'
import { resourceOf, resourcePath } from './resource-path.ts'

const deployments = { group: 'apps', version: 'v1', plural: 'deployments' }
const pods = { group: '', version: 'v1', plural: 'pods' }

test('a path names group, namespace, object and subresource', async (t) => {
  t.equal(resourcePath(deployments), '/apis/apps/v1/deployments')
  t.equal(resourcePath(pods, { namespace: 'shop' }), '/api/v1/namespaces/shop/pods')
  t.equal(
    resourcePath(deployments, { namespace: 'shop', name: 'web', subresource: 'scale' }),
    '/apis/apps/v1/namespaces/shop/deployments/web/scale',
  )
})

test('no name leads to another path', async (t) => {
  t.equal(resourcePath(pods, { namespace: 'a/../b', name: 'x?y#z' }), '/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%23z')
})

test('the resource of a path is found for any group and namespace', async (t) => {
  t.equal(resourceOf('/api/v1/pods'), 'pods')
  t.equal(resourceOf('/api/v1/namespaces/shop'), 'namespaces')
  t.equal(resourceOf('/api/v1/namespaces/shop/pods'), 'pods')
  t.equal(resourceOf('/apis/apps/v1/namespaces/shop/deployments/web'), 'deployments')
  t.equal(
    resourceOf('/apis/cvmanager.io/v1/namespaces/shop/containerversions/web-cv/status'),
    'containerversions/status',
  )
})
