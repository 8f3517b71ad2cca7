import { test } from 'tap'
import { parse } from 'yaml'
import type { WorkloadVersion } from '../../rollouts/observe/json-of-2018.ts'
import { runCli } from '../run-cli.fixture.ts'

const web: WorkloadVersion = {
  Namespace: 'shop',
  Name: 'web',
  Type: 'Deployment',
  Container: 'app',
  Version: '1a2b3c4',
  AvailablePods: 3,
  CV: 'web-cv',
  Tag: 'env-prod',
  Digest: `sha256:${'a'.repeat(64)}`,
}
const { Digest, ...fields } = web
const versions = [web, { ...web, Name: 'worker', Type: 'StatefulSet', AvailablePods: 12 }]

test('the table has one aligned column per field', async (t) => {
  const { out, status } = await runCli('cv get', { versions })
  t.equal(status, 0)
  t.equal(
    out,
    `NAMESPACE   NAME     TYPE          CONTAINER   VERSION   PODS   CV       TAG
shop        web      Deployment    app         1a2b3c4   3      web-cv   env-prod
shop        worker   StatefulSet   app         1a2b3c4   12     web-cv   env-prod
`,
  )
})

test('wide adds the digest in short, or <unknown>', async (t) => {
  const { out } = await runCli('cv get -o wide', { versions: [web, { ...fields, Name: 'worker' }] })
  t.match(out, /TAG {8}DIGEST\n/)
  t.match(out, ` sha256:${'a'.repeat(12)}\n`)
  t.match(out, /worker .*<unknown>\n$/)
})

test('JSON is exactly the text of the first cvmanager, with -o json or CVMANAGER_OUTPUT=json', async (t) => {
  const text =
    '[{"Namespace":"shop","Name":"web","Type":"Deployment","Container":"app","Version":"1a2b3c4","AvailablePods":3,"CV":"web-cv","Tag":"env-prod"},' +
    '{"Namespace":"shop","Name":"worker","Type":"StatefulSet","Container":"app","Version":"1a2b3c4","AvailablePods":12,"CV":"web-cv","Tag":"env-prod"}]'
  t.equal((await runCli('cv get -o json', { versions })).out, text)
  t.equal((await runCli('cv get', { versions, env: { CVMANAGER_OUTPUT: 'json' } })).out, text)
  t.match((await runCli('cv get -o table', { versions, env: { CVMANAGER_OUTPUT: 'json' } })).out, /^NAMESPACE/)
  t.match((await runCli('cv get', { versions, env: { CVMANAGER_OUTPUT: '' } })).out, /^NAMESPACE/)
  t.match(await runCli('cv get', { env: { CVMANAGER_OUTPUT: 'constructor' } }), { status: 2 })
  t.match(await runCli('cv get', { env: { CVMANAGER_OUTPUT: 'xml' } }), {
    status: 2,
    err: 'error: CVMANAGER_OUTPUT: "xml" is not allowed; it must be one of table, wide, json, yaml\n',
  })
  const odd = await runCli('cv get -o json', { versions: [{ ...web, Tag: 'semver >=1 <2 & \u2028' }] })
  t.match(odd.out, '"Tag":"semver \\u003e=1 \\u003c2 \\u0026 \\u2028"', 'as Go escapes it')
})

test('JSON and YAML have exactly the fields of the first cvmanager', async (t) => {
  t.same(JSON.parse((await runCli('cv get -o json', { versions: [web] })).out), [fields])
  t.same(parse((await runCli('cv get -o yaml', { versions: [web] })).out), [fields])
})

test('without managed workloads, people get a message and programs null, as from the first cvmanager', async (t) => {
  const { out, err, status } = await runCli('cv get -n shop')
  t.same(
    { out, err, status },
    { out: '', err: 'No workload is managed by a ContainerVersion in namespace shop.\n', status: 0 },
  )
  t.equal((await runCli('cv get -o json')).out, 'null')
  t.equal((await runCli('cv get', { env: { CVMANAGER_OUTPUT: 'json' } })).out, 'null')
  t.same(parse((await runCli('cv get -o yaml')).out), [])
})

test('without --namespace, all namespaces are listed', async (t) => {
  t.match((await runCli('cv get')).requests[0], { namespace: undefined })
  t.match((await runCli('cv get -A')).requests[0], { namespace: undefined })
  t.match((await runCli('cv get -n shop')).requests[0], { namespace: 'shop' })
})
